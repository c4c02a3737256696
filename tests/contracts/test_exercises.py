"""The suite that every exercise passes by being there: `scenarios/exercises/<track>/<id>/exercise.yaml`."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from lab.catalog import find_line
from lab.exercises.catalog import exercise_paths, exercises
from lab.exercises.folder import LANGUAGES, brief, brief_name, file_text, solution
from lab.exercises.lint import lint
from lab.exercises.lint.words import parts
from lab.exercises.load import load_exercise
from lab.exercises.model import Exercise
from lab.exercises.parameters import drawn, filled, masked, visible
from lab.exercises.score import cost_points
from simulators import devices
from simulators.text import Text

PATHS = exercise_paths()
# Forty-five to ninety minutes of work cannot be explained in fewer words.
BRIEF_WORDS_MIN = 250


# Drawn anew for each check, so that there is nothing to pass on.
HIDDEN_RUNS = {"detection.run", "maintenance.run"}


@pytest.fixture(params=PATHS, ids=[path.parent.name for path in PATHS], scope="module")
def exercise(request: pytest.FixtureRequest) -> Exercise:
    return load_exercise(request.param)


def values(exercise: Exercise, student: str = "s1") -> dict[str, Any]:
    return dict(drawn(exercise, find_line(exercise.line), secret=b"contract", student=student))


def texts(item: Any) -> Iterator[Text]:
    if isinstance(item, Text):
        yield item
    elif isinstance(item, msgspec.Struct):
        for name in item.__struct_fields__:
            yield from texts(getattr(item, name))
    elif isinstance(item, dict):
        for value in item.values():
            yield from texts(value)
    elif isinstance(item, list):
        for value in item:
            yield from texts(value)


def test_there_are_exercises_and_each_has_its_own_id() -> None:
    assert len(exercises()) == len(PATHS) > 0


def test_the_lint_finds_nothing(exercise: Exercise) -> None:
    assert [str(problem.text) for problem in lint(load_path(exercise))] == []


def load_path(exercise: Exercise) -> Any:
    return next(path for path in PATHS if path.parent.name == exercise.id)


def test_every_word_is_there_twice_and_filled_in(exercise: Exercise) -> None:
    shown = masked(exercise, values(exercise))
    every = [text for step in exercise.steps for text in texts(filled(step, shown))]
    for text in [*every, exercise.title, exercise.summary]:
        assert text.fr.strip()
        assert text.en.strip()
        assert "${" not in text.fr + text.en


def test_the_brief_teaches_in_both_languages(exercise: Exercise) -> None:
    shapes = []
    for language in LANGUAGES:
        text = brief(exercise, language, visible(exercise, values(exercise)))
        assert len(text.split()) >= BRIEF_WORDS_MIN, brief_name(language)
        assert not re.search(r"\$\{|TODO|XXX|lorem", text, re.IGNORECASE)
        shapes.append([level for level, _title, _body in parts(text)])
    assert shapes[0] == shapes[1]


def test_the_start_is_accepted_whoever_the_student_is(exercise: Exercise) -> None:
    line = find_line(exercise.line)
    for student in ("s1", "s2", "s3"):
        drawn_values = values(exercise, student)
        for device, name in exercise.setup.configurations.items():
            text = file_text(exercise, name, drawn_values)
            devices.kind(line.device(device).kind).parse(text, name)


def test_two_students_do_not_have_the_same_answers(exercise: Exercise) -> None:
    if not exercise.parameters:
        seen = {check.probe for step in exercise.steps for check in step.checks}
        assert seen & HIDDEN_RUNS, "nothing is drawn for each student, nor for each check"
        return
    found = [values(exercise, f"s{number}") for number in range(5)]
    assert len({msgspec.json.encode(one) for one in found}) > 1


def test_every_solution_can_be_loaded(exercise: Exercise) -> None:
    for test in exercise.tests:
        assert callable(solution(exercise, test.solution))


def test_its_hints_help_and_have_a_price_that_leaves_something(exercise: Exercise) -> None:
    hints = [hint for step in exercise.steps for hint in step.hints]
    assert hints
    for step in exercise.steps:
        prices = [cost_points(hint.cost, step.points) for hint in step.hints]
        assert sum(prices) < step.points
        assert prices == sorted(prices), f"{step.id}: dearer hints come later"


def test_it_takes_a_lesson(exercise: Exercise) -> None:
    assert 45 <= exercise.minutes <= 90 or exercise.track == "awareness"
    assert exercise.time_to_live_min >= exercise.minutes
