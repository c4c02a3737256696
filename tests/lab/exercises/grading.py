"""The exercises that are graded on hidden runs, graded here on light ones: which of their solutions earn what they must not."""

from collections.abc import Mapping
from pathlib import Path

from lab.exercises.catalog import exercise
from lab.exercises.expect import unmet
from lab.exercises.model import AuthorTest, Exercise


def graded_by(wanted: Exercise, probe: str, figures: Mapping[str, float]) -> float:
    """Points of the steps whose only probe is this one."""
    return sum(
        step.points
        for step in wanted.steps
        if all(
            check.probe == probe
            and isinstance(check.expect, dict)
            and unmet(figures, check.expect) == ([], [])
            for check in step.checks
        )
    )


def out_of_bounds(test: AuthorTest, earned: float) -> bool:
    """Whether a solution earns what its author says that it does not."""
    return (
        (test.score is not None and earned != test.score)
        or (test.at_most is not None and earned > test.at_most)
        or (test.at_least is not None and earned < test.at_least)
    )


def text_of(wanted: Exercise, solution: str, suffix: str) -> str:
    """What a solution saves or configures."""
    return (Path(wanted.folder) / "solutions" / f"{solution}{suffix}").read_text()


BEARING, HARDENING, ROGUE = (exercise(each) for each in ("bearing-alarm", "opcua-hardening", "rogue-scan"))
