"""What does not fit a type is said in both languages, at its place, with what is allowed there."""

import contextlib
import re
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.errors import InputError
from simulators.text import Text
from simulators.validation import UnfitError, decoded, fitted, misfits, written


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first: int
    last: int = 9

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UnfitError(("à l'envers", "reversed"), ("échangez-les", "swap them"), field="last")


class Go(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="go"):
    metres: float


class Halt(msgspec.Struct, frozen=True, tag_field="do", tag="halt"):
    pass


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of each shape that a configuration has."""

    mode: Literal["RUN", "STOP"] = "RUN"
    colour: Colour | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    share: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    loaded: bool = False
    word: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", max_length=4)] = "a"
    names: Annotated[list[str], msgspec.Meta(max_length=1)] = []
    pair: tuple[float, float] = (0.0, 1.0)
    ranges: dict[int, list[Range]] = {}
    step: Go | Halt | None = None
    who: str | list[str] = ""
    title: Text | None = None


def found(data: Any) -> list[tuple[str, str, str]]:
    return [(written(each.place), each.text.fr, each.text.en) for each in misfits(data, Order)]


@pytest.mark.parametrize(
    ("data", "place", "fr", "en"),
    [
        ({"mode": "FLY"}, "$.mode", "« FLY » ne convient pas ; choisissez parmi : RUN, STOP",
         "'FLY' does not fit; choose one of: RUN, STOP"),
        ({"colour": "blue"}, "$.colour", "choisissez parmi : red, green", "choose one of: red, green"),
        ({"count": 12}, "$.count", "il faut un entier de 1 à 9, et non 12", "expected a whole number from 1 to 9, not 12"),
        ({"count": None}, "$.count", "et non rien", "not nothing"),
        ({"share": 0}, "$.share", "un nombre plus grand que 0", "a number above 0, not 0"),
        ({"loaded": "yes"}, "$.loaded", "il faut true ou false", "expected true or false, not 'yes'"),
        ({"word": "A"}, "$.word", "de la forme ^[a-z]+$", "a text of at most 4 characters of the form ^[a-z]+$"),
        ({"names": ["a", "b"]}, "$.names", "d'au plus 1 valeur, et non une liste de 2", "at most 1 value, not a list of 2"),
        ({"names": [3]}, "$.names[0]", "il faut un texte, et non 3", "expected a text, not 3"),
        ({"pair": [1]}, "$.pair", "une liste de 2 valeurs", "a list of 2 values"),
        ({"pair": [1, "x"]}, "$.pair[1]", "il faut un nombre", "expected a number"),
        ({"ranges": {"x": []}}, "$.ranges.x", "clé : il faut un entier", "key: expected a whole number, not 'x'"),
        ({"ranges": {3: [{"first": "x"}]}}, "$.ranges.3[0].first", "un entier", "a whole number"),
        ({"ranges": {3: [{"first": 9, "last": 1}]}}, "$.ranges.3[0].last", "à l'envers ; échangez-les", "reversed; swap them"),
        ({"ranges": {3: [{}]}}, "$.ranges.3[0]", "« first » manque ; ajoutez cette clé", "'first' is missing; add that key"),
        ({"step": {"do": "fly"}}, "$.step.do", "choisissez parmi : go, halt", "choose one of: go, halt"),
        ({"step": {"do": []}}, "$.step.do", "choisissez parmi : go, halt", "choose one of: go, halt"),
        ({"step": {"do": "go", "metres": "far"}}, "$.step.metres", "un nombre", "a number"),
        ({"step": {"do": "go", "metres": 1, "feet": 3}}, "$.step.feet", "clé inconnue", "unknown key"),
        ({"step": {}}, "$.step", "« do » manque", "'do' is missing"),
        ({"who": [3]}, "$.who[0]", "un texte", "a text"),
        ({"who": 3}, "$.who", "un texte ou une liste", "a text or a list"),
        ({"title": {"fr": "a"}}, "$.title", "traduction « en » absente", "translation 'en' is missing"),
        ({"modes": 1}, "$.modes", "clé inconnue ; peut-être « mode » ? clés permises : mode, colour",
         "unknown key; perhaps 'mode'? keys allowed: mode, colour"),
        ([], "$", "il faut des clés et leurs valeurs, et non une liste vide", "expected keys with their values"),
    ],
)  # fmt: skip
def test_each_misfit_is_placed_and_explained(data: Any, place: str, fr: str, en: str) -> None:
    (only,) = found(data)
    assert only[0] == place
    assert fr in only[1]
    assert en in only[2]


def test_all_misfits_are_found_at_once() -> None:
    places = [place for place, _fr, _en in found({"mode": "FLY", "count": 0, "names": [1], "x": 1})]
    assert places == ["$.mode", "$.count", "$.names[0]", "$.x"]


def test_data_that_fit_have_no_misfit() -> None:
    assert found({"ranges": {3: [{"first": 1}]}, "step": {"do": "halt"}, "who": ["a"], "colour": "red"}) == []


def test_an_argument_is_named() -> None:
    with pytest.raises(InputError) as caught:
        fitted(None, float, "speed : speed", "speed: speed")
    assert caught.value.text == Text(
        fr="speed : speed : il faut un nombre, et non rien ; corrigez cette valeur",
        en="speed: speed: expected a number, not nothing; correct that value",
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"mode": '])
def test_what_is_no_json_is_refused_in_both_languages(body: bytes) -> None:
    with pytest.raises(InputError, match="JSON") as caught:
        decoded(body, Order, "action", "action")
    assert caught.value.text.fr.startswith("action : ce n'est pas du JSON")


def test_a_body_of_another_shape_names_the_place() -> None:
    with pytest.raises(InputError) as caught:
        decoded(b'{"names": ["a", 3]}', Order, "action", "action")
    assert caught.value.text.en.startswith("action: names[1]: expected a text, not 3")
    assert decoded(b'{"mode": "STOP"}', Order, "action", "action").mode == "STOP"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mode", "ranges", "step", "do", "who", "first", "zz"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(plain)
def test_whatever_is_refused_is_explained_without_the_librarys_words(data: Any) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(fitted(data, Order, "x", "x"), Order)
        return
    (first, *_) = found(data)
    assert not re.search(r"Expected|Invalid|Object|`", first[1] + first[2])
