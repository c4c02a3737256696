"""The probes of detection without a lab: what is told of rules that are absent, wrong, bad and good."""

from pathlib import Path
from typing import Any, cast

import pytest

from lab.detection import findings
from lab.detection.figures import FIGURES
from lab.detection.rules import check_rules
from lab.exercises.observe import Grader
from lab.labs import Connection, Labs
from lab.probes import detection
from lab.probes.contract import Finding, probes
from simulators.text import Text
from tests.lab.detection.test_judge import LINE, POOL, SOLUTIONS

NOBODY = cast("Any", None)


def looked(rules: str, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What `detection.run` finds of the rules on the pool made by hand."""
    monkeypatch.setattr(findings, "pool", lambda *_arguments, **_named: POOL)
    said: list[Text] = []
    inside = Grader(LINE, cast("Connection", NOBODY), "x", cast("Labs", NOBODY), rules, {}, 1, said.append)
    return detection.run(inside, detection.Hidden())


def test_no_rule_is_no_reason_to_play_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(findings, "pool", never)
    inside = Grader(LINE, NOBODY, "x", NOBODY, " \n", {}, 1)
    finding = detection.run(inside, detection.Hidden())
    assert finding.observed == "no_rules"
    assert finding.figures == dict.fromkeys(FIGURES, 0.0)
    assert detection.live(inside, detection.Live()).observed == "no_rules"


def test_rules_that_are_none_are_refused_with_their_line(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = looked("title: x\ndetection: {sel: {nothing: 1}, condition: sel}", monkeypatch)
    assert finding.observed == "refused"
    assert "line 2" in finding.said.en


def test_good_rules_have_their_figures_and_nothing_gives_the_attacker_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finding = looked((SOLUTIONS / "reference.yml").read_text(encoding="utf-8"), monkeypatch)
    assert finding.observed == "graded"
    assert finding.figures["score"] == pytest.approx(100.0)
    assert set(finding.figures) == set(FIGURES) == set(probes()["detection.run"].figures)
    told = finding.said.fr + finding.said.en + "".join(e.request + e.answer for e in finding.exchanges)
    assert "10.20." not in told


def test_bad_rules_are_told_what_they_cried_at(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = looked("title: x\ndetection: {sel: {function_code: [43, 16]}, condition: sel}", monkeypatch)
    assert "fenêtre de maintenance 1" in finding.said.fr
    assert "maintenance window 1" in finding.said.en
    assert finding.figures["false_alarms_per_h"] > 2.0


@pytest.mark.parametrize("solution", sorted(path.stem for path in SOLUTIONS.glob("*.yml")))
def test_every_solution_is_made_of_rules(solution: str) -> None:
    assert check_rules(Path(SOLUTIONS / f"{solution}.yml").read_text(encoding="utf-8"))
