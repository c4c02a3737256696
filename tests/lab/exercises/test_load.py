from pathlib import Path

import pytest

from lab.exercises import catalog
from lab.exercises.load import load_exercise
from lab.exercises.model import Exercise
from simulators.errors import InputError, NotFoundError
from tests.lab.exercises.stage import EXERCISE, write_exercise


def test_keys_that_are_not_a_checks_own_are_arguments_of_its_probe(exercise: Exercise) -> None:
    check = exercise.step("clerk").checks[0]
    assert check.arguments == {"device": "plc2", "user": "${clerk}"}
    assert (check.zone, check.expect) == ("control", ["rejected"])
    assert check.control is not None
    assert check.control.arguments == {"device": "plc2", "user": "guest"}
    assert exercise.baseline[0].arguments == {"device": "plc2"}


def test_arguments_may_be_written_apart_where_a_name_clashes(tmp_path: Path) -> None:
    flat = '{probe: stage.rules, word: "${word}", expect: found}'
    apart = '{probe: stage.rules, arguments: {zone: mine}, word: "${word}", expect: found}'
    home = write_exercise(tmp_path, EXERCISE.replace(flat, apart))
    assert load_exercise(home).step("word").checks[0].arguments == {"zone": "mine", "word": "${word}"}


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("points: 40", "points: many", "$.steps[0].points: expected a number"),
        (
            "user: guest, expect: accepted}\n        feedback",
            "user: guest}\n        feedback",
            "'expect' is missing",
        ),
        (
            "kind: username",
            "kind: nickname",
            "$.parameters.clerk.kind: 'nickname' does not fit; choose one of: username, secret",
        ),
        ("minutes: 45", "minutes: 45\nminutos: 3", "$.minutos: unknown key; perhaps 'minutes'?"),
        ("id: small-door", "id: other-door", "id other-door in a folder small-door"),
        ("title: {fr: La porte, en: The door}", "title: {fr: La porte", "not valid YAML"),
    ],
)
def test_an_error_names_file_line_and_place(tmp_path: Path, good: str, bad: str, says: str) -> None:
    assert good in EXERCISE
    home = write_exercise(tmp_path, EXERCISE.replace(good, bad))
    with pytest.raises(InputError) as caught:
        load_exercise(home)
    said = caught.value.text.en
    assert says in said
    assert f"{home}/exercise.yaml:" in said
    assert caught.value.text.fr != said


def test_the_line_of_an_error_is_the_faulty_one(tmp_path: Path) -> None:
    home = write_exercise(tmp_path, EXERCISE.replace("points: 40", "points: many"))
    number = EXERCISE.splitlines().index("    points: 40") + 1
    with pytest.raises(InputError, match=rf"exercise\.yaml:{number}: "):
        load_exercise(home)


def test_exercises_are_found_by_their_place(tmp_path: Path) -> None:
    write_exercise(tmp_path)
    write_exercise(tmp_path, EXERCISE.replace("small-door", "a-door"), name="a-door")
    assert [found.id for found in catalog.exercises(tmp_path)] == ["a-door", "small-door"]
    assert catalog.exercise("a-door", tmp_path).id == "a-door"
    with pytest.raises(NotFoundError, match=r"other.*a-door, small-door"):
        catalog.exercise("other", tmp_path)


def test_a_broken_folder_raises_and_names_itself(tmp_path: Path) -> None:
    write_exercise(tmp_path)
    write_exercise(tmp_path, "schema: [", name="broken-door")
    with pytest.raises(InputError, match=r"broken-door/exercise\.yaml:\d+: not valid YAML"):
        catalog.exercises(tmp_path)


def test_two_exercises_cannot_have_one_id(tmp_path: Path) -> None:
    write_exercise(tmp_path)
    write_exercise(tmp_path, track="detection")
    with pytest.raises(InputError, match="already in"):
        catalog.exercises(tmp_path)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    home = write_exercise(tmp_path)
    assert catalog.exercise("small-door", tmp_path).minutes == 45
    (home / "exercise.yaml").write_text(EXERCISE.replace("minutes: 45", "minutes: 60"), encoding="utf-8")
    assert catalog.exercise("small-door", tmp_path).minutes == 60
