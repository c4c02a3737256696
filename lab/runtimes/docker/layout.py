"""What a line is made of in containers: pure, the same for the engine and for a compose file."""

import hashlib
import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from simulators.host.bus import BUS_VARIABLE, PART_VARIABLE, REPORT_VARIABLE, TOKEN_VARIABLE, part_token
from simulators.host.privileges import USER_VARIABLE, student
from simulators.host.router import ROUTER_VARIABLE
from simulators.host.tap import BRIDGE_VARIABLE
from simulators.host.ways import WAYS_VARIABLE, written
from simulators.model import Device, Line
from simulators.network.addresses import workstation
from simulators.network.feed import FEED_VARIABLE, ZONE_VARIABLE, tap_token

PLANT, COMPACT = "plant", "line"
FIELD = "field"
# The host's names of networks' bridges begin so: its packet filter tells by them what may pass.
BRIDGE_PREFIX, FIELD_BRIDGE_PREFIX = "usine-", "usinef"
BUS_PORT = 9500
# Where the gateway takes what taps see: a folder that they share.
FEED = "unix:/run/usine/feed.sock"
PLANT_HOST, FIRST_FIELD_HOST = 2, 10
ROUTER_HOST = 253  # the gateway's own address, beside those that the line gives it
BRIDGE_HOST = 254  # what the engine would give to the host, which takes it not
WAYS_HOST = 252  # where ports that are published lead in from
MIB = 1 << 20
# Bridges of labs are called so, at most 15 characters with what follows.
BRIDGE_PREFIX = "usine-"
DATA, RUN = "/data", "/run/usine"
TMPFS = {"/tmp": "size=16m,mode=1777", "/run": "size=1m,mode=0755"}  # noqa: S108 -- a container's own
# The engine's own resolver forwards to this, where nobody listens: labs ask nothing of the world.
NO_DNS = ("127.0.0.1",)
# A crash writes no core into the host's folders, and one file that runs away ends before the host's disk does.
FILE_LIMITS = {"core": 0, "nofile": 8192, "fsize": 1 << 30}
LOG_OPTIONS = {"max-size": "1m", "max-file": "1"}
STOP_LIMIT_S = 3
# The gateway becomes an ordinary user once its routes stand; what it keeps of these is in its own namespace only.
ROUTER_RIGHTS = ("NET_ADMIN", "NET_RAW", "SETGID", "SETUID", "SETPCAP")
ROUTER_SYSCTLS = {
    "net.ipv4.ip_forward": "0",
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.send_redirects": "0",
}
# Raw sockets are the workstation's tools'; a tap opens one and then leaves all of these.
WORKSTATION_RIGHTS = ("NET_RAW", "SETGID", "SETUID", "SETPCAP")
# A host that sets its route to the router itself becomes an ordinary user once it stands, and keeps none of these.
ROUTE_RIGHTS = ("NET_ADMIN", "SETGID", "SETUID", "SETPCAP")


@dataclass(frozen=True)
class NetworkLayout:
    """`router` is the address that hosts send to what is in other zones, None where there is none."""

    key: str
    subnet: str
    router: str | None

    @property
    def bridge(self) -> str:
        """The address that the engine keeps for the host."""
        return str(ipaddress.IPv4Network(self.subnet)[BRIDGE_HOST])

    @property
    def open(self) -> bool:
        """Whether its hosts may say anything to each other: a zone's may, on the field there is the bus only."""
        return self.key != FIELD

    @property
    def prefix(self) -> str:
        """What the host's name of its bridge begins with."""
        return BRIDGE_PREFIX if self.open else FIELD_BRIDGE_PREFIX

    @property
    def reserved(self) -> dict[str, str]:
        """The addresses that the engine gives to nobody: the router's, which it sends hosts to."""
        return {"DefaultGatewayIPv4": self.router} if self.router else {}


def bridge_options(bridge: str, open_: bool) -> dict[str, str]:
    """The driver's options of a network: the host's end has no address, and nobody is let out under it.

    Where its hosts are not `open_` to each other, what passes is what `guard` lets pass.
    """
    return {
        "com.docker.network.bridge.inhibit_ipv4": "true",
        "com.docker.network.bridge.name": bridge,
        "com.docker.network.bridge.enable_icc": "true" if open_ else "false",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
    }


