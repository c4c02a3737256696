"""Programs that nobody here wrote talk to the line, through the ports that `lab endpoints` gives."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from asyncua import Client  # type: ignore[attr-defined]

from tests.live.conftest import NAME, Command
from tests.waiting import within


@pytest.mark.needs("mbpoll")
def test_mbpoll_reads_and_writes_the_modbus_plc(lab: Command) -> None:
    line = {tag["id"]: tag for tag in lab.json("tags", NAME)}
    assert line["Pasteuriser.SetPoint"]["address"].startswith("%MD")
    register = 2048 + 2 * int(line["Pasteuriser.SetPoint"]["address"].removeprefix("%MD"))
    base = [
        "mbpoll",
        "-m",
        "tcp",
        "-0",
        "-1",
        "-a",
        "1",
        "-p",
        str(lab.port("modbus")),
        "-t",
        "4:float",
        "-B",
    ]
    wanted = line["Pasteuriser.SetPoint"]["truth"] + 0.5

    def value() -> float:
        out = subprocess.run(
            [*base, "-r", str(register), "127.0.0.1"], capture_output=True, text=True, timeout=10
        ).stdout
        return float(out.rsplit(":", 1)[-1].split()[0])

    assert value() == pytest.approx(wanted - 0.5, abs=0.01)
    subprocess.run(
        [*base, "-r", str(register), "127.0.0.1", str(wanted)], check=True, capture_output=True, timeout=10
    )
    assert value() == pytest.approx(wanted, abs=0.01)

    def shown() -> bool:
        tag = next(t for t in lab.json("tags", NAME) if t["id"] == "Pasteuriser.SetPoint")
        return bool(tag["shown"] == pytest.approx(wanted, abs=0.01))

    within(4, shown)


async def test_an_opcua_client_browses_the_opcua_plc(lab: Command) -> None:
    async with Client(f"opc.tcp://127.0.0.1:{lab.port('opcua')}") as client:
        found: dict[str, object] = {}

        async def walk(node: object, depth: int) -> None:
            for child in await node.get_children():  # type: ignore[attr-defined]
                if child.nodeid.NamespaceIndex == 2:
                    found[str(child.nodeid.Identifier)] = child
                    if depth < 4:
                        await walk(child, depth + 1)

        await walk(client.nodes.objects, 0)
        assert "Conveyor.Speed" in found
        assert "Filler.SetPoint" in found or any(name.startswith("Filler.") for name in found)
        value = await client.get_node("ns=2;s=Conveyor.Speed").read_value()
        assert isinstance(value, float)


@pytest.mark.needs("mosquitto_sub")
def test_mosquitto_sub_sees_the_sensors(lab: Command) -> None:
    command = [
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(lab.port("mqtt")),
        "-t",
        "bottling/#",
        "-F",
        "%t %p",
        "-C",
        "12",
        "-W",
        "10",
    ]
    out = subprocess.run(command, capture_output=True, text=True, timeout=15, errors="replace").stdout
    messages = [line.partition(" ") for line in out.splitlines()]
    readings = [
        json.loads(body) for _topic, _space, body in messages if body.startswith("{") and '"value"' in body
    ]
    assert {"t", "tag", "value", "unit", "quality"} <= set(readings[0])
    assert len({reading["tag"] for reading in readings}) >= 4


@pytest.mark.needs("tshark", "namespaces")
def test_tshark_decodes_a_capture_without_a_warning(lab: Command, tmp_path: Path) -> None:
    pcap, events = tmp_path / "line.pcap", tmp_path / "events.csv"
    taken = lab.json("capture", NAME, "-o", str(pcap), "--events", str(events), "--seconds", "3")
    assert taken["frames"] > 20

    def tshark(*arguments: str) -> list[str]:
        command = ["tshark", "-r", str(pcap), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True
        ).stdout.splitlines()

    assert tshark("-Y", "modbus && ip.src == 10.20.3.20 && ip.dst == 10.20.1.10")
    assert tshark("-Y", "mqtt")
    assert tshark("-Y", "opcua")
    assert tshark("-Y", "_ws.malformed || ip.checksum.status == 0") == []
    header = events.read_text().splitlines()[0].split(",")
    assert {"ts", "uid", "id.orig_h", "id.resp_h", "id.resp_p", "service"} <= set(header)


async def test_every_lab_has_its_own_ports(lab: Command) -> None:
    ports = [end["port"] for end in lab.json("endpoints", NAME)]
    assert len(ports) == len(set(ports)) == 3
    for port in ports:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
