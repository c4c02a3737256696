import contextlib
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
    assert refusal(text).startswith("skid.yaml:4: $.valves[1].opening_pct: Expected `float`")


def test_an_unknown_key_is_refused() -> None:
    assert "openning" in refusal("valves:\n  - {name: V1, openning: 3}\n")


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
