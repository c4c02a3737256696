"""What the devices of a process have to say for the lab's snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from simulators.plc.image import Value
from simulators.snapshot import AlarmState, DeviceStatus, Shown

if TYPE_CHECKING:
    from simulators.devices.scada import Scada
    from simulators.host.bay import Bay


class Contribution(msgspec.Struct, frozen=True):
    """`shown` and `alarms` are SCADA's, `cells` the PLCs' own values of tags that no signal drives."""

    statuses: list[DeviceStatus] = []
    shown: dict[str, Shown] = {}
    alarms: list[AlarmState] = []
    cells: dict[str, Value] = {}


def scada_of(bay: Bay) -> Scada | None:
    """The line's SCADA while it runs here."""
    for device in bay.of_kind("scada").values():
        # Here, for it is heavy, and most parts have none.
        from simulators.devices.scada import Scada

        if isinstance(device, Scada):
            return device
    return None


def contribution(bay: Bay) -> Contribution:
    """All that this process has to say now."""
    scada = scada_of(bay)
    return Contribution(
        bay.rack.statuses(),
        scada.shown() if scada is not None else {},
        scada.alarms() if scada is not None else [],
        bay.cells(),
    )


def joined(parts: list[Contribution]) -> Contribution:
    """Those of several processes as one."""
    whole = Contribution([], {}, [], {})
    for part in parts:
        whole.statuses.extend(part.statuses)
        whole.shown.update(part.shown)
        whole.alarms.extend(part.alarms)
        whole.cells.update(part.cells)
    return whole
