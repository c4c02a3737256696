"""The two shapes that a lab in containers can have: a container a device, or one for the whole line."""

from pathlib import Path
from typing import Protocol

import msgspec

from lab.runtimes.docker.layout import DATA, FIELD, PLANT, RUN, LabLayout, bus_address, compact_layout, layout
from lab.runtimes.docker.pool import Pool
from simulators.host.plan import Plan
from simulators.model import Line

CONTROL = f"{RUN}/control.sock"


class Shape(Protocol):
    """`main` is the container that a lab is nothing without; `networked`: zones are networks of the engine."""

    main: str
    networked: bool

    def subnets(self, line: Line, pool: Pool, used: list[str], former: dict[str, str]) -> dict[str, str]:
        """Where the line's zones will be, and `field`. Raises: StartError: there is no room."""
        ...

    def layout(self, line: Line, field_subnet: str, plan: Plan, user: str) -> LabLayout: ...

    def inner(self, plan: Plan, line: Path, field_subnet: str) -> Plan:
        """The plan as the main container sees it; `line` is the path of the line below its data."""
        ...


class PerDevice:
    """Every PLC, sensor, broker, SCADA, gateway and the plant in a container of its own."""

    main = PLANT
    networked = True

    def subnets(self, line: Line, pool: Pool, used: list[str], former: dict[str, str]) -> dict[str, str]:
        return pool.take(line, used, former)

    def layout(self, line: Line, field_subnet: str, plan: Plan, user: str) -> LabLayout:
        return layout(line, field_subnet, plan.bus_secret, user, spread=plan.places is not None)

    def inner(self, plan: Plan, line: Path, field_subnet: str) -> Plan:
        return msgspec.structs.replace(
            plan,
            line=f"{DATA}/{line}",
            folder=DATA,
            control=CONTROL,
            bus=bus_address(field_subnet),
            places=None,
        )


class Compact:
    """The whole line in one container, which makes the zones inside itself, at the line's own addresses."""

    main = "line"
    networked = False

    def subnets(self, line: Line, pool: Pool, used: list[str], former: dict[str, str]) -> dict[str, str]:
        del pool, used, former
        return {**{zone.id: zone.subnet for zone in line.zones}, FIELD: "127.0.0.0/24"}

    def layout(self, line: Line, field_subnet: str, plan: Plan, user: str) -> LabLayout:
        del line, field_subnet, plan
        return compact_layout(user)

    def inner(self, plan: Plan, line: Path, field_subnet: str) -> Plan:
        del field_subnet
        return msgspec.structs.replace(
            plan, line=f"{DATA}/{line}", folder=DATA, control=CONTROL, bus=None, doors=RUN
        )
