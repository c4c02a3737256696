"""The plant as a part sees it: the values that last came over the bus."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulators.contracts import Vibration
from simulators.plc.image import Value

SILENCE = Vibration(bytes(25_600))


class RemoteField:
    """`contracts.FieldIO` over the bus.

    `wanted` is called when the device reads a signal, or listens to an asset, that it has not before: until its
    first value there is 0, or silence.
    """

    def __init__(self, signals: Sequence[str], wanted: Callable[[], None]) -> None:
        self.signals = list(signals)
        self.listen: list[str] = []
        self.driven: dict[str, Value] = {}
        self._values: dict[str, Value] = dict.fromkeys(signals, 0.0)
        self._windows: dict[str, Vibration] = {}
        self._wanted = wanted

    def take(self, values: Sequence[Value], windows: Mapping[str, Sequence[Any]]) -> None:
        """New values, of the first of `signals`, and windows (the fields of each `contracts.Vibration`)."""
        self._values.update(zip(self.signals, values, strict=False))
        self._windows.update({asset: Vibration(*heard) for asset, heard in windows.items()})

    def read(self, signals: Sequence[str]) -> list[Value]:
        try:
            return [self._values[signal] for signal in signals]
        except KeyError:
            for signal in signals:
                if signal not in self._values:
                    self._values[signal] = 0.0
                    self.signals.append(signal)
            self._wanted()
            return [self._values[signal] for signal in signals]

    def write(self, signals: Sequence[str], values: Sequence[Value]) -> None:
        self.driven.update(zip(signals, values, strict=True))

    def vibration(self, asset: str) -> Vibration:
        if asset not in self.listen:
            self.listen.append(asset)
            self._wanted()
        return self._windows.get(asset, SILENCE)

    def drives(self) -> dict[str, Any]:
        """What was driven since the last call."""
        driven, self.driven = self.driven, {}
        return driven
