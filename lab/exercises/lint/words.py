"""What people read: both languages everywhere, and briefs that have the same parts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.exercises.folder import LANGUAGES, brief_name
from lab.exercises.lint.found import Problem, Problems, Subject
from simulators.text import Text

PARTS_MIN = 4
# The task, why it matters, what to know, what is graded: a part says something, it is not a heading alone.
PART_WORDS_MIN = 8
_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)
# French puts a space before these signs.
_TIGHT = re.compile(r"\w[;?!](\s|$)|\w:\s")
_CODE = re.compile(r"`[^`]*`")


def word_problems(subject: Subject) -> Problems:
    """All that is wrong with texts and briefs."""
    for place, text in _texts(subject.document.data, "$"):
        for language in LANGUAGES:
            if not str(text[language]).strip():
                yield subject.wrong(
                    f"{place}.{language}",
                    (f"traduction « {language} » vide", f"translation '{language}' is empty"),
                    ("écrivez-la", "write it"),
                )
        if _TIGHT.search(_CODE.sub("", str(text["fr"]))):
            yield subject.wrong(
                f"{place}.fr",
                (
                    "espace manquante avant « : », « ; », « ? » ou « ! »",
                    "French wants a space before ':', ';', '?' and '!'",
                ),
                ("ajoutez-la", "add it"),
            )
    yield from _briefs(subject.folder)


def _texts(data: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every {fr, en} of the document, with its place."""
    if isinstance(data, dict):
        if set(data) == set(LANGUAGES):
            yield place, data
            return
        for key, value in data.items():
            yield from _texts(value, f"{place}.{key}")
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _texts(value, f"{place}[{number}]")


def _briefs(folder: Path) -> Problems:
    found = {}
    for language in LANGUAGES:
        path = folder / brief_name(language)
        try:
            found[language] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            yield _in_file(
                path,
                1,
                ("énoncé absent ou illisible", "brief missing or unreadable"),
                ("écrivez-le", "write it"),
            )
            continue
        yield from _parts(path, found[language])
    if len(found) == len(LANGUAGES):
        levels = {
            language: [level for level, _title, _body in parts(text)] for language, text in found.items()
        }
        if levels["fr"] != levels["en"]:
            yield _in_file(
                folder / brief_name("en"), 1,
                ("les deux énoncés n'ont pas les mêmes titres", "the two briefs do not have the same headings"),
                ("donnez-leur les mêmes parties, dans le même ordre", "give them the same parts, in the same order"),
            )  # fmt: skip


def _parts(path: Path, text: str) -> Problems:
    every = parts(text)
    if len(every) < PARTS_MIN:
        yield _in_file(
            path, 1,
            (f"{len(every)} partie(s) ; un énoncé enseigne", f"{len(every)} part(s); a brief teaches"),
            ("écrivez contexte, savoirs, travail demandé, ce qui est noté",
             "write the context, what to know, the task, what is graded"),
        )  # fmt: skip
    for position, (level, title, body) in enumerate(every):
        deeper = position + 1 < len(every) and every[position + 1][0] > level
        if not deeper and len(body.split()) < PART_WORDS_MIN:
            yield _in_file(
                path, _line_of(text, title),
                (f"la partie « {title} » est vide", f"part '{title}' is empty"), ("écrivez-la", "write it"),
            )  # fmt: skip


def parts(text: str) -> list[tuple[int, str, str]]:
    """(level, title, body) of each heading of a Markdown text; what looks like one in a block of code is none."""
    hidden = _FENCE.sub(lambda found: found[0].replace("#", " "), text)
    found = list(_HEADING.finditer(hidden))
    ends = [*(match.start() for match in found[1:]), len(hidden)]
    return [(len(m[1]), m[2], hidden[m.end() : end]) for m, end in zip(found, ends, strict=True)]


def _line_of(text: str, title: str) -> int:
    return next(
        (n for n, line in enumerate(text.splitlines(), 1) if line.startswith("#") and title in line), 1
    )


def _in_file(path: Path, line: int, what: tuple[str, str], remedy: tuple[str, str]) -> Problem:
    return Problem(str(path), line, path.name, Text(*what), Text(*remedy))
