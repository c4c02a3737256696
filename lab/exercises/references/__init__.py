"""What exercises refer to: requirements, standards, competences. Tables beside this file; the wording is our own."""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from simulators.document import load
from simulators.text import Text

FOLDER = Path(__file__).parent
TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class Requirement(msgspec.Struct, frozen=True):
    """One system requirement (SR) or enhancement (RE) of IEC 62443-3-3, named in our own words.

    `first_sl` is the security level from which it applies. `mapping` says how that is known: `checked` against
    the public `source`, or `recalled` (only the totals agree), which every surface that shows it must say.
    """

    id: str
    foundational: Literal["IAC", "UC", "SI", "DC", "RDF", "TRE", "RA"]
    first_sl: int
    probe: Literal["yes", "partial", "no"]
    name: Text
    mapping: Literal["checked", "recalled"]
    source: str


class Competence(msgspec.Struct, frozen=True):
    """One of those that courses must cover."""

    id: str
    field: Literal["ai", "cyber"]
    name: Text


@cache
def requirements() -> dict[str, Requirement]:
    """The 51 SR and 49 RE of IEC 62443-3-3, by id (`SR 1.1 RE 2`)."""
    with (FOLDER / "iec62443_3_3.csv").open(encoding="utf-8", newline="") as file:
        rows = [{**row, "name": {"fr": row["fr"], "en": row["en"]}} for row in csv.DictReader(file)]
    return {r.id: r for r in msgspec.convert(rows, list[Requirement], strict=False)}


@cache
def competences() -> dict[str, Competence]:
    """By id (`cryptography`)."""
    groups = load(FOLDER / "competences.yaml", dict[Literal["ai", "cyber"], dict[str, Text]])
    return {
        key: Competence(key, group, name) for group, names in groups.items() for key, name in names.items()
    }


@cache
def standards() -> dict[str, Text]:
    """The standards that an exercise may refer to, by id (`iec62443-3-3`)."""
    return load(FOLDER / "standards.yaml", dict[str, Text])


def knows(standard: str, entry: str) -> bool:
    """Whether `entry` may be an entry of `standard`; only those of IEC 62443-3-3 and ATT&CK are looked at."""
    if standard == "iec62443-3-3":
        return entry in requirements()
    return standard != "attack-ics" or TECHNIQUE.fullmatch(entry) is not None
