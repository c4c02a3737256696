"""`lab verify` itself: an exercise that grades wrongly must not get through."""

import threading
import time
from functools import partial
from pathlib import Path
from queue import PriorityQueue
from typing import Any

import pytest

from lab.exercises.load import load_exercise
from lab.exercises.verify import ExerciseResult, TestResult, verify
from lab.labs import LabStatus
from lab.probes import contract
from lab.probes.contract import Finding, Probe
from tests.lab.exercises.stage import EXERCISE, PROBES, StageLabs, Words, said, write_exercise

pytestmark = pytest.mark.usefixtures("probes")


def no_wait(_seconds: float) -> None: ...


prove = partial(verify, sleep=no_wait, spare=lambda: True)


def proven(folder: Path, text: str = EXERCISE, seeds: int = 3, jobs: int = 1) -> ExerciseResult:
    report = prove([load_exercise(write_exercise(folder, text))], StageLabs(), seeds=seeds, jobs=jobs)
    (result,) = report.exercises
    assert report.failed == (0 if result.ok else 1)
    return result


def failures(result: ExerciseResult) -> list[str]:
    return [f"{test.solution} {test.score}" for test in result.tests if not test.ok]


class CrowdedLabs(StageLabs):
    """Where a lab that starts waits a little for `expected` of them to be there; `at_once` is how many there ever were."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.at_once = 0
        self._expected = expected

    def start(self, *args: Any, **options: Any) -> LabStatus:
        started = super().start(*args, **options)
        deadline = time.monotonic() + 5
        while True:
            self.at_once = max(self.at_once, len(self.running))
            if self.at_once >= self._expected or time.monotonic() > deadline:
                return started


def test_a_sound_exercise_is_proven(tmp_path: Path) -> None:
    result = proven(tmp_path, jobs=3)
    assert result.ok
    assert [(t.solution, t.seed, t.score, t.expected) for t in result.tests] == [
        ("none", 1, 0, "= 0"), ("reference", 1, 100, "= 100"), ("reference", 2, 100, "= 100"),
        ("reference", 3, 100, "= 100"), ("stop", 1, 40, "<= 40"), ("deaf", 1, 40, "<= 40"), ("idle", 1, 40, "<= 40"),
    ]  # fmt: skip


def test_seeds_are_bounded(tmp_path: Path) -> None:
    assert [test.solution for test in proven(tmp_path, seeds=1).tests].count("reference") == 1


def test_every_lab_is_ended(tmp_path: Path) -> None:
    labs = StageLabs()
    prove([load_exercise(write_exercise(tmp_path))], labs, jobs=4)
    assert labs.running == {}
    assert len({lab.name for lab in labs.every}) == len(labs.every) == 7


@pytest.mark.parametrize(
    ("runtime", "most"), [("local", 4), ("docker-compact", 4), ("docker", 1), ("swarm", 1)]
)
def test_labs_that_take_a_core_each_run_no_more_at_once_than_asked_for(
    tmp_path: Path, runtime: str, most: int
) -> None:
    labs = CrowdedLabs(most)
    prove([load_exercise(write_exercise(tmp_path))], labs, jobs=1, runtime=runtime)
    assert labs.at_once == most


def test_the_plant_runs_faster_where_it_may(tmp_path: Path) -> None:
    labs = StageLabs()
    slow = EXERCISE.replace("parameters:", "setup: {speed: 2, verify_speed: 1}\nparameters:")
    prove([load_exercise(write_exercise(tmp_path, slow))], labs, seeds=1)
    assert {lab.speed for lab in labs.every} == {2.0}
    prove([load_exercise(write_exercise(tmp_path / "other"))], labs, seeds=1)
    assert {lab.speed for lab in labs.every} == {2.0, 10.0}


def test_a_check_that_is_passed_by_doing_nothing_is_caught(tmp_path: Path) -> None:
    text = EXERCISE.replace("expect: [rejected]", "expect: [rejected, accepted]")
    assert "none 20.0" in failures(proven(tmp_path, text))


def test_a_check_that_nobody_can_pass_is_caught(tmp_path: Path) -> None:
    text = EXERCISE.replace('expect: {words: "<=3"}', 'expect: {words: ">=3"}')
    assert failures(proven(tmp_path, text)) == ["reference 80.0"] * 3


def test_a_check_without_its_control_cannot_be_passed_at_all(tmp_path: Path) -> None:
    control = (
        "\n        control: {probe: stage.door, zone: control, device: plc2, user: guest, expect: accepted}"
    )
    result = proven(tmp_path, EXERCISE.replace(control, ""))
    assert "reference 40.0" in failures(result)
    assert any("legitimate clients" in test.why for test in result.tests)


def test_a_control_that_holds_nothing_is_caught_by_a_lazy_solution(tmp_path: Path) -> None:
    lax = EXERCISE.replace(
        "control: {probe: stage.door, zone: control, device: plc2, user: guest, expect: accepted}",
        'control: {probe: stage.rules, word: "", expect: found}',
    )
    assert failures(proven(tmp_path, lax)) == ["deaf 100.0"]


def test_a_missing_gate_is_caught_by_a_destructive_solution(tmp_path: Path) -> None:
    assert failures(proven(tmp_path, EXERCISE.replace("cap: 40", "cap: 90"))) == ["idle 90.0"]


def test_a_gate_that_tries_no_command_is_caught_by_a_destructive_solution(tmp_path: Path) -> None:
    text = EXERCISE.replace("{solution: idle, at_most: 40}", "{solution: mutiny, at_most: 40}")
    home = write_exercise(tmp_path, text)
    mutiny = (home / "solutions" / "reference.py").read_text().replace("locked", "locked mutinous")
    (home / "solutions" / "mutiny.py").write_text(mutiny)
    assert prove([load_exercise(home)], StageLabs(), seeds=1).failed == 0
    (home / "exercise.yaml").write_text(text.replace(" operate: [Filler.SetPoint],", ""))
    (result,) = prove([load_exercise(home)], StageLabs(), seeds=1).exercises
    assert failures(result) == ["mutiny 100.0"]


def test_a_missing_restart_is_caught(tmp_path: Path) -> None:
    text = EXERCISE.replace("{solution: idle, at_most: 40}", "{solution: volatile, at_most: 40}")
    home = write_exercise(tmp_path, text)
    volatile = (home / "solutions" / "reference.py").read_text().replace("locked", "volatile")
    (home / "solutions" / "volatile.py").write_text(volatile)
    assert prove([load_exercise(home)], StageLabs(), seeds=1).failed == 0
    (home / "exercise.yaml").write_text(text.replace("restart: [plc2]\n", ""))
    (result,) = prove([load_exercise(home)], StageLabs(), seeds=1).exercises
    assert failures(result) == ["volatile 100.0"]


@pytest.mark.parametrize("always", ["accepted", "rejected", "found", "missing"])
def test_a_broken_probe_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always: str) -> None:
    """A probe that always says the same makes the exercise fail, whatever it says."""
    if always in ("found", "missing"):
        stuck = Probe("stage.rules", Words, ("found", "missing"), lambda _i, _a: Finding(always, said(always), {"words": 9.0}), "inside", (), ("words",))  # fmt: skip
        monkeypatch.setattr(contract, "probes", lambda: {**PROBES, stuck.name: stuck})
    else:
        from tests.lab.exercises import stage

        monkeypatch.setattr(stage, "answer", lambda _text, _door: Finding(always, said(always)))
    assert not proven(tmp_path).ok


def test_an_error_in_a_solution_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    home = write_exercise(tmp_path)
    (home / "solutions" / "reference.py").write_text("def solve(desk):\n    1 / 0\n")
    (home / "solutions" / "deaf.py").write_text("def work(desk):\n    pass\n")
    (home / "solutions" / "stop.py").write_text('def solve(desk):\n    desk.configure("plc1", "x")\n')
    (home / "solutions" / "idle.py").write_text('def solve(desk):\n    desk.parameters["buried"]\n')
    (result,) = prove([load_exercise(home)], StageLabs(), seeds=1).exercises
    why = {test.solution: test.why for test in result.tests}
    assert "ZeroDivisionError" in why["reference"]
    assert "def solve(desk)" in why["deaf"]
    assert "plc1: its configuration is not open here; those that are: plc2" in why["stop"]
    assert "KeyError" in why["idle"]
    assert not any("Traceback" in words for words in why.values())


def test_a_lab_that_is_wrong_at_the_start_fails_every_test(tmp_path: Path) -> None:
    """Even those that must earn little: that nothing worked proves nothing."""
    wrong = EXERCISE.replace(
        "device: plc2, expect: accepted}\ngates", "device: plc2, expect: rejected}\ngates"
    )
    result = proven(tmp_path, wrong, seeds=1)
    assert not any(test.ok for test in result.tests)
    assert all("Starting state" in test.why for test in result.tests)


def test_doing_nothing_must_be_seen_to_earn_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that sees nothing earns 0 too, and does not prove that doing nothing earns 0."""
    others = {name: probe for name, probe in PROBES.items() if name != "process.window"}
    monkeypatch.setattr(contract, "probes", lambda: others)
    tests = {test.solution: test for test in proven(tmp_path, seeds=1).tests}
    assert (tests["none"].score, tests["none"].ok) == (0, False)
    # Nor does it prove that a lazy solution earns little.
    assert not any(test.ok for test in tests.values())


