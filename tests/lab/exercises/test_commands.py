"""`lab lint`, `lab schema`, `lab exercises`, `lab verify` as they are typed."""

import contextlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.cli.main import run
from lab.exercises import catalog, workshop
from tests.lab.exercises.stage import EXERCISE, StageLabs, write_exercise

pytestmark = pytest.mark.usefixtures("probes")


def lab(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = run(list(arguments))
    return status, out.getvalue()


def told(*arguments: str) -> tuple[int, Any]:
    status, out = lab(*arguments, "--json")
    return status, json.loads(out)


@pytest.fixture
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stage's exercise is the only one; the workshop is the stage."""

    @contextmanager
    def stage() -> Iterator[StageLabs]:
        yield StageLabs()

    write_exercise(tmp_path)
    monkeypatch.setattr(catalog, "exercises_folder", lambda: tmp_path)
    monkeypatch.setattr(workshop, "workshop", stage)
    monkeypatch.setattr("lab.exercises.verify.SETTLE_S", 0.0)
    monkeypatch.setattr("lab.exercises.room.LOOK_S", 0.02)
    monkeypatch.setattr("lab.detection.rules.check_rules", lambda _text: [])  # the stage's rules are words
    return tmp_path


def test_exercises_are_listed(scenarios: Path) -> None:
    assert told("exercises")[1] == [
        {
            "id": "small-door", "track": "hardening", "level": "technician",
            "title": {"fr": "La porte", "en": "The door"}, "minutes": 45, "unavailable": None,
        }
    ]  # fmt: skip
    assert "The door" in lab("exercises")[1]


def test_why_an_exercise_is_unavailable(scenarios: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulators.text import Text

    path = scenarios / "hardening" / "small-door" / "exercise.yaml"
    path.write_text(EXERCISE.replace("panels:", "needs: [zones]\npanels:"), encoding="utf-8")
    monkeypatch.setattr(catalog, "namespaces_available", lambda: Text(fr="Refusé.", en="Refused."))
    (listed,) = told("exercises")[1]
    assert listed["unavailable"]["en"] == "This exercise needs enforced zones. Refused."
    status, proven = told("verify")
    assert (status, proven["failed"]) == (1, 1)
    assert "Refused." in proven["exercises"][0]["tests"][0]["why"]


def test_lint_says_all_and_exits_1(scenarios: Path) -> None:
    assert told("lint") == (0, [])
    path = scenarios / "hardening" / "small-door" / "exercise.yaml"
    path.write_text(
        EXERCISE.replace("points: 40", "points: 41").replace("SR 1.1", "SR 9.9"), encoding="utf-8"
    )
    status, problems = told("lint", "small-door")
    assert (status, [problem["place"] for problem in problems]) == (
        1,
        ["$.standard.iec62443-3-3[0]", "$.steps"],
    )
    assert problems[0]["line"] == EXERCISE[: EXERCISE.index("SR 1.1")].count("\n") + 1
    assert "2 problem(s)" in lab("lint", str(path.parent))[1]
    assert lab("lint", "no-such-exercise")[0] == 3


def test_schema(scenarios: Path) -> None:
    status, out = lab("schema")
    assert (status, json.loads(out)["title"]) == (0, "usine-ecole/exercise/v1")
    assert json.loads(lab("schema", "line")[1])["title"] == "usine-ecole/line/v1"
    assert lab("schema", "course")[0] == 2


def test_verify_says_exactly_this(scenarios: Path) -> None:
    status, proven = told("verify", "--seeds", "1", "--jobs", "3")
    assert status == 0
    assert set(proven) == {"exercises", "failed"}
    (exercise,) = proven["exercises"]
    assert set(exercise) == {"id", "track", "level", "ok", "tests"}
    assert {
        "id": "small-door",
        "track": "hardening",
        "level": "technician",
        "ok": True,
    }.items() <= exercise.items()
    for test in exercise["tests"]:
        assert set(test) == {"solution", "seed", "score", "expected", "ok", "seconds", "why"}
    assert [test["solution"] for test in exercise["tests"]] == ["none", "reference", "stop", "deaf", "idle"]


def test_verify_runs_more_seeds_at_night(scenarios: Path) -> None:
    path = scenarios / "hardening" / "small-door" / "exercise.yaml"
    path.write_text(EXERCISE.replace("seeds: 3", "seeds: 5"), encoding="utf-8")
    solutions = [test["solution"] for test in told("verify")[1]["exercises"][0]["tests"]]
    assert solutions.count("reference") == 3
    solutions = [test["solution"] for test in told("verify", "--nightly")[1]["exercises"][0]["tests"]]
    assert solutions.count("reference") == 5


def test_verify_fails_where_an_exercise_does_not_hold(scenarios: Path) -> None:
    path = scenarios / "hardening" / "small-door" / "exercise.yaml"
    path.write_text(EXERCISE.replace("cap: 40", "cap: 90"), encoding="utf-8")
    status, proven = told("verify", "small-door")
    assert (status, proven["failed"], proven["exercises"][0]["ok"]) == (1, 1, False)
    assert "idle" in lab("verify", "--seeds", "1")[1]


def test_verify_refuses_what_does_not_pass_the_lint(scenarios: Path) -> None:
    path = scenarios / "hardening" / "small-door" / "exercise.yaml"
    path.write_text(EXERCISE.replace("points: 40", "points: 41"), encoding="utf-8")
    status, proven = told("verify")
    assert (status, proven["failed"]) == (1, 1)
    assert proven["exercises"][0]["tests"][0]["solution"] == "lint"
    assert "the steps make 101 points" in proven["exercises"][0]["tests"][0]["why"]
    assert "101 points" in lab("verify")[1]


def test_one_track(scenarios: Path) -> None:
    assert told("verify", "--track", "maintenance") == (0, {"exercises": [], "failed": 0})
    assert len(told("verify", "--track", "hardening", "--seeds", "1")[1]["exercises"]) == 1
    assert lab("verify", "--track", "hardenning")[0] == 3
