"""The tables keep the figures that are known of the standard, and say what is only recalled."""

from collections import Counter

import pytest

from lab.exercises.references import competences, knows, requirements, standards

# Requirements that apply at SL 1, 2, 3, 4, by foundational requirement.
CUMULATIVE = {
    "IAC": (10, 16, 22, 24), "UC": (8, 12, 21, 24), "SI": (5, 10, 16, 19), "DC": (2, 4, 5, 6),
    "RDF": (4, 6, 10, 11), "TRE": (1, 2, 3, 3), "RA": (7, 10, 13, 13),
}  # fmt: skip


def test_every_requirement_is_there() -> None:
    ids = list(requirements())
    assert len(ids) == 100
    assert sum(" RE " in name for name in ids) == 49


@pytest.mark.parametrize("foundational", CUMULATIVE)
def test_as_many_apply_at_each_level_as_in_the_standard(foundational: str) -> None:
    levels = [r.first_sl for r in requirements().values() if r.foundational == foundational]
    assert tuple(sum(level <= sl for level in levels) for sl in (1, 2, 3, 4)) == CUMULATIVE[foundational]


def test_what_is_only_recalled_says_so() -> None:
    assert Counter(r.mapping for r in requirements().values()) == {"recalled": 81, "checked": 19}
    assert all(bool(r.source) == (r.mapping == "checked") for r in requirements().values())


def test_every_name_is_there_twice() -> None:
    names = [r.name for r in requirements().values()] + [c.name for c in competences().values()]
    assert all(name.fr.strip() and name.en.strip() and name.fr != name.en for name in names)


def test_the_competences_of_the_two_fields() -> None:
    assert Counter(c.field for c in competences().values()) == {"ai": 9, "cyber": 8}


def test_entries_of_standards() -> None:
    assert {"iec62443-3-3", "attack-ics", "ebios-rm", "iso-27001"} <= set(standards())
    assert knows("iec62443-3-3", "SR 7.8")
    assert not knows("iec62443-3-3", "SR 7.9")
    assert knows("attack-ics", "T1692.001")
    assert not knows("attack-ics", "T855")
    assert knows("isa-18.2", "alarm philosophy")