def test_a_solution_may_leave_nothing_to_observe(tmp_path: Path) -> None:
    mute = EXERCISE.replace("points: 40", "points: 80")
    mute = mute[: mute.index("  - id: word")] + mute[mute.index("tests:") :].replace(
        "at_most: 40", "at_most: 0"
    )
    tests = {test.solution: test for test in proven(tmp_path, mute, seeds=1).tests}
    assert (tests["stop"].score, tests["stop"].ok) == (0, True)
    assert (tests["deaf"].score, tests["deaf"].ok) == (0, True)
    assert not tests["idle"].ok


def test_rules_that_are_none_are_refused_as_in_the_editor(tmp_path: Path) -> None:
    from simulators.errors import InputError

    def refuse(text: str) -> None:
        raise InputError(f"pas une règle : {text}", f"no rule: {text}")

    report = prove([load_exercise(write_exercise(tmp_path))], StageLabs(), seeds=1, check_rules=refuse)
    assert all("no rule" in test.why for test in report.exercises[0].tests if test.solution != "none")


def test_each_result_is_told_as_it_comes(tmp_path: Path) -> None:
    told: list[TestResult] = []
    prove(
        [load_exercise(write_exercise(tmp_path))],
        StageLabs(),
        seeds=1,
        say=lambda _trial, result: told.append(result),
    )
    assert sorted(result.solution for result in told) == ["deaf", "idle", "none", "reference", "stop"]


