"""Grades as Moodle imports them: UTF-8, decimal points, points and maximum, an empty cell until a first check."""

import csv
import io
from collections.abc import Iterable

from lab.training.contract import Person
from lab.training.matrix import Graded
from simulators.text import Text

# The columns of Moodle's own grade export, in both languages: its import offers the same words.
EMAIL = Text(fr="Adresse de courriel", en="Email address")
ID_NUMBER = Text(fr="Numéro d'identification", en="ID number")
NAME = Text(fr="Nom", en="Name")
MAXIMUM = Text(fr="Maximum", en="Maximum")


def grades_csv(rows: Iterable[Graded], title: Text) -> str:
    """One row a person; those that Moodle could not find are left out, for one of them aborts its whole import."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([str(EMAIL), str(ID_NUMBER), str(NAME), str(title), str(MAXIMUM)])
    for graded in rows:
        person = graded.row.person
        if unmatched(person):
            continue
        points = number(graded.points) if graded.row.attempts else ""
        writer.writerow(
            [person.email, person.id_number, _plain(person.display), points, number(graded.points_max)]
        )
    return out.getvalue()


def unmatched(person: Person) -> bool:
    """Whether nothing tells Moodle who this is."""
    return not (person.email or person.id_number)


def number(value: float) -> str:
    """`15.5`, whatever the reader's language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _plain(text: str) -> str:
    # A spreadsheet takes a cell that begins so for a formula.
    return f"'{text}" if text[:1] in "=+-@" else text
