"""A capture hears a whole zone, whoever speaks there, and nothing is left of it once nobody looks."""

import time

import pytest

from tests.docker.yard import Yard
from tests.waiting import within

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(400)]


def taps(yard: Yard) -> set[str]:
    return {part for part in yard.ids() if part.startswith("tap-")}


def test_a_stranger_and_a_sensor_are_heard(yard: Yard) -> None:
    """Neither of them is a PLC, the broker, SCADA or the historian; what they say crosses no gateway."""
    here, sensor = yard.sit("iiot"), yard.addresses()["hall_sensor"][1]
    stranger = yard.try_one(here, "interfaces")["eth0"]
    yard.ask("capture_start")
    began = time.time()
    assert yard.try_one(here, "tcp", [(sensor, 4321)]) == {f"{sensor}:4321": "refused"}
    within(5, lambda: time.time() - began > 0.5)
    taken = yard.ask("capture_stop")
    (row,) = [row for row in taken["events"] if row["log"] == "conn" and row["id.resp_p"] == 4321]
    assert (row["id.orig_h"], row["id.resp_h"]) == (stranger, sensor)


def test_taps_are_there_while_somebody_looks(yard: Yard) -> None:
    yard.ask("record", zones=[])
    within(20, lambda: taps(yard) == set())
    yard.ask("record", zones=["control"])
    assert taps(yard) == {"tap-control"}
    yard.ask("capture_start")
    assert taps(yard) == {f"tap-{zone}" for zone in yard.zones()}
    yard.ask("capture_stop")
    within(20, lambda: taps(yard) == {"tap-control"})
    yard.ask("record", zones=[])
    within(20, lambda: taps(yard) == set())
