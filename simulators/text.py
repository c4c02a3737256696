"""Words for people, always in French and in English."""

import os
from contextvars import ContextVar
from typing import Literal

import msgspec

Language = Literal["fr", "en"]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence or name in both languages; `str()` gives the reader's one."""

    fr: str
    en: str

    def __str__(self) -> str:
        return self.en if language() == "en" else self.fr

    def in_language(self, code: str) -> str:
        """The words in `code` (`fr` or `en`), French for any other."""
        return self.en if code == "en" else self.fr


def _from_environment() -> Language:
    """`LAB_LANG` if set, else the first of the POSIX locale variables that is set, else French."""
    for name in ("LAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value and value not in {"C", "POSIX", "C.UTF-8"}:
            return "en" if value.lower().startswith("en") else "fr"
    return "fr"


_language: ContextVar[Language | None] = ContextVar("language", default=None)


def language() -> Language:
    """The reader's language: the one set for this context, else the environment's."""
    return _language.get() or _from_environment()


def set_language(code: Language | None) -> None:
    """Choose the language of this context; None goes back to the environment's."""
    _language.set(code)
