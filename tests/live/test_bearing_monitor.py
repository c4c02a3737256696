"""The bearing monitor of a real lab: sensors, broker, monitor and SCADA over their own protocols."""

from collections.abc import Iterator
from typing import Any

import pytest

from lab.catalog import find_line
from lab.connection import SupervisorClient
from lab.exercises.observe import Grader
from lab.probes.maintenance import live
from lab.probes.trial import Live
from tests.live.conftest import NAME, green
from tests.waiting import within

RULES = """
assets: [conveyor_motor, filler_motor]
least_rpm: 300
baseline: {windows: 10}
detectors:
  - {feature: envelope_db, method: cusum, k: 1.0, alarm_at: %d, clear_at: 5}
"""


@pytest.fixture
def inside(labs: SupervisorClient) -> Iterator[Grader]:
    """The grader's side of the lab; the monitor is as delivered again at the end."""
    with labs.attach(NAME) as lab:
        former = lab.request("config", device="monitor")["text"]
        yield Grader(find_line("bottling"), lab, NAME, labs, "", {}, seed=3)
        lab.request("configure", device="monitor", text=former)
    within(15, lambda: green(labs))


def args(**more: Any) -> Live:
    return Live(assets=["conveyor_motor", "filler_motor"], quiet_windows=8, windows=20, speed=60.0, **more)


def test_a_damaged_bearing_is_announced_to_the_operator(inside: Grader) -> None:
    inside.lab.request("configure", device="monitor", text=RULES % 20)
    found = live(inside, args())
    assert found.observed == "alarmed", found
    assert inside.lab.request("snapshot")["speed"] == 1.0
    faults = {asset["id"]: asset["faults"] for asset in inside.lab.request("snapshot")["assets"]}
    assert not faults["conveyor_motor"]
    assert not faults["filler_motor"]


def test_a_monitor_as_delivered_announces_nothing(inside: Grader) -> None:
    assert live(inside, args()).observed == "no_monitor"
    panel = inside.lab.request("monitor", device="monitor")
    assert (panel["assets"], panel["features"]) == ([], {})
