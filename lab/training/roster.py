"""A pasted list of people → accounts: `display name[;email[;id number]]`, a line each."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.store.tables import PersonRow
from lab.training.contract import RosterLine
from lab.training.people import new_row
from simulators.errors import InputError
from simulators.text import Text

LINES_MAX, ERRORS_SHOWN = 500, 8
EMAIL = re.compile(r"[\w][^@\s;,<>\"]*@[\w][\w.-]*\.[\w-]+")
ID_NUMBER = re.compile(r"[\w][\w ./-]*")
# What Unicode does not take apart.
LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
NAME_MAX = 36


def read(text: str) -> list[RosterLine]:
    """Each line that is not empty, as it is understood, with what is wrong in it."""
    lines: list[RosterLine] = []
    for number, line in enumerate(text.replace("\ufeff", "").splitlines(), 1):
        fields = [" ".join(part.split()) for part in re.split(r"[;\t]", line)]
        if any(fields):
            display, email, id_number = (*fields, "", "")[:3]
            lines.append(RosterLine(number, display, email, id_number, _fault(fields)))
    return _twice(lines)


def examine(session: Session, lines: Sequence[RosterLine]) -> list[RosterLine]:
    """`lines` with what is wrong with them beside the accounts that there are."""
    seen: dict[int, int] = {}
    made: list[RosterLine] = []
    for line in lines:
        found = [] if line.problem else known(session, line)
        problem = line.problem or _unfit(found) or _already(found, seen)
        seen |= {row.id: line.line for row in found}
        made.append(msgspec.structs.replace(line, problem=problem))
    return made


def check(lines: Sequence[RosterLine]) -> None:
    """Raises: InputError: the list is empty, too long, or has lines with a problem: names them."""
    wrong = [
        Text(fr=f"ligne {line.line} : {line.problem.fr}", en=f"line {line.line}: {line.problem.en}")
        for line in lines
        if line.problem
    ]
    if not lines:
        wrong.append(Text(fr="la liste est vide", en="the list is empty"))
    if len(lines) > LINES_MAX:
        wrong.append(Text(fr=f"{LINES_MAX} personnes au plus", en=f"{LINES_MAX} people at most"))
    if wrong:
        shown, left = wrong[:ERRORS_SHOWN], len(wrong) - ERRORS_SHOWN
        more = f" … (+ {left})" if left > 0 else ""
        raise InputError(
            " · ".join(text.fr for text in shown) + more, " · ".join(text.en for text in shown) + more
        )


def enrol(session: Session, lines: Sequence[RosterLine], now: float) -> list[PersonRow]:
    """The account of each line, found or new, in their order; `lines` were examined and have no problem."""
    # Looked up before any is made: two people of one name are two accounts.
    found = [known(session, line) for line in lines]
    return [_account(session, line, rows, now) for line, rows in zip(lines, found, strict=True)]


def account_name(display: str) -> str:
    """`Jean-Pierre Évrard` → `jean-pierre.evrard`; `trainee` where no Latin letter is left."""
    plain = unicodedata.normalize("NFKD", display.lower().translate(LETTERS))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = re.sub(r"[^a-z0-9-]+", ".", letters)
    name = re.sub(r"^[^a-z]+", "", words)[:NAME_MAX].strip(".-")
    return name if len(name) > 1 else "trainee"


def free_name(session: Session, display: str) -> str:
    """An account name that nobody has."""
    base = account_name(display)
    taken = set(session.scalars(select(PersonRow.name).where(PersonRow.name.startswith(base))))
    return next(name for name in _numbered(base) if name not in taken)


def _numbered(base: str) -> Iterator[str]:
    yield base
    yield from (f"{base}{number}" for number in range(2, 1000))


def known(session: Session, line: RosterLine) -> list[PersonRow]:
    """The accounts that a line may mean: by email, by id number, else by a display name alone."""
    found: dict[int, PersonRow] = {}
    if line.email:
        same = select(PersonRow).where(func.lower(PersonRow.email) == line.email.lower())
        found |= {row.id: row for row in session.scalars(same)}
    if line.id_number:
        same = select(PersonRow).where(PersonRow.id_number == line.id_number)
        found |= {row.id: row for row in session.scalars(same)}
    if found:
        return list(found.values())
    # A known email on either side, and not the same: another person of that name.
    told_apart = bool(line.email or line.id_number)
    same = select(PersonRow).where(PersonRow.display == line.display)
    return [row for row in session.scalars(same) if not told_apart or not (row.email or row.id_number)]


def _account(session: Session, line: RosterLine, found: Sequence[PersonRow], now: float) -> PersonRow:
    if found:
        row = found[0]
        row.email, row.id_number = row.email or line.email, row.id_number or line.id_number
        return row
    name = free_name(session, line.display)
    row = new_row(name, line.display, "trainee", line.email, line.id_number, now)
    session.add(row)
    session.flush()
    return row


def _fault(fields: list[str]) -> Text | None:
    display, email, id_number = (*fields, "", "")[:3]
    if any(fields[3:]):
        return Text(
            fr="plus de trois champs ; gardez nom;adresse;numéro",
            en="more than three fields; keep name;email;id number",
        )
    if not display or len(display) > 120 or not any(sign.isalnum() for sign in display):
        return Text(
            fr="nom manquant ou trop long ; commencez la ligne par un nom de 120 signes au plus",
            en="name missing or too long; begin the line with a name of 120 characters at most",
        )
    if any(not sign.isprintable() for sign in display):
        return Text(
            fr="signe invisible dans le nom ; retapez-le", en="invisible character in the name; type it again"
        )
    if email and (not EMAIL.fullmatch(email) or len(email) > 254):
        return Text(
            fr=f"adresse refusée : {email} ; écrivez-la comme nom@ecole.fr, ou laissez ce champ vide",
            en=f"email refused: {email}; write it as name@school.org, or leave that field empty",
        )
    if id_number and (not ID_NUMBER.fullmatch(id_number) or len(id_number) > 100):
        return Text(
            fr=f"numéro refusé : {id_number} ; lettres, chiffres, espaces, points, tirets et barres seulement",
            en=f"id number refused: {id_number}; letters, digits, spaces, dots, hyphens and slashes only",
        )
    return None


def _twice(lines: list[RosterLine]) -> list[RosterLine]:
    """With a problem on each line that names somebody again."""
    seen: dict[tuple[str, str], int] = {}
    made: list[RosterLine] = []
    for line in lines:
        keys = [("email", line.email.lower()), ("id", line.id_number)]
        if not line.email and not line.id_number:
            keys = [("display", line.display)]
        keys = [key for key in keys if key[1]]
        before = next((seen[key] for key in keys if key in seen), None)
        problem = line.problem or (None if before is None else _same(before))
        seen |= {key: line.line for key in keys if key not in seen}
        made.append(msgspec.structs.replace(line, problem=problem))
    return made


def _already(found: Sequence[PersonRow], seen: dict[int, int]) -> Text | None:
    return next((_same(seen[row.id]) for row in found if row.id in seen), None)


def _same(line: int) -> Text:
    return Text(
        fr=f"la même personne qu'en ligne {line} ; gardez une des deux",
        en=f"the same person as on line {line}; keep one of the two",
    )


def _unfit(found: Sequence[PersonRow]) -> Text | None:
    """Why these accounts cannot be one trainee's."""
    if len(found) > 1:
        names = ", ".join(row.name for row in found)
        return Text(
            fr=f"plusieurs comptes possibles ({names}) ; donnez l'adresse et le numéro d'un seul",
            en=f"several accounts it may be ({names}); give the email and id number of one",
        )
    for row in found:
        if not row.active:
            return Text(
                fr=f"le compte {row.name} est désactivé ; « lab user enable {row.name} »",
                en=f"account {row.name} is disabled; 'lab user enable {row.name}'",
            )
        if row.role != "trainee":
            return Text(
                fr=f"{row.name} est formateur ; ôtez cette ligne, ou donnez une autre adresse",
                en=f"{row.name} is an instructor; remove this line, or give another email",
            )
    return None
