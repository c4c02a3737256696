"""What a host says of itself: the snapshot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulators.model import PLC_KINDS, Tag
from simulators.plc.address import parse_address
from simulators.plc.image import Image, Value
from simulators.snapshot import AlarmState, Snapshot, TagValue

if TYPE_CHECKING:
    from simulators.devices.scada import Scada
    from simulators.host.host import Host


class Report:
    """Builds snapshots; the truth of a tag is the plant's signal, or the PLC's own cell where it has none."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._signals = [tag for tag in host.line.tags if tag.signal]
        self._cells = [
            (tag, host.plcs[tag.device].image)
            for tag in host.line.tags
            if not tag.signal and host.line.device(tag.device).kind in PLC_KINDS
        ]

    def scada(self) -> Scada | None:
        """The line's SCADA while it runs."""
        from simulators.devices.scada import Scada

        for device in self._host.of_kind("scada").values():
            if isinstance(device, Scada):
                return device
        return None

    def truth(self) -> dict[str, Value | None]:
        """Every tag's true value, in engineering units."""
        signals = [tag.signal for tag in self._signals if tag.signal]
        values: dict[str, Value | None] = dict(
            zip((tag.id for tag in self._signals), self._host.plant.truth(signals), strict=True)
        )
        for tag, image in self._cells:
            values[tag.id] = _cell(tag, image)
        return values

    def tags(self) -> dict[str, TagValue]:
        scada = self.scada()
        shown = scada.shown() if scada is not None else {}
        truth = self.truth()
        tags = {}
        for tag in self._host.line.tags:
            seen = shown.get(tag.id)
            if seen is None:
                tags[tag.id] = TagValue(truth.get(tag.id), None, "bad", 0.0)
            else:
                tags[tag.id] = TagValue(truth.get(tag.id), seen.value, seen.quality, seen.unix_s)
        return tags

    def alarms(self) -> list[AlarmState]:
        scada = self.scada()
        return scada.alarms() if scada is not None else []

    def snapshot(self) -> Snapshot:
        host = self._host
        t_s = host.pace.t_s
        return Snapshot(
            lab=host.plan.name,
            line=host.line.id,
            seed=host.plan.seed,
            t_s=round(t_s, 3),
            unix_s=round(host.clock.unix_s(t_s), 3),
            speed=host.clock.speed,
            paused=host.clock.paused,
            enforces_zones=host.network.enforces_zones,
            tags=self.tags(),
            kpis=host.plant.kpis(),
            alarms=self.alarms(),
            devices=host.rack.statuses(),
            assets=host.plant.assets(),
            figures={**host.pace.lateness.figures(), "cpu_s": time.process_time()},
        )


def _cell(tag: Tag, image: Image) -> Value | None:
    index = image.index_of(parse_address(tag.address))
    if index is None:
        return None
    raw = image.cells[index]
    if isinstance(raw, bool | str) or (tag.gain == 1.0 and tag.offset == 0.0):
        return raw
    return raw * tag.gain + tag.offset