def test_those_with_hidden_runs_begin_as_soon_as_theirs_are_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else waits: here one lab at a time, of an exercise without hidden runs that comes first."""
    begun, queued = threading.Event(), threading.Event()

    class Watched(PriorityQueue[Any]):
        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            if item[-1].exercise.id == "hidden" and self.qsize() == 5 + 4:
                queued.set()

    class WaitingLabs(StageLabs):
        def start(self, *args: Any, **options: Any) -> LabStatus:
            begun.set()
            assert queued.wait(30)
            return super().start(*args, **options)

    monkeypatch.setattr("lab.exercises.verify.PriorityQueue", Watched)
    monkeypatch.setattr(
        "lab.exercises.verify.hidden_runs",
        lambda exercise: [lambda _wanted: begun.wait(30)] if exercise.id == "hidden" else [],
    )
    exercises = [
        load_exercise(write_exercise(tmp_path, EXERCISE.replace("small-door", name), name=name))
        for name in ("plain", "hidden")
    ]
    told: list[str] = []
    report = prove(
        exercises,
        WaitingLabs(),
        seeds=1,
        runtime="docker",
        say=lambda trial, _result: told.append(trial.exercise.id),
    )
    assert report.failed == 0
    assert [result.id for result in report.exercises] == ["plain", "hidden"]
    assert told == ["plain"] + ["hidden"] * 5 + ["plain"] * 4
