"""Who is in a lab gets nowhere else: from workstations and from devices that were taken over, with all their rights.

Each test shows in the same breath that what must work does work: a network that is down would be no barrier.
"""

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.labs import Job
from lab.runtimes.docker.layout import BUS_PORT
from lab.runtimes.docker.settings import settings
from tests.docker.yard import ONE, TWO, Yard

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(400)]

PORTS = {"plc1": 502, "plc2": 4840, "broker": 1883}
# Beside the line's own: what devices, hosts and engines like to serve.
OTHER_PORTS = (22, 80, 802, 2375, 2376, 8883, BUS_PORT, BUS_PORT + 1)
RULES = (
    "default: deny\nrules:\n"
    "  - {from: supervision, to: control, action: allow}\n"
    "  - {from: supervision, to: iiot, action: allow}\n"
)
ALLOWED = {("supervision", "control"), ("supervision", "iiot")}


def opened(answers: dict[str, str]) -> set[str]:
    return {name for name, answer in answers.items() if answer == "open"}


@pytest.fixture
def denied(yard: Yard) -> Iterator[None]:
    """Only SCADA's conduits are open."""
    yard.ask("configure", device="gateway", text=RULES)
    yield
    yard.ask("factory", device="gateway")


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[list[str], int]]:
    """The addresses of this machine, and the port of a service that listens on all of them."""
    said = subprocess.run(["ip", "-j", "address"], check=True, capture_output=True).stdout
    own = [
        info["local"] for link in json.loads(said) for info in link["addr_info"] if info["family"] == "inet"
    ]
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as service:
        yield [address for address in own if not address.startswith("127.")], service.getsockname()[1]


def bridge(yard: Yard, zone: str, lab: str = ONE) -> str:
    """What the host calls the zone's bridge."""
    networks = yard.engine.networks(
        filters={"label": f"org.usine-ecole.home={settings(yard.paths.home).mark}"}
    )
    (found,) = [
        network["Options"]["com.docker.network.bridge.name"]
        for network in networks
        if network["Labels"]["org.usine-ecole.lab"] == lab
        and network["Labels"]["org.usine-ecole.part"] == zone
    ]
    return str(found)


def test_a_zone_reaches_another_by_its_conduits_only(yard: Yard, denied: None) -> None:
    devices = yard.addresses()
    for zone in yard.zones():
        here = yard.sit(zone)
        targets = [
            (address, port) for _, address in devices.values() for port in (*PORTS.values(), *OTHER_PORTS)
        ]
        found = opened(yard.try_one(here, "tcp", targets))
        allowed = {
            f"{address}:{PORTS[device]}"
            for device, (there, address) in devices.items()
            if device in PORTS and (there == zone or (zone, there) in ALLOWED)
        }
        assert found == allowed, f"from {zone}"


@pytest.mark.parametrize("device", ["pump_sensor", "broker", "plc1", "scada", "historian"])
def test_a_device_that_was_taken_over_is_in_its_zone_only(yard: Yard, denied: None, device: str) -> None:
    """It has a second interface, the field's, where only the plant's bus is: no way around the gateway."""
    devices = yard.addresses()
    zone, own = devices[device]
    links = yard.try_one(device, "interfaces")
    field = next(name for name, address in links.items() if address != own)
    field_hosts = [
        network["IPAddress"]
        for part, seen in yard.seen().items()
        for name, network in seen["NetworkSettings"]["Networks"].items()
        if "-field-" in name and part != device
    ]
    ports = (*PORTS.values(), *OTHER_PORTS)
    zone_hosts = [address for _, address in devices.values() if address != own]
    plant = next(
        network["IPAddress"]
        for name, network in yard.seen()["plant"]["NetworkSettings"]["Networks"].items()
        if "-field-" in name
    )
    by_field = yard.try_one(
        device,
        "tcp",
        [(address, port) for address in (*field_hosts, *zone_hosts) for port in ports],
        1.5,
        field,
    )
    assert opened(by_field) == {f"{plant}:{BUS_PORT}"}
    spoken = {name for name, answer in by_field.items() if answer != "silent"}
    assert {name for name in spoken if not name.endswith(f":{BUS_PORT}")} == set(), (
        "none but the bus passes at all"
    )
    by_zone = opened(
        yard.try_one(device, "tcp", [(address, port) for address in zone_hosts for port in ports])
    )
    assert by_zone == {
        f"{address}:{PORTS[name]}"
        for name, (there, address) in devices.items()
        if name in PORTS and name != device and (there == zone or (zone, there) in ALLOWED)
    }


