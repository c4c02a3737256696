"""The services and networks of a line in a compose file."""

from typing import Any

from lab.compose.service import (
    HARDENED,
    SECRET_VARIABLES,
    USER,
    Service,
    healthcheck,
    image,
    limits,
    service,
    tmpfs,
)
from lab.runtimes.docker.layout import (
    DATA,
    MIB,
    PLANT,
    RUN,
    TMPFS,
    LabLayout,
    NetworkLayout,
    bridge_options,
    home_tmpfs,
    layout,
    short,
    ways_layout,
    workstation_layout,
)
from simulators.host.ways import WAYS_VARIABLE, ways_of
from simulators.model import Line

PROFILE, TOOLS_PROFILE = "line", "workstation"
# Published ports lead here: a network that is no zone, and has nobody else.
WAYS = "ways"
CHECK = ("python3", "-m", "simulators.host", "check")
PLAN = f"{RUN}/plan.json"
LINE = "/line"
# On 127.0.0.1, where the ports themselves would need rights or are often taken.
PUBLISHED_FROM = 10_000


def network_name(number: int, key: str) -> str:
    """Sorted by their number: engines take the default route from the first network by its name."""
    return f"{number}-{key}"


def networks(lab: LabLayout) -> dict[str, Any]:
    """Those of the line, by name."""
    made = {network_name(n, network.key): _network(n, network, lab) for n, network in enumerate(lab.networks)}
    return {**made, WAYS: {"driver": "bridge"}}


def _network(number: int, network: NetworkLayout, lab: LabLayout) -> dict[str, Any]:
    pool: dict[str, Any] = {"subnet": network.subnet, "gateway": network.bridge}
    if network.reserved:
        pool["aux_addresses"] = network.reserved
    mark = short(*(other.subnet for other in lab.networks))
    return {
        "driver": "bridge",
        "internal": True,
        "driver_opts": bridge_options(f"{network.prefix}{mark}{number}", network.open),
        "ipam": {"config": [pool]},
    }


def laid_out(line: Line, subnets: dict[str, str], secret: str) -> LabLayout:
    """As the docker runtime has it, with a container a device; `line` is at these subnets."""
    return layout(line, subnets["field"], secret, USER)


def services(line: Line, lab: LabLayout, beside: str) -> dict[str, Service]:
    """The line's services, by name; `beside` is the folder of their files."""
    names = {network.key: network_name(n, network.key) for n, network in enumerate(lab.networks)}
    made = {"guard": _guard()}
    for container in lab.containers:
        own = made[container.part] = service(container, PROFILE, names)
        own["env_file"] = [f"{beside}/{container.part}.env"]
        own["volumes"] = [f"{container.part}:{DATA}"]
        if container.part == PLANT:
            own["volumes"] += [f"{beside}/plan.json:{PLAN}:ro", f"{beside}/line:{LINE}:ro"]
            own["tmpfs"] = tmpfs({**TMPFS, **_run()})
            own["depends_on"] = {"guard": {"condition": "service_completed_successfully"}}
            own["healthcheck"] = healthcheck(*CHECK, "line", PLAN)
        else:
            own["depends_on"] = {PLANT: {"condition": "service_started"}}
            own["healthcheck"] = healthcheck(*CHECK)
        if container.feed:
            # Where taps would speak to it; here nobody taps but itself.
            own["tmpfs"] = tmpfs({**TMPFS, **_run()})
    return {**made, **_ways(line, names), **_workstations(line, names)}


def volumes(lab: LabLayout) -> dict[str, None]:
    """What the devices keep: configurations, programs, history."""
    return {container.part: None for container in lab.containers}


def secrets_of(lab: LabLayout) -> dict[str, dict[str, str]]:
    """The variables of each service that are not in the file."""
    return {
        container.part: {k: v for k, v in container.environment.items() if k in SECRET_VARIABLES}
        for container in lab.containers
    }


def _guard() -> Service:
    """Closes the host to the line's networks, once, before anything stands in them."""
    return {
        "<<": HARDENED,
        "profiles": [PROFILE],
        "image": image("platform"),
        "command": ["python3", "-m", "lab.runtimes.docker.guard"],
        "user": "0",
        "network_mode": "host",
        "cap_add": ["NET_ADMIN", "NET_RAW"],
        "tmpfs": ["/run:size=1m"],
        "restart": "no",
        **limits(128 * MIB, 0.5, 32),
    }


def _ways(line: Line, names: dict[str, str]) -> dict[str, Service]:
    container = ways_layout(line)
    if container is None:
        return {}
    made = service(container, PROFILE, names)
    made["networks"] = {**made["networks"], WAYS: {}}
    served = [device for device in line.devices if device.port is not None]
    ports = ways_of(container.environment[WAYS_VARIABLE])
    made["ports"] = [
        f"127.0.0.1:${{USINE_PORT_{device.id.upper()}:-{PUBLISHED_FROM + port}}}:{port}"
        for device, port in zip(served, ports, strict=True)
    ]
    made["healthcheck"] = healthcheck(*CHECK, "ways")
    return {container.part: made}


def _run() -> dict[str, str]:
    """A folder for sockets, for its user alone."""
    user, _, group = USER.partition(":")
    return {RUN: f"size=1m,mode=0700,uid={user},gid={group}"}


def _workstations(line: Line, names: dict[str, str]) -> dict[str, Service]:
    made = {}
    for zone in line.zones:
        container = workstation_layout(line, zone.id, USER)
        own = made[container.part] = service(container, TOOLS_PROFILE, names)
        own["tmpfs"] = tmpfs({**TMPFS, **_run(), **home_tmpfs(USER)})
        own["healthcheck"] = healthcheck(*CHECK, "socket", container.command[-1])
    return made