@dataclass(frozen=True)
class ContainerLayout:
    """One container. `networks` are keys with the address there; `root` says that it begins as root, to drop it itself.

    `own_namespaces`: it may make user and network namespaces, and enter those of a container that it shares processes with.
    `on_host`: its network is the host's. `feed`: how it has the folder of `FEED`, `rw` or `ro`, if it has it.
    """

    part: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    networks: Mapping[str, str]
    memory_bytes: int
    cpu_share: float
    processes: int
    root: bool = False
    rights: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    own_namespaces: bool = False
    on_host: bool = False
    feed: str = ""


@dataclass(frozen=True)
class LabLayout:
    """All of a lab. `networks` are in the order in which engines choose a default route: zones first."""

    networks: tuple[NetworkLayout, ...]
    containers: tuple[ContainerLayout, ...]

    def container(self, part: str) -> ContainerLayout:
        return next(container for container in self.containers if container.part == part)

    def without(self, parts: Collection[str]) -> "LabLayout":
        """The same networks, and the containers of the other parts."""
        return replace(self, containers=tuple(c for c in self.containers if c.part not in parts))


# What each kind of device may take: (memory, share of a core, processes).
NEEDS = {
    PLANT: (192 * MIB, 1.0, 32),
    "opcua_plc": (192 * MIB, 0.5, 32),
    "scada": (160 * MIB, 0.5, 32),
    "mqtt_broker": (128 * MIB, 0.25, 32),
}
NEED = (128 * MIB, 0.25, 32)
COMPACT_NEED = (256 * MIB, 0.5, 64)
WORKSTATION_NEED = (512 * MIB, 0.5, 128)
AGENT_NEED = (512 * MIB, 1.0, 64)
TAP_NEED = (96 * MIB, 0.25, 16)


def bus_address(field_subnet: str) -> str:
    """Where the parts dial in."""
    return f"tcp:{ipaddress.IPv4Network(field_subnet)[PLANT_HOST]}:{BUS_PORT}"


def tap_layout(line: Line, zone: str, bridge: str, secret: str, user: str) -> ContainerLayout | None:
    """What listens to a zone, whose bridge the host calls `bridge`; None where the line has no gateway to tell."""
    gateways = line.devices_of("gateway")
    if not gateways:
        return None
    environment = {
        FEED_VARIABLE: FEED,
        ZONE_VARIABLE: zone,
        BRIDGE_VARIABLE: bridge,
        TOKEN_VARIABLE: tap_token(part_token(secret, gateways[0].id)),
        USER_VARIABLE: user,
    }
    memory, cpu, processes = TAP_NEED
    return ContainerLayout(
        f"tap-{zone}", "device", ("tap",), environment, {}, memory, cpu, processes, root=True, rights=WORKSTATION_RIGHTS,
        on_host=True, feed="ro",
    )  # fmt: skip


def layout(line: Line, field_subnet: str, secret: str, user: str, spread: bool = False) -> LabLayout:
    """The containers and networks of `line`, whose zones are at the addresses that it says.

    `user` (`1000:1000`) is who runs in them. `spread`: the networks are those of several machines (`over_machines`).
    """
    hosts = ipaddress.IPv4Network(field_subnet)
    networks = [_zone(line, zone.id) for zone in line.zones]
    networks.append(NetworkLayout(FIELD, field_subnet, None))
    containers = [_plant(str(hosts[PLANT_HOST]), user)]
    for number, device in enumerate(line.devices):
        containers.append(
            _device(line, device, str(hosts[FIRST_FIELD_HOST + number]), field_subnet, secret, user)
        )
    made = LabLayout(tuple(networks), tuple(containers))
    return over_machines(line, made) if spread else made


def over_machines(line: Line, one: LabLayout) -> LabLayout:
    """The layout of one machine, on overlay networks.

    These know no default route: hosts set it themselves. Nor do they find an address that no container was given: the
    gateway has the router's for its own. They have no bridge on a host: no tap listens to them.
    """
    containers = []
    for container in one.containers:
        device = next((device for device in line.devices if device.id == container.part), None)
        if device is None:
            containers.append(container)
        elif device.kind == "gateway":
            environment = {k: v for k, v in container.environment.items() if k != FEED_VARIABLE}
            networks = {**container.networks, **device.interfaces}
            containers.append(replace(container, environment=environment, networks=networks, feed=""))
        else:
            containers.append(with_route(container, one))
    return replace(one, containers=tuple(containers))


