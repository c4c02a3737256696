"""What operators see: the last value of every tag as the wire told it, its quality and its date."""

from collections.abc import Iterable

from simulators.plc.image import Value
from simulators.snapshot import Quality, Shown


class _Cell:
    __slots__ = ("heard_s", "quality", "unix_s", "value")

    def __init__(self) -> None:
        self.value: Value | None = None
        self.quality: Quality = "bad"
        self.unix_s = 0.0
        self.heard_s = float("-inf")


class Board:
    """Values by tag. `age(wall_s)` turns what was not heard of for long into stale."""

    def __init__(self, stale_after_s: dict[str, float]) -> None:
        """`stale_after_s`: tag → seconds (of the wall) without news."""
        self._stale_after_s = stale_after_s
        self._cells = {tag: _Cell() for tag in stale_after_s}

    def put(self, tag: str, value: Value, unix_s: float, wall_s: float, quality: Quality = "good") -> None:
        """News of `tag`, heard at `wall_s`."""
        cell = self._cells[tag]
        cell.value, cell.quality, cell.unix_s, cell.heard_s = value, quality, unix_s, wall_s

    def refuse(self, tag: str, unix_s: float, wall_s: float) -> None:
        """The device answered, but not with a value: the last one stays, as bad."""
        cell = self._cells[tag]
        cell.quality, cell.unix_s, cell.heard_s = "bad", unix_s, wall_s

    def age(self, wall_s: float) -> None:
        """Good values that were not heard of for `stale_after_s` become stale."""
        for tag, cell in self._cells.items():
            if cell.quality == "good" and wall_s - cell.heard_s > self._stale_after_s[tag]:
                cell.quality = "stale"

    def hold(self, seconds: float) -> None:
        """The line was paused for so long: nobody could have news."""
        for cell in self._cells.values():
            cell.heard_s += seconds

    def silent(self, tags: Iterable[str], wall_s: float) -> bool:
        """Whether none of `tags` was heard of in time."""
        return all(wall_s - self._cells[tag].heard_s > self._stale_after_s[tag] for tag in tags)

    def of(self, tag: str) -> Shown:
        cell = self._cells[tag]
        return Shown(cell.value, cell.quality, cell.unix_s)

    def value(self, tag: str) -> Value | None:
        """The value if it is good, else None."""
        cell = self._cells[tag]
        return cell.value if cell.quality == "good" else None

    def bad(self, tag: str) -> bool:
        """Whether there was news of it, and it was bad."""
        cell = self._cells[tag]
        return cell.quality == "bad" and cell.unix_s > 0

    def shown(self) -> dict[str, Shown]:
        return {tag: self.of(tag) for tag in self._cells}

    def rows(self, unix_s: float) -> list[tuple[str, float, Value, str]]:
        """What the historian is fed: every tag that has a value, dated `unix_s`."""
        return [
            (tag, unix_s, cell.value, cell.quality)
            for tag, cell in self._cells.items()
            if cell.value is not None
        ]
