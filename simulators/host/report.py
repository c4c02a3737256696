"""What a host says of itself: the snapshot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from simulators.host.contribution import Contribution
from simulators.snapshot import Snapshot, TagValue

if TYPE_CHECKING:
    from simulators.host.host import Host


class Report:
    """Builds snapshots; the truth of a tag is the plant's signal, or the PLC's own cell where it has none."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._signals = {tag.id: tag.signal for tag in host.line.tags if tag.signal}

    async def snapshot(self) -> Snapshot:
        host = self._host
        said = await host.crew.contribution()
        t_s = host.pace.t_s
        return Snapshot(
            lab=host.plan.name,
            line=host.line.id,
            seed=host.plan.seed,
            t_s=round(t_s, 3),
            unix_s=round(host.clock.unix_s(t_s), 3),
            speed=host.clock.speed,
            paused=host.clock.paused,
            enforces_zones=host.enforces_zones,
            tags=self._tags(said),
            kpis=host.plant.kpis(),
            alarms=said.alarms,
            devices=said.statuses,
            assets=host.plant.assets(),
            figures={**host.pace.lateness.figures(), "cpu_s": time.process_time()},
        )

    def _tags(self, said: Contribution) -> dict[str, TagValue]:
        truth = {**said.cells}
        truth.update(zip(self._signals, self._host.plant.truth(list(self._signals.values())), strict=True))
        tags = {}
        for tag in self._host.line.tags:
            seen = said.shown.get(tag.id)
            if seen is None:
                tags[tag.id] = TagValue(truth.get(tag.id), None, "bad", 0.0)
            else:
                tags[tag.id] = TagValue(truth.get(tag.id), seen.value, seen.quality, seen.unix_s)
        return tags
