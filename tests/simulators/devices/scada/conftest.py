"""SCADA's clock beats ten times faster than a plant needs it to."""

import pytest

from simulators.devices.scada import station


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "TICK_S", 0.1)