def with_route(container: ContainerLayout, lab: LabLayout) -> ContainerLayout:
    """A container of that lab which sets its default route itself; as it is, where its zone has no router."""
    router = next((n.router for n in lab.networks if n.key in container.networks and n.router), None)
    if router is None:
        return container
    environment = {**container.environment, ROUTER_VARIABLE: router}
    rights = tuple(dict.fromkeys((*container.rights, *ROUTE_RIGHTS)))
    return replace(container, environment=environment, rights=rights, root=True)


def _zone(line: Line, zone: str) -> NetworkLayout:
    routers = [device.interfaces[zone] for device in line.devices_of("gateway") if zone in device.interfaces]
    return NetworkLayout(zone, line.zone(zone).subnet, routers[0] if routers else None)


def _plant(address: str, user: str) -> ContainerLayout:
    memory, cpu, processes = NEEDS[PLANT]
    return ContainerLayout(
        PLANT, "device", ("line", "/run/usine/plan.json"),
        {USER_VARIABLE: user, REPORT_VARIABLE: "/run/usine/report.sock"}, {FIELD: address}, memory, cpu,
        processes,
    )  # fmt: skip


def _device(
    line: Line, device: Device, field_address: str, field_subnet: str, secret: str, user: str
) -> ContainerLayout:
    memory, cpu, processes = NEEDS.get(device.kind, NEED)
    router = device.kind == "gateway"
    networks = {
        zone: str(ipaddress.IPv4Network(line.zone(zone).subnet)[ROUTER_HOST]) if router else address
        for zone, address in device.interfaces.items()
    }
    environment = {
        **({FEED_VARIABLE: FEED} if router else {}),
        PART_VARIABLE: device.id,
        BUS_VARIABLE: bus_address(field_subnet),
        TOKEN_VARIABLE: part_token(secret, device.id),
        USER_VARIABLE: user,
    }
    return ContainerLayout(
        device.id, "device", ("part",), environment, {**networks, FIELD: field_address}, memory, cpu, processes,
        root=router, rights=ROUTER_RIGHTS if router else (), sysctls=ROUTER_SYSCTLS if router else {},
        feed="rw" if router else "",
    )  # fmt: skip


def compact_layout(user: str) -> LabLayout:
    """A whole line in one container."""
    memory, cpu, processes = COMPACT_NEED
    line = ContainerLayout(
        COMPACT, "device", ("line", "/run/usine/plan.json"),
        {USER_VARIABLE: user, REPORT_VARIABLE: "/run/usine/report.sock"}, {}, memory, cpu, processes,
        own_namespaces=True,
    )  # fmt: skip
    return LabLayout((), (line,))


def workstation_layout(line: Line, zone: str, user: str, address: str | None = None) -> ContainerLayout:
    """The student's machine in a zone, at its usual address or as another host there."""
    memory, cpu, processes = WORKSTATION_NEED
    return ContainerLayout(
        f"workstation-{zone}" if address is None else f"host-{address.replace('.', '-')}", "workstation",
        ("workstation", "/run/usine/workstation.sock"), {USER_VARIABLE: user, "HOME": "/home/student"},
        {zone: address or workstation(line, zone)}, memory, cpu, processes, root=True, rights=WORKSTATION_RIGHTS,
    )  # fmt: skip


def ways_layout(line: Line) -> ContainerLayout | None:
    """What leads published ports to the devices that serve one, from an address of its own in their zones.

    None where no device does. On its own side each has the device's port, or the next one that is free.
    """
    ways: dict[int, tuple[str, int]] = {}
    zones: dict[str, str] = {}
    for device in line.devices:
        if device.port is not None:
            port = device.port
            while port in ways:
                port += 1
            ways[port] = (device.address, device.port)
            zones[device.zone] = str(ipaddress.IPv4Network(line.zone(device.zone).subnet)[WAYS_HOST])
    if not ways:
        return None
    memory, cpu, processes = TAP_NEED
    return ContainerLayout(
        "ways", "device", ("ways",), {WAYS_VARIABLE: written(ways)}, zones, memory, cpu, processes
    )


def home_tmpfs(user: str) -> dict[str, str]:
    """A student's own folder at a workstation of `user`, whatever mode the image gives to the place."""
    number = student(int(user.partition(":")[0]))
    return {"/home/student": f"size=64m,mode=0755,uid={number},gid={number}"}


def short(*words: str) -> str:
    """Eight characters that stand for the words."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]
