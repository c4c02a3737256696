import contextlib
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.document import LIMIT_BYTES, load, loads
from simulators.errors import InputError


class Valve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    opening_pct: float = 0.0


class Skid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    valves: list[Valve] = []


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        loads(text, Skid, "skid.yaml")
    assert caught.value.text.fr != caught.value.text.en
    return caught.value.text.en


def test_a_document_becomes_a_spec() -> None:
    skid = loads("valves:\n  - {name: V1, opening_pct: 20}\n", Skid, "skid.yaml")
    assert skid == Skid([Valve("V1", 20.0)])


def test_a_wrong_value_names_file_line_and_path() -> None:
    text = "valves:\n  - name: V1\n  - name: V2\n    opening_pct: wide\n"
    assert refusal(text).startswith("skid.yaml:4: $.valves[1].opening_pct: expected a number, not 'wide'")


def test_an_unknown_key_is_refused_at_its_own_line_with_those_allowed() -> None:
    said = refusal("valves:\n  - name: V1\n    opening: 3\n")
    assert said.startswith("skid.yaml:3: $.valves[0].opening: unknown key; perhaps 'opening_pct'? ")
    assert said.endswith("keys allowed: name, opening_pct")


def test_an_unknown_key_is_not_placed_at_the_value_below_it() -> None:
    assert refusal("valves: []\npumps:\n\n  - 1\n").startswith("skid.yaml:2: $.pumps: unknown key")


def test_a_key_among_keys_of_ones_own_is_shown() -> None:
    with pytest.raises(InputError) as caught:
        loads("north:\n  - name: V1\nsouth:\n  - name: 3\n", dict[str, list[Valve]], "site.yaml")
    assert caught.value.text.en.startswith("site.yaml:4: $.south[0].name: expected a text, not 3")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("valves: a: b\n", "unexpected ':'"),
        ("valves: [1\n", "close the bracket"),
        ("valves:\n\t- 1\n", "tab"),
        ("valves: 'V1\n", "never closed"),
        ("valves: *V1\n", "alias '*'"),
        ("a\nb: 1\n", "':'"),
    ],
)
def test_a_syntax_error_says_what_to_do_in_both_languages(text: str, says: str) -> None:
    assert says in refusal(text)
    with pytest.raises(InputError) as caught:
        loads(text, Skid, "skid.yaml")
    assert not re.search(r"\b(found|expected|the|not)\b", caught.value.text.fr)


def test_a_syntax_error_names_its_line() -> None:
    assert refusal("valves:\n  - {name: V1\n").startswith("skid.yaml:3: not valid YAML")


def test_an_object_that_yaml_could_build_is_not_built() -> None:
    assert "not valid YAML" in refusal("valves: !!python/object/apply:os.system [true]\n")


def test_too_large_a_file_is_refused_before_it_is_parsed() -> None:
    assert "make the file smaller" in refusal("#" * (LIMIT_BYTES + 1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        load(tmp_path / "absent.yaml", Skid)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.yaml"):
        load(path, Skid)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_spec_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(loads(text, Skid, "x"), Skid)
