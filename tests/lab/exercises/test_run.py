"""The check runner on a stage: what is observed, how often, in which order, and what is kept of it."""

from typing import Any

import msgspec
import pytest

from lab.catalog import find_line
from lab.exercises.evidence import EXCHANGES_MAX, SENTENCE_MAX, WORDS_MAX, Keeper
from lab.exercises.model import Check, Exercise, Parameter
from lab.exercises.parameters import MASK, drawn
from lab.exercises.report import CheckReport, Progress
from lab.exercises.run import baseline, run_check
from lab.exercises.score import score_of
from lab.probes import contract
from lab.probes.contract import Exchange, Finding, Probe
from simulators.text import Text
from tests.lab.exercises.stage import PROBES, StageLab, StageLabs, Words

pytestmark = pytest.mark.usefixtures("probes")


@pytest.fixture
def values(exercise: Exercise) -> dict[str, Any]:
    return drawn(exercise, find_line("bottling"), secret=b"x", student="s")


@pytest.fixture
def labs() -> StageLabs:
    labs = StageLabs()
    labs.start("bottling", "mine", 7)
    return labs


def the_lab(labs: StageLabs) -> StageLab:
    return labs.running["mine"]


def check(exercise: Exercise, labs: StageLabs, values: dict[str, Any], text: str, **more: Any) -> CheckReport:
    the_lab(labs).texts["plc2"] = text
    more.setdefault("rules", str(values["word"]))
    return run_check(exercise, labs=labs, lab_name="mine", parameters=values, seed=3, **more)


def outcomes(report: CheckReport) -> dict[str, str]:
    return {step.step: step.outcome for step in report.steps}


def test_a_hardened_door_earns_everything(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "locked")
    assert report.conclusive
    assert set(outcomes(report).values()) == {"pass"}
    assert [gate.outcome for gate in report.gates] == ["pass"]
    assert score_of(exercise, report) == 100
    assert {v.phase for step in report.steps for v in step.verdicts} == {"after", "after_restart"}
    assert report.lab_seed == 7
    assert report.program["exercise"] == "small-door v1"


def test_an_open_door_earns_nothing_and_nothing_is_restarted(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "open", rules="")
    assert outcomes(report) == dict.fromkeys(("anonymous", "clerk", "word", "brevity"), "fail")
    assert report.steps[0].verdicts[0].why.en == f"The door is open to {values['clerk']}"
    assert "restart" not in [verb for verb, _ in the_lab(labs).requests]


def test_what_does_not_survive_a_restart_is_not_earned(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "volatile")
    assert outcomes(report) == {"anonymous": "fail", "clerk": "fail", "word": "pass", "brevity": "pass"}
    assert [(v.phase, v.outcome) for v in report.steps[0].verdicts] == [
        ("after", "pass"),
        ("after_restart", "fail"),
    ]


def test_a_door_that_refuses_all_proves_nothing(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "deaf")
    assert outcomes(report) == {
        "anonymous": "inconclusive",
        "clerk": "inconclusive",
        "word": "pass",
        "brevity": "pass",
    }
    verdict = report.steps[0].verdicts[0]
    assert verdict.control is not None
    assert (verdict.evidence.observed, verdict.control.observed) == ("rejected", "rejected")


def test_a_stopped_service_proves_nothing(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "stopped")
    assert outcomes(report)["anonymous"] == "inconclusive"
    assert report.steps[0].verdicts[0].evidence.observed == "silent"


def test_a_plant_that_stops_caps_the_score(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "locked idle")
    assert (report.gates[0].outcome, report.gates[0].cap) == ("fail", 40)
    assert report.gates[0].figures["throughput_pct"] == 10
    assert score_of(exercise, report) == 40


def test_a_plant_that_cannot_be_operated_caps_the_score(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "locked mutinous")
    (gate,) = report.gates
    assert (gate.outcome, gate.cap, gate.figures["commands_pct"]) == ("fail", 40, 0)
    assert "Filler.SetPoint" in gate.why.en
    assert score_of(exercise, report) == 40


def test_each_thing_is_observed_once_a_phase(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    check(exercise, labs, values, "locked")
    # Anonymous, guest and clerk; the guest is the control of two checks.
    users = [job.arguments.get("user", "anonymous") for job in labs.jobs]
    assert users == ["anonymous", "guest", values["clerk"]] * 2
    assert {(job.kind, job.zone, job.name) for job in labs.jobs} == {("probe", "control", "stage.door")}


def test_progress_goes_from_nothing_to_the_whole(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    told: list[Progress] = []
    check(exercise, labs, values, "locked", progress=told.append)
    counts = [step.done for step in told]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert told[-1].done == told[-1].total == 2 * 5 + 2
    assert [step.result.step for step in told if step.result] == ["anonymous", "clerk", "word", "brevity"]
    assert any(step.doing.en == "reading" for step in told)
    assert any(step.doing.en == "Restarting plc2" for step in told)


def test_a_step_that_fails_is_told_before_the_restart(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    told: list[Progress] = []
    check(exercise, labs, values, "open", progress=told.append)
    named = [step.result.step if step.result else step.doing.en for step in told]
    assert named.index("anonymous") < named.index("Restarting plc2") < named.index("word")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda labs: labs.running.clear(), "does not run"),
        (lambda labs: setattr(the_lab(labs), "paused", True), "paused"),
        (lambda labs: the_lab(labs).down.add("plc2"), "Not answering: plc2"),
        (lambda labs: setattr(labs, "crash_at_job", 2), "restarted during the check"),
    ],
)
def test_a_lab_at_fault_costs_no_attempt(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any], break_it: Any, says: str
) -> None:
    lab = the_lab(labs)
    lab.texts["plc2"] = "locked"
    break_it(labs)
    report = run_check(exercise, labs=labs, lab_name="mine", parameters=values, rules=str(values["word"]))
    assert not report.conclusive
    assert report.trouble is not None
    assert says in report.trouble.en
    assert report.trouble.fr != report.trouble.en
    assert score_of(exercise, report) == 0


