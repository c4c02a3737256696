"""Which values are worth a row: those that changed, and one at times to say that nothing did."""

from collections.abc import Iterable, Sequence

from simulators.devices.historian.config import Config
from simulators.model import Tag
from simulators.plc.image import Value

Row = tuple[str, float, Value, str]


class Compression:
    """Exception reporting: a row is kept if its value moved by more than the tag's deadband since the last
    kept one, if its quality changed, or if `at_least_every_s` passed."""

    def __init__(self, config: Config, tags: Iterable[Tag]) -> None:
        self._every_s = config.at_least_every_s
        self._deadbands = _deadbands(config, tags)
        self._kept: dict[str, Row] = {}

    def keep(self, rows: Sequence[Row]) -> list[Row]:
        """The rows worth keeping."""
        kept = self._kept
        chosen = [row for row in rows if (last := kept.get(row[0])) is None or self._matters(last, row)]
        kept.update((row[0], row) for row in chosen)
        return chosen

    def forget(self) -> None:
        """Keep the next row of every tag."""
        self._kept.clear()

    def _matters(self, last: Row, row: Row) -> bool:
        if row[3] != last[3] or row[1] - last[1] >= self._every_s:
            return True
        if row[2] == last[2]:
            return False
        deadband = self._deadbands.get(row[0], 0.0)
        if not deadband or isinstance(row[2], str) or isinstance(last[2], str):
            return True
        return abs(row[2] - last[2]) > deadband


def _deadbands(config: Config, tags: Iterable[Tag]) -> dict[str, float]:
    """Tag → deadband in its unit."""
    general = {
        tag.id: (tag.range[1] - tag.range[0]) * config.deadband_pct / 100
        for tag in tags
        if tag.range is not None and config.deadband_pct
    }
    return {**general, **config.deadbands}
