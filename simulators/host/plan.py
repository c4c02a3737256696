"""What a host is asked to run."""

from collections.abc import Mapping

import msgspec

# Where the secrets of a plan are that others may read.
TOKEN_VARIABLE, BUS_SECRET_VARIABLE = "USINE_CONTROL_TOKEN", "USINE_BUS_SECRET"


class Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a lab is that several machines carry. `away` says of a device which one has it, if not the main one.

    `networks` are what the engines call those of the zones and `field`, `subnets` where they are.
    """

    networks: dict[str, str]
    subnets: dict[str, str]
    away: dict[str, str]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One lab. `folder` keeps what survives a restart; `control` is the path of the control channel's socket.

    `forwards` are the ports on 127.0.0.1 that the user's own tools have been told, by device: empty at the
    first start, kept at the next ones. With `bus` (`simulators.host.bus.place`) every device runs in a process of
    its own and dials in there, with a token that derives from `bus_secret`. With `doors`, a folder, the ways in for the
    user's tools are Unix sockets there, which whoever made this process's container leads ports to. `spread` asks for several machines, `places` says which.
    """

    name: str
    line: str
    seed: int
    folder: str
    control: str
    token: str
    speed: float = 1.0
    origin_unix_s: float = 0.0
    forwards: dict[str, int] = {}
    flat: bool = False
    bus: str | None = None
    bus_secret: str = ""
    doors: str | None = None
    spread: bool = False
    places: Places | None = None


def with_secrets(plan: Plan, environment: Mapping[str, str]) -> Plan:
    """The plan with the secrets that the environment has, if any."""
    return msgspec.structs.replace(
        plan,
        token=environment.get(TOKEN_VARIABLE, plan.token),
        bus_secret=environment.get(BUS_SECRET_VARIABLE, plan.bus_secret),
    )
