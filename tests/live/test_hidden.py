"""A small hidden pool, really played: attacks and daily life on a lab that comes and goes."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.connection import SupervisorClient
from lab.detection import hidden
from lab.detection import live as module
from lab.detection.judge import judge
from lab.detection.rules import alerts
from lab.detection.script import WARM_UP_S, Assault, Errand, Script
from lab.detection.table import Table
from lab.exercises.observe import Grader
from lab.labs import Job
from lab.probes.detection import Live, live
from simulators.errors import StartError
from simulators.model import load_line
from tests.live.conftest import NAME

pytestmark = pytest.mark.needs("namespaces")
LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
REFERENCE = Path("scenarios/exercises/detection/rogue-scan/solutions/reference.yml").read_text(
    encoding="utf-8"
)
ADDRESSES = Path("scenarios/exercises/detection/rogue-scan/solutions/address_list.yml").read_text(
    encoding="utf-8"
)
KNOWN = {device.address for device in LINE.devices} | {"10.20.3.250", "10.20.1.133"}
SOURCE = {"source": "10.20.1.133", "target": "plc1"}
SHORT = Script(
    5,
    [
        Assault(45.0, "port_scan", "control", SOURCE | {"rate_per_s": 2.0, "count": 16}),
        Assault(270.0, "rogue_master", "control", SOURCE | {"rate_per_s": 1.0, "count": 10}),
        Assault(
            360.0,
            "rogue_master",
            "supervision",
            {"source": "10.20.3.20", "target": "plc1", "rate_per_s": 1.0, "count": 10, "registers": 8},
        ),
    ],
    [Errand(10.0, "maintenance"), Errand(90.0, "set_points")],
    [
        Errand(70.0, "auditor"),
        Errand(120.0, "inventory"),
        Errand(140.0, "availability"),
        Errand(195.0, "lost_client"),
    ],
    length_s=390.0,
)


def test_a_pool_is_played_labelled_judged_and_leaves_nothing(
    labs: SupervisorClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden, "scripts", lambda _line, _seed: [SHORT])
    said: list[Any] = []
    pool = hidden.pool(LINE, labs, 9, said.append, tmp_path)
    assert [status.name for status in labs.list() if status.name.startswith("hidden")] == []
    (run,) = pool.runs
    assert [label.attack for label in run.labels] == ["port_scan", "rogue_master", "rogue_master"]
    rows = list(Table(run.seen).events())
    writers = {row["id.orig_h"] for row in rows if str(row.get("func")).startswith("WRITE")}
    assert writers == {"10.20.3.250", "10.20.3.20"}  # maintenance, and the operator through SCADA
    judged = judge(REFERENCE, pool, LINE, 2.0)
    assert judged.classes["port_scan"].value == pytest.approx(100.0)
    assert judged.classes["rogue_master"].value == pytest.approx(100.0)
    assert judged.detection.false_alarms_per_h == 0.0
    assert judged.asset == judged.technique == 1.0
    passed = [row for row in rows if row["id.orig_h"] not in KNOWN]
    assert {row["quantity"] for row in passed if row.get("func", "").startswith("READ_")} <= {1, 2}
    assert [row["function_code"] for row in passed if row.get("function_code") == 43 and row["is_orig"]] == [
        43
    ]
    assert "GetEndpointsRequest" in {row.get("identifier_str") for row in passed}
    refused = {row["id.resp_p"] for row in passed if row.get("conn_state") == "REJ"}
    assert len(refused) == 1
    # Who looks at addresses alone cries at each of them.
    origin_s = run.start_unix_s - WARM_UP_S
    cried = [alert.unix_s - origin_s for alert in alerts(ADDRESSES, run.seen, LINE)]
    for visit in SHORT.visits:
        assert any(visit.at_s <= at_s < visit.at_s + 60.0 for at_s in cried), visit
    assert said
    # Kept: other solutions are judged on the same run.
    assert hidden.pool(LINE, labs, 9, said.append, tmp_path).runs == pool.runs


def test_a_lab_that_cannot_be_played_is_an_error_and_leaves_nothing(
    labs: SupervisorClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = msgspec.structs.replace(
        SHORT, assaults=[Assault(1.0, "no_such", "control", {})] * 3, errands=[], length_s=3.0
    )
    monkeypatch.setattr(hidden, "scripts", lambda _line, _seed: [bad])
    with pytest.raises(StartError):
        hidden.pool(LINE, labs, 10, folder=tmp_path)
    assert [status.name for status in labs.list() if status.name.startswith("hidden")] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("rules", "outcome"), [(REFERENCE, "detected"), ("", "no_rules")])
def test_an_attack_in_the_trainees_own_lab(labs: SupervisorClient, rules: str, outcome: str) -> None:
    with labs.attach(NAME) as lab:
        lab.request("speed", speed=20.0)
        try:
            inside = Grader(LINE, lab, NAME, labs, rules, {}, seed=3)
            finding = live(inside, Live(attacks=["port_scan"]))
        finally:
            lab.request("speed", speed=1.0)
            lab.request("record", zones=[])
    assert finding.observed == outcome, (finding.said, finding.exchanges)
    if outcome == "detected":
        assert finding.exchanges[0].request == "Port scan: plc1"
        assert re.fullmatch(r"\+\d+ s", finding.exchanges[0].answer)


def test_an_attack_just_before_is_not_the_checks(labs: SupervisorClient) -> None:
    """A trainee who practises asks for a check at once."""
    arguments = {"source": "10.20.1.99", "target": "plc1", "rate_per_s": 4.0, "count": 12}
    with labs.attach(NAME) as lab:
        lab.request("record")
        lab.request("speed", speed=20.0)
        try:
            labs.run(Job(NAME, "attack", "port_scan", "control", arguments, 60.0), lambda _message: None)
            finding = live(Grader(LINE, lab, NAME, labs, REFERENCE, {}, seed=3), Live(attacks=["port_scan"]))
        finally:
            lab.request("speed", speed=1.0)
            lab.request("record", zones=[])
    assert finding.observed == "detected", (finding.said, finding.exchanges)


def test_a_lab_that_is_paused_is_said_to_be(labs: SupervisorClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.5)
    with labs.attach(NAME) as lab:
        speed = lab.request("clock")["speed"]
        lab.request("pause")
        try:
            with pytest.raises(StartError, match="lab resume"):
                live(Grader(LINE, lab, NAME, labs, REFERENCE, {}, seed=3), Live(attacks=["port_scan"]))
            assert lab.request("clock")["speed"] == speed
        finally:
            lab.request("resume")
            lab.request("record", zones=[])


def test_an_alarm_that_is_always_on_has_seen_nothing(labs: SupervisorClient) -> None:
    everything = "title: All\ndetection: {sel: {log: modbus_detailed}, condition: sel}\ntags: [attack.t0848]"
    with labs.attach(NAME) as lab:
        lab.request("record")
        lab.request("speed", speed=20.0)
        try:
            finding = live(
                Grader(LINE, lab, NAME, labs, everything, {}, seed=3), Live(attacks=["rogue_master"])
            )
        finally:
            lab.request("speed", speed=1.0)
            lab.request("record", zones=[])
    assert finding.observed == "noise", finding.said
    assert finding.exchanges[0].request.startswith("All: ")
    assert finding.exchanges[0].answer.startswith("-")
