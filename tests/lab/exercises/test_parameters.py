import ipaddress
import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.catalog import find_line
from lab.exercises.model import Exercise, Parameter
from lab.exercises.parameters import MASK, drawn, fill, filled, hide, masked, places, visible
from simulators.errors import InputError
from simulators.network.addresses import AddressBook

LINE = find_line("bottling")
SECRET = b"a secret"
KINDS = {
    "who": Parameter(kind="username"),
    "other": Parameter(kind="username"),
    "word": Parameter(kind="secret", length=9),
    "tag": Parameter(kind="choice", of=["Filler.Speed", 3, 2.5]),
    "count": Parameter(kind="integer", range=(5, 9)),
    "rogue": Parameter(kind="address", zone="control"),
    "buried": Parameter(kind="secret", hidden=True),
}

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def every(exercise: Exercise) -> Exercise:
    return msgspec.structs.replace(exercise, parameters=KINDS)


def values(exercise: Exercise, student: str = "s1", secret: bytes = SECRET) -> dict[str, Any]:
    return drawn(exercise, LINE, secret=secret, student=student)


def test_the_same_at_every_launch(every: Exercise) -> None:
    assert values(every) == values(every)


def test_these_values_are_kept_for_good(exercise: Exercise) -> None:
    """A change of the draw would change every student's values under their feet."""
    assert values(exercise) == {"clerk": "sirera69", "word": "iL4xE3PFPn", "buried": "vjnnx438e5wW"}


@pytest.mark.parametrize("change", ["student", "secret", "version", "exercise"])
def test_others_have_other_values(every: Exercise, change: str) -> None:
    other = {
        "student": lambda: values(every, student="s2"),
        "secret": lambda: values(every, secret=b"another"),
        "version": lambda: values(msgspec.structs.replace(every, version=2)),
        "exercise": lambda: values(msgspec.structs.replace(every, id="other-door")),
    }[change]()
    for name in ("who", "word", "buried"):
        assert other[name] != values(every)[name]


def test_a_parameter_more_changes_no_other(every: Exercise) -> None:
    fewer = msgspec.structs.replace(every, parameters={"word": KINDS["word"]})
    assert values(fewer)["word"] == values(every)["word"]


@UNHURRIED
@given(student=st.text(max_size=20))
def test_every_kind_is_what_it_says(student: str) -> None:
    exercise = AN_EXERCISE
    drawn_values = values(exercise, student)
    assert re.fullmatch(r"[a-z]{6}\d\d", str(drawn_values["who"]))
    assert drawn_values["who"] != drawn_values["other"]
    assert re.fullmatch(r"[a-z][A-Za-z0-9]{8}", str(drawn_values["word"]))
    assert any(sign.isdigit() for sign in str(drawn_values["word"]))
    assert any(sign.isupper() for sign in str(drawn_values["word"]))
    assert drawn_values["tag"] in ["Filler.Speed", 3, 2.5]
    assert drawn_values["count"] in range(5, 10)
    assert ipaddress.ip_address(str(drawn_values["rogue"])) in ipaddress.ip_network(
        LINE.zone("control").subnet
    )
    assert drawn_values["rogue"] not in AddressBook(LINE).hosts()


def test_two_addresses_of_a_small_subnet_differ(every: Exercise) -> None:
    names = [f"a{number}" for number in range(200)]
    many = msgspec.structs.replace(every, parameters=dict.fromkeys(names, KINDS["rogue"]))
    found = values(many)
    assert len(set(found.values())) == len(names)


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        (Parameter(kind="choice"), "of: [first, second]"),
        (Parameter(kind="integer"), "range: [1, 6]"),
        (Parameter(kind="integer", range=(3, 2)), "range: [1, 6]"),
        (Parameter(kind="address"), "zone: control"),
        (Parameter(kind="address", zone="moon"), "unknown zone moon"),
    ],
)
def test_what_cannot_be_drawn_is_named(every: Exercise, parameter: Parameter, says: str) -> None:
    with pytest.raises(InputError) as caught:
        values(msgspec.structs.replace(every, parameters={"mine": parameter}))
    assert says in caught.value.text.en


def test_places_are_filled_at_any_depth_and_keep_the_type() -> None:
    tree = {"a": ["${n}", {"${who}": "x ${who} ${n}"}], "b": 3, "c": "$${who} stays"}
    assert fill(tree, {"n": 4, "who": "ann"}) == {"a": [4, {"ann": "x ann 4"}], "b": 3, "c": "${who} stays"}


def test_an_unknown_place_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"\$\{nobody\}.*who"):
        fill("x ${nobody}", {"who": 1})


def test_a_step_is_filled_as_a_whole(exercise: Exercise) -> None:
    step = filled(exercise.step("clerk"), {"clerk": "ann"})
    assert step.text.en == "Refuse ann"
    assert step.checks[0].arguments["user"] == "ann"


def test_hidden_values_are_shown_to_nobody(every: Exercise) -> None:
    found = values(every)
    assert "buried" not in visible(every, found)
    assert masked(every, found)["buried"] == MASK
    assert hide(every, found, f"a {found['buried']} b {found['word']}") == f"a {MASK} b {found['word']}"


@UNHURRIED
@given(
    st.recursive(
        st.text(max_size=12), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
    )
)
def test_what_names_no_place_is_left_alone(tree: Any) -> None:
    if not list(places(tree)) and "$${" not in repr(tree):
        assert fill(tree, {}) == tree


AN_EXERCISE = msgspec.convert(
    {
        "schema": "usine-ecole/exercise/v1", "id": "an-exercise", "track": "awareness", "level": "awareness",
        "sector": "health", "line": "bottling", "title": {"fr": "a", "en": "a"}, "summary": {"fr": "a", "en": "a"},
        "minutes": 45, "competences": ["cryptography"],
        "steps": [{"id": "a", "name": {"fr": "a", "en": "a"}, "text": {"fr": "a", "en": "a"}, "points": 1,
                   "checks": [{"probe": "a", "expect": "b"}]}],
        "tests": [{"solution": "none"}], "parameters": msgspec.to_builtins(KINDS),
    },
    Exercise,
)  # fmt: skip