def test_nothing_observed_at_all_costs_no_attempt(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    doors = msgspec.structs.replace(exercise, steps=exercise.steps[:2])
    report = check(doors, labs, values, "stopped")
    assert not report.conclusive
    assert report.trouble is not None


def test_a_window_that_cannot_be_measured_costs_no_attempt(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {name: probe for name, probe in PROBES.items() if name != "process.window"}
    monkeypatch.setattr(contract, "probes", lambda: others)
    report = check(exercise, labs, values, "locked")
    assert not report.conclusive
    assert report.trouble is not None
    assert "process.window" in report.trouble.en


def test_the_baseline(exercise: Exercise, labs: StageLabs, values: dict[str, Any]) -> None:
    before = baseline(exercise, labs=labs, lab_name="mine", parameters=values)
    assert before.conclusive
    assert [(step.step, step.outcome) for step in before.steps] == [("baseline", "pass")]
    assert before.steps[0].verdicts[0].phase == "before"
    the_lab(labs).texts["plc2"] = "locked"
    wrong = baseline(exercise, labs=labs, lab_name="mine", parameters=values)
    assert not wrong.conclusive
    assert wrong.trouble is not None
    assert "starting state" in wrong.trouble.en


def test_an_exercise_without_a_baseline_is_always_ready(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    bare = msgspec.structs.replace(exercise, baseline=[])
    assert baseline(bare, labs=labs, lab_name="mine", parameters=values).conclusive


def test_hidden_values_are_not_in_a_report(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any]
) -> None:
    report = check(exercise, labs, values, "locked", rules=f"{values['word']} {values['buried']}")
    written = msgspec.json.encode(report).decode()
    assert str(values["buried"]) not in written
    assert str(values["word"]) in written
    assert MASK in written


def test_a_hidden_number_is_masked_where_it_was_given(exercise: Exercise) -> None:
    """Too short to be looked for in sentences: it would mask every 5 of them."""
    hidden = Parameter(kind="integer", range=(5, 5), hidden=True)
    own = msgspec.structs.replace(exercise, parameters={"count": hidden})
    check = Check(probe="stage.rules", expect="found", arguments={"word": "${count}"})
    kept = Keeper(own, {"count": 5}).keep(check, Finding("found", Text(fr="5 s", en="5 s")), 1.0, 2.0)
    assert kept.arguments == {"word": MASK}
    assert kept.said.en == "5 s"


def test_a_probe_that_breaks_is_silence(
    exercise: Exercise, labs: StageLabs, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_inside: Any, _args: Words) -> Finding:
        raise ZeroDivisionError("bang")

    def unheard(_inside: Any, _args: Words) -> Finding:
        return Finding("a surprise", Text(fr="a", en="a"))

    for look, says in ((broken, "bang"), (unheard, "unknown outcome a surprise")):
        bad = Probe("stage.rules", Words, ("found", "missing"), look, "inside", (), ("words",))
        monkeypatch.setattr(contract, "probes", lambda bad=bad: {**PROBES, "stage.rules": bad})
        evidence = check(exercise, labs, values, "locked").steps[2].verdicts[0].evidence
        assert evidence.observed == "silent"
        assert says in evidence.said.en


def test_evidence_is_bounded(exercise: Exercise, values: dict[str, Any]) -> None:
    huge = "x" * 100_000
    finding = Finding(
        "found", Text(fr=huge, en=huge), {f"f{n}": float(n) for n in range(500)}, [Exchange(huge, huge)] * 500
    )
    check = Check(probe="stage.rules", expect="found", arguments={"word": huge, "list": [huge]})
    kept = Keeper(exercise, values).keep(check, finding, 1.0, 2.0)
    assert len(kept.said.en) <= SENTENCE_MAX
    assert len(kept.exchanges) <= EXCHANGES_MAX
    assert len(kept.exchanges[0].answer) <= WORDS_MAX
    assert len(msgspec.json.encode(kept)) < 60_000


def test_a_secret_is_masked_before_it_is_cut(exercise: Exercise, values: dict[str, Any]) -> None:
    secret = str(values["buried"])
    said = "x" * (SENTENCE_MAX - len(secret) // 2) + secret
    finding = Finding("found", Text(fr=said, en=said))
    kept = Keeper(exercise, values).keep(Check(probe="stage.rules", expect="found"), finding, 1.0, 2.0)
    assert secret[:4] not in kept.said.en


def test_the_clock_is_the_callers(exercise: Exercise, labs: StageLabs, values: dict[str, Any]) -> None:
    ticks = iter(range(1_000, 100_000))
    report = check(exercise, labs, values, "locked", now=lambda: float(next(ticks)))
    assert report.unix_s > 1_000
    assert 0 < report.duration_s < 100
    assert all(v.evidence.unix_s >= 1_000 for step in report.steps for v in step.verdicts)
