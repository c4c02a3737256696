import inspect
from typing import Any

import pytest

from simulators import errors
from simulators.text import Text, language, set_language


@pytest.fixture(autouse=True)
def environment_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    set_language(None)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("LANG", "en_GB.UTF-8", "en"),
        ("LANG", "fr_FR.UTF-8", "fr"),
        ("LANG", "C.UTF-8", "fr"),
        ("LANG", "de_DE", "fr"),
        ("LAB_LANG", "en", "en"),
    ],
)
def test_environment_chooses_the_language(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert language() == expected


def test_lab_lang_wins_over_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "fr_FR")
    monkeypatch.setenv("LAB_LANG", "en")
    assert str(Text(fr="cuve", en="tank")) == "tank"


def test_french_is_first() -> None:
    assert str(Text(fr="cuve", en="tank")) == "cuve"


def test_an_error_speaks_the_readers_language() -> None:
    error = errors.InputError("vanne inconnue", "unknown valve")
    assert str(error) == "vanne inconnue"
    set_language("en")
    assert str(error) == "unknown valve"


def test_no_error_can_be_made_in_one_language_only() -> None:
    kinds: list[Any] = [
        k for k in vars(errors).values() if inspect.isclass(k) and issubclass(k, errors.UsineError)
    ]
    assert len(kinds) >= 5
    for kind in kinds:
        with pytest.raises(TypeError):
            kind("seulement en français")
