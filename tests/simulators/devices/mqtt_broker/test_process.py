"""Brokers that end, that do not start, that are talked nonsense to; and tools that nobody here wrote."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.devices.mqtt_broker.process import LINES_BURST, Child
from simulators.errors import StartError
from tests.fakes import FakeNetwork
from tests.simulators.devices.mqtt_broker.clients import client, connack, connect, connect_packet
from tests.simulators.devices.mqtt_broker.conftest import Start, a_broker
from tests.waiting import eventually, within


async def test_a_broker_that_is_killed_is_seen_and_clients_come_back(
    engine: str, tmp_path: Path, network: FakeNetwork
) -> None:
    device, context, _ = a_broker("", engine, tmp_path, network)
    await device.start()
    assert device.health().state == "ok"
    async with client(context, "pump", "t") as pump:
        device.kill()  # type: ignore[attr-defined]
        await eventually(lambda: device.health().state == "failed", within_s=2)
        await eventually(lambda: not pump.session.connected, within_s=2)
        await device.stop()
        await device.start()
        await eventually(lambda: pump.session.connected)
        await asyncio.sleep(0.05)
        pump.session.publish("t", b"again", 1)
        await eventually(lambda: pump.heard == [("t", b"again")])
    await device.stop()
    assert device.health().state == "stopped"


async def test_a_port_that_is_taken_is_a_clear_error(
    engine: str, tmp_path: Path, network: FakeNetwork
) -> None:
    first, _, _ = a_broker("", engine, tmp_path / "1", network)
    second, _, _ = a_broker("", engine, tmp_path / "2", network)
    await first.start()
    with pytest.raises(StartError) as caught:
        await second.start()
    assert caught.value.text.fr != caught.value.text.en
    assert second.health().state == "stopped"
    await first.stop()


async def test_files_are_hashed_private_and_alone(engine: str, tmp_path: Path, network: FakeNetwork) -> None:
    device, context, _ = a_broker(
        "allow_anonymous false\npassword_file p/w\n#file: p/w\nme:clear\n", engine, tmp_path, network
    )
    stale = context.folder / "files" / "old"
    stale.parent.mkdir()
    stale.touch()
    await device.start()
    kept = context.folder / "files" / "p" / "w"
    assert "clear" not in kept.read_text()
    assert kept.read_text().startswith("me:$7$101$")
    assert kept.stat().st_mode & 0o077 == 0
    assert not stale.exists()
    assert await connack(context, "me", "clear") == 0
    await device.stop()


@given(garbage=st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), greeted=st.booleans())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
def test_nonsense_neither_ends_nor_holds_the_embedded_broker(
    tmp_path: Path, garbage: list[bytes], greeted: bool
) -> None:
    async def talk() -> None:
        network = FakeNetwork()
        device, context, _ = a_broker("", "embedded", tmp_path, network)
        await device.start()
        try:
            reader, writer = await asyncio.open_connection(sock=await connect(context))
            writer.write((connect_packet("mad") if greeted else b"") + garbage[0])
            for part in garbage[1:]:
                writer.write(part)
                await asyncio.sleep(0)
            writer.write_eof()
            async with asyncio.timeout(3):
                with contextlib.suppress(ConnectionError):
                    await reader.read()
            writer.close()
            assert await connack(context) == 0
            assert device.health().state == "ok"
            await eventually(lambda: device.health().figures["clients"] == 0, within_s=3)
        finally:
            async with asyncio.timeout(5):
                await device.stop()
            network.close()

    asyncio.run(talk())


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
async def test_a_packet_said_to_be_huge_is_not_waited_for(start: Start) -> None:
    context = await start("")
    reader, writer = await asyncio.open_connection(sock=await connect(context))
    writer.write(connect_packet("big") + b"\x30\xff\xff\xff\x7f")
    async with asyncio.timeout(3):
        assert (await reader.read(4))[:1] == b"\x20"
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(1) == b""
    writer.close()


async def test_a_subscriber_that_does_not_read_costs_nobody_else(start: Start) -> None:
    context = await start("")
    reader, writer = await asyncio.open_connection(sock=await connect(context))
    writer.write(connect_packet("deaf") + b"\x82\x06\x00\x01\x00\x01#\x00")
    await reader.readexactly(4)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with client(context, "ear", "t") as ear, client(context, "mouth") as mouth:
        sent = 0
        for _ in range(400):
            sent += mouth.session.publish("t", b"x" * 10_000)
            await asyncio.sleep(0)
        mouth.session.publish("t", b"last", 1)
        await eventually(lambda: ear.heard and ear.heard[-1][1] == b"last", within_s=10)
        assert sent > 0
    writer.close()


@pytest.mark.needs("mosquitto")
async def test_what_mosquitto_refuses_is_told_with_the_student_s_line(
    tmp_path: Path, network: FakeNetwork
) -> None:
    device, _, _ = a_broker("# one\n\npersistent_client_expiration 3x\n", "mosquitto", tmp_path, network)
    with pytest.raises(StartError) as caught:
        await device.start()
    assert "broker.conf:3" in caught.value.text.en


@pytest.mark.needs("mosquitto")
async def test_mosquitto_s_words_are_in_the_log(tmp_path: Path, network: FakeNetwork) -> None:
    device, context, log = a_broker("", "mosquitto", tmp_path, network)
    await device.start()
    await connack(context, client_id="visible")
    await eventually(lambda: any("visible" in str(row["line"]) for row in log.events("mosquitto")))
    await device.stop()


async def test_a_child_that_talks_too_much_is_cut_short() -> None:
    said: list[str] = []
    child = Child(_talker(), said.append)
    await eventually(lambda: not child.alive(), within_s=10)
    await child.stop()
    assert 1 <= len(said) <= LINES_BURST + 20
    assert child.last_lines[-1] == "line 4999"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the system has no pidfd: the end is polled for")
async def test_the_end_of_a_child_is_told_without_being_asked_for() -> None:
    ends: list[int] = []
    child = Child(_talker(), lambda _line: None, ends.append)
    await eventually(lambda: ends == [0], within_s=10)
    assert not child.alive()
    assert ends == [0]


def _talker() -> subprocess.Popen[bytes]:
    code = "import sys; [sys.stderr.write(f'line {n}\\n') for n in range(5000)]"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)


@pytest.mark.needs("mosquitto", "namespaces")
def test_mosquitto_ends_with_its_lab(tmp_path: Path) -> None:
    """In real zones: the broker's process does not outlive the lab's, even one that is killed."""
    code = f"""
    import asyncio, os, sys
    from pathlib import Path
    from simulators.devices import mqtt_broker
    from simulators.network.zones import NamespaceNetwork
    from tests.fakes import a_context, a_device, a_line
    async def lab():
        line = a_line([a_device("broker", "mqtt_broker", "iiot", port=1883)])
        network = NamespaceNetwork(line)
        network.enter()
        context = a_context(line, "broker", Path({str(tmp_path)!r}), network)
        device = mqtt_broker.create(context, mqtt_broker.parse("", "x"))
        await device.start()
        client = await network.connect("iiot", "10.20.2.10", "10.20.2.10", 1883)
        print(device.health().figures["pid"], flush=True)
        await asyncio.sleep(60)
    asyncio.run(lab())
    """
    lab = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        cwd=Path.cwd(),
        env=_environment(),
    )
    try:
        assert lab.stdout is not None
        pid = int(lab.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
    finally:
        lab.kill()
        lab.communicate()
    within(2, lambda: not _runs(pid))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path.cwd())}


def _runs(pid: int) -> bool:
    """Whether the process is alive; one that nobody has reaped is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.needs("mosquitto_sub", "mosquitto_pub")
async def test_ordinary_tools_talk_to_it(start: Start) -> None:
    context = await start("password_file p\nallow_anonymous false\n#file: p\nme:secret\n")
    host, port = context.network.place("iiot", context.spec.address, 1883)
    common = ["-h", host, "-p", str(port), "-u", "me", "-P", "secret"]

    async def run(*command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said

    await run("mosquitto_pub", *common, "-t", "plant/x", "-m", "hello", "-q", "2", "-r")
    said = await run("mosquitto_sub", *common, "-t", "plant/#", "-C", "1", "-F", "%j", "-W", "10", "-q", "1")
    message = json.loads(said)
    assert (message["topic"], message["payload"], message["retain"]) == ("plant/x", "hello", 1)


def test_amqtt_is_imported_only_by_the_embedded_broker() -> None:
    code = "import sys; from simulators.devices import kinds; kinds(); sys.exit('amqtt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=_environment()).returncode == 0