def test_another_lab_is_out_of_reach(yard: Yard) -> None:
    mine, theirs = yard.addresses(), yard.addresses(TWO)
    for zone in yard.zones():
        here = yard.sit(zone)
        targets = [
            (address, port) for _, address in theirs.values() for port in (*PORTS.values(), *OTHER_PORTS)
        ]
        ours = [(mine[device][1], port) for device, port in PORTS.items() if mine[device][0] == zone]
        found = opened(yard.try_one(here, "tcp", [*targets, *ours]))
        assert found == {f"{address}:{port}" for address, port in ours}, f"from {zone}"
    field = next(n for n, a in yard.try_one("plc1", "interfaces").items() if a != mine["plc1"][1])
    for interface in (None, field):
        assert not opened(yard.try_one("plc1", "tcp", [(a, p) for _, a in theirs.values() for p in PORTS.values()], 1.5, interface))  # fmt: skip


def test_frames_stay_in_their_zone(yard: Yard) -> None:
    """Whatever their protocol and their station: the host's bridge, and each host of another zone and lab, by name."""
    zones = yard.zones()
    control, *others = zones
    stations = [
        network["MacAddress"]
        for lab in (ONE, TWO)
        for seen in yard.seen(lab).values()
        for network in seen["NetworkSettings"]["Networks"].values()
        if network["MacAddress"]
    ]
    stations.append(
        Path(f"/sys/class/net/{bridge(yard, control)}/address").read_text(encoding="ascii").strip()
    )
    places = [(ONE, yard.sit(zone)) for zone in others] + [(TWO, yard.sit(zone, TWO)) for zone in zones]
    heard: dict[tuple[str, str], int] = {}

    def hear(lab: str, part: str) -> None:
        heard[lab, part] = yard.try_one(part, "hear", 4.0, lab=lab)

    here = yard.sit(control)
    listeners = [threading.Thread(target=hear, args=place) for place in [*places, (ONE, "gateway")]]
    for listener in listeners:
        listener.start()
    assert yard.try_one(here, "shout", stations, 3.0) == 1
    for listener in listeners:
        listener.join(60)
    assert heard.pop((ONE, "gateway")) > 0, "which has an interface in the zone"
    assert set(heard) == set(places)
    assert not any(heard.values()), heard


def test_the_hosts_own_services_are_out_of_reach(yard: Yard, host: tuple[list[str], int]) -> None:
    addresses, port = host
    for address in addresses:
        socket.create_connection((address, port), 5).close()
    described = yard.ask("describe")["zones"]
    kept = [zone["subnet"].replace("0/24", "254") for zone in described]
    targets = [(address, p) for address in (*addresses, *kept) for p in (port, 22, 2375, 2376)]
    places = [*(yard.sit(zone) for zone in yard.zones()), "plc1", "pump_sensor", "scada", "gateway", "plant"]
    for place in places:
        assert not opened(yard.try_one(place, "tcp", targets)), place


def test_the_host_takes_no_frame_that_is_handed_to_it(yard: Yard, host: tuple[list[str], int]) -> None:
    """With a raw socket one needs no route: the bridge's own station is on every wire of a zone."""
    addresses, port = host
    plc1 = yard.addresses()["plc1"][1]
    name = bridge(yard, "control")
    station = Path(f"/sys/class/net/{name}/address").read_text(encoding="ascii").strip()
    said = subprocess.run(["ip", "-j", "-6", "address", "show", name], check=True, capture_output=True).stdout
    links = [info["local"] for link in json.loads(said) for info in link.get("addr_info", [])]
    here = yard.sit("control")
    peer, answered, other, by_six = yard.scout(
        here,
        ("arp", ["eth0", plc1]),
        ("syn", ["eth0", station, [(address, port) for address in addresses]]),
        ("syn", ["eth0", station, [(yard.addresses(TWO)["plc1"][1], 502)]]),
        ("echo6", ["eth0", station, links[0]] if links else ["eth0", station, "fe80::1"]),
    )
    assert peer is not None
    assert yard.try_one(here, "syn", "eth0", peer, [(plc1, 502)]) == [plc1], (
        "a raw segment is answered in the zone"
    )
    assert answered == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind(("0.0.0.0", 0))
        service.settimeout(2.0)
        heard_on = service.getsockname()[1]
        assert yard.try_one(
            here, "datagrams", "eth0", station, [(address, heard_on) for address in addresses]
        )
        with pytest.raises(TimeoutError):
            service.recv(100)
        service.sendto(b"this works", (addresses[0], heard_on))
        assert service.recv(100) == b"this works"
    assert other == [], "nor does it pass on what is for another lab"
    assert by_six is False


def test_there_is_no_world_outside(yard: Yard, host: tuple[list[str], int]) -> None:
    addresses, port = host
    outside = [("1.1.1.1", 443), ("8.8.8.8", 53), ("169.254.169.254", 80), *((a, port) for a in addresses)]
    for place in (*(yard.sit(zone) for zone in yard.zones()), "plc1", "plant"):
        own_name = f"usine-{settings(yard.paths.home).mark}-{ONE}-{place}"
        reached, answered, found = yard.scout(
            place,
            ("tcp", [outside, 1.0]),
            ("udp", [[("8.8.8.8", 53), ("1.1.1.1", 53), *((a, 53) for a in addresses)], 0.7]),
            ("names", [["debian.org", "host.docker.internal", own_name]]),
        )
        assert not opened(reached), place
        assert answered == [], place
        assert found.pop(own_name), "the resolver of the lab answers"
        assert found == {"debian.org": None, "host.docker.internal": None}, place


def test_the_control_channel_is_not_in_the_lab(yard: Yard) -> None:
    """Neither the supervisor's sockets nor the lab's, no agent's, no engine's; and none without a name of a file."""
    zone = yard.zones()[0]
    here = yard.sit(zone)
    yard.look("modbus.session", zone, device="plc1")  # an agent sits in the workstation's network
    plc1 = yard.addresses()["plc1"][1]
    yard.labs.run(
        Job(ONE, "attack", "rogue_master", zone, {"source": plc1, "target": "plc1", "count": 1}, 60.0)
    )
    assert {f"agent-{zone}", f"agent-{zone}-plc1"} <= set(yard.ids())
    for place in (here, "plc1"):
        listening = yard.try_one(place, "listening")
        assert {address for address, _port in listening["tcp"] if address != "127.0.0.11"} <= {plc1}, place
        assert listening["abstract"] == [], place
    for part, seen in yard.seen().items():
        # An agent has its own; those of other tests stay a while.
        if part != "plant" and not part.startswith("agent-"):
            own = ("/run/usine/feed.sock", f"/data/{part}/")
            user = "10001" if part.startswith("workstation") else seen["Config"]["User"].partition(":")[0]
            found = yard.try_one(part, "sockets", user=user)
            assert [path for path in found if not path.startswith(own)] == [], part
    assert "/run/usine/control.sock" in yard.try_one("plant", "sockets", user="10000"), (
        "this is how it would be found"
    )


def test_the_bus_takes_nobody_without_the_token(yard: Yard) -> None:
    """A device reaches the plant's bus, and can only be itself there."""
    plant = next(
        network["IPAddress"]
        for name, network in yard.seen()["plant"]["NetworkSettings"]["Networks"].items()
        if "-field-" in name
    )
    tokens = {part: environment(seen) for part, seen in yard.seen().items()}
    own, others = tokens["hall_sensor"]["USINE_TOKEN"], tokens["plc1"]["USINE_TOKEN"]
    assert own != others
    said = yard.run("hall_sensor", ["python3", "-c", DIAL, plant, str(BUS_PORT), own])
    assert json.loads(said) == {"hall_sensor": True, "plc1": False, "gateway": False}


# Whether the plant welcomes each part that shows the token.
DIAL = """
import json, socket, struct, sys
import msgspec
answers = {}
for part in ("hall_sensor", "plc1", "gateway"):
    body = msgspec.msgpack.encode({"part": part, "token": sys.argv[3]})
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as client:
        client.sendall(struct.pack(">I", len(body)) + body)
        try:
            answers[part] = b"welcome" in client.recv(4096)
        except OSError:
            answers[part] = False
print(json.dumps(answers))
"""


def environment(seen: dict[str, Any]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in seen["Config"]["Env"])


def test_who_works_in_a_zone_has_its_tools(yard: Yard) -> None:
    """As the student, in the terminal's own surroundings: what isolation must leave."""
    plc1 = yard.addresses()["plc1"][1]
    here = yard.sit("control")
    said = yard.run(
        here, ["mbpoll", "-0", "-1", "-a", "1", "-t", "4:hex", "-r", "2048", "-c", "2", plc1], user="10001"
    )
    assert "[2048]:" in said
    with ExitStack() as stack:
        shell = stack.enter_context(terminal(yard, "control"))
        assert "uid=10001(student)" in shell("id")
        assert "502/tcp open" in shell(f"nmap -n -Pn -sS -p 502 {plc1}")
        assert "bytes from" in shell(f"ping -c 1 {plc1}")


class Shell:
    """A student's terminal."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.settimeout(30)

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.close()

    def __call__(self, command: str) -> str:
        from simulators.workstation.frames import DATA, Frames, frame

        self._end.sendall(frame(DATA, f"{command}; echo '=''='\n".encode()))
        shown, frames = "", Frames()
        while "==" not in shown:
            data = self._end.recv(1 << 16)
            assert data, shown
            shown += b"".join(content for kind, content in frames.feed(data) if kind == DATA).decode()
        return shown


def terminal(yard: Yard, zone: str) -> Shell:
    return Shell(yard.labs.terminal(ONE, zone, 200, 50))
