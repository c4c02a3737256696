"""Accounts: who may log in, by password or by a link that opens once."""

import hashlib
import math
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Literal

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lab.store.database import Database
from lab.store.tables import LoginFailure, LoginLink, PersonRow
from lab.training.contract import Link, Person, Role
from lab.training.passwords import Cost, check_policy, hash_password, nobodys_hash, verify_password
from simulators.errors import InputError, NotFoundError

NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")
LINK_MINUTES = 15.0
# The first failures cost nothing; each further one doubles the wait. No longer: a neighbour must not shut one out.
FREE_FAILURES, WAIT_S, WAIT_MAX_S = 5, 15.0, 120.0
FORGET_FAILURES_S = 3600.0
OWNER = "local"

Clock = Callable[[], float]


class TrainingPeople:
    """Keeps `lab.training.contract.People` over one database. `cost` is that of password hashes."""

    def __init__(self, database: Database, clock: Clock = time.time, cost: Cost = Cost()) -> None:  # noqa: B008
        self._database = database
        self._clock = clock
        self._cost = cost
        self._nobody = nobodys_hash(cost)

    def add(
        self,
        name: str,
        display: str = "",
        role: Role = "trainee",
        email: str = "",
        id_number: str = "",
        password: str | None = None,
        language: Literal["fr", "en"] = "fr",
    ) -> Person:
        """A new account. Raises: InputError: a name that cannot be, or is taken; a password too weak."""
        hashed = None if password is None else self._hashed(password, name)
        row = new_row(name, display, role, email, id_number, self._clock())
        row.password_hash, row.language = hashed, language
        try:
            with self._database.write() as session:
                session.add(row)
        except IntegrityError as error:
            raise InputError(
                f"{name} : ce compte existe déjà ; choisissez un autre nom",
                f"{name}: this account exists already; choose another name",
            ) from error
        return person_of(row)

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._database.read() as session:
            return [person_of(row) for row in session.scalars(select(PersonRow).order_by(PersonRow.name))]

    def person(self, person_id: int) -> Person:
        """Raises: NotFoundError."""
        with self._database.read() as session:
            row = session.get(PersonRow, person_id)
        if row is None:
            raise NotFoundError(f"compte {person_id} inconnu", f"unknown account {person_id}")
        return person_of(row)

    def named(self, name: str) -> Person:
        """Raises: NotFoundError."""
        row = self._row(name.strip().lower())
        if row is None:
            raise NotFoundError(
                f"compte {name} inconnu ; voyez « lab user list »",
                f"unknown account {name}; see 'lab user list'",
            )
        return person_of(row)

    def owner(self) -> Person:
        """The account of whoever runs `lab up` on this machine: an instructor, who may also work as a trainee."""
        try:
            return self.named(OWNER)
        except NotFoundError:
            pass
        try:
            return self.add(OWNER, "Usine-École", "instructor")
        except InputError:  # another process was quicker
            return self.named(OWNER)

    def authenticate(self, name: str, password: str) -> Person:
        """The active account of that name and password.

        Raises:
            InputError: wrong, or too many failures; the same words, and time, whether the name exists or not.
        """
        known = name.strip().lower()
        self._count_attempt(known)
        row = self._row(known)
        right = verify_password(password, (row and row.password_hash) or self._nobody)
        if row is None or not right or not row.active or row.password_hash is None:
            raise InputError("nom ou mot de passe refusé", "name or password refused")
        with self._database.write() as session:
            session.execute(delete(LoginFailure).where(LoginFailure.name == _key(known)))
        return person_of(row)

    def link(self, person: Person, minutes: float = LINK_MINUTES) -> Link:
        """A login that works once, within `minutes`."""
        return self.links([person], minutes)[0]

    def links(self, people: Sequence[Person], minutes: float = LINK_MINUTES) -> list[Link]:
        """One for each, in their order."""
        now = self._clock()
        made = [Link(person, secrets.token_urlsafe(24), now + 60 * minutes) for person in people]
        with self._database.write() as session:
            session.execute(delete(LoginLink).where(LoginLink.expires_unix_s < now - 86400))
            session.add_all(
                LoginLink(
                    person_id=link.person.id,
                    token_hash=_hash(link.token),
                    expires_unix_s=link.expires_unix_s,
                )
                for link in made
            )
        return made

    def enter(self, token: str) -> Person | None:
        """Who a one-time link is for, and it is spent; None if it never was, was used, or is out of date."""
        now = self._clock()
        spend = (
            update(LoginLink)
            .where(LoginLink.token_hash == _hash(token), LoginLink.used_unix_s.is_(None))
            .where(LoginLink.expires_unix_s > now)
            .values(used_unix_s=now)
        )
        with self._database.write() as session:
            done = session.execute(spend)
            assert isinstance(done, CursorResult)
            if done.rowcount != 1:
                return None
            mine = select(PersonRow).join(LoginLink).where(LoginLink.token_hash == _hash(token))
            row = session.scalars(mine).one()
        return person_of(row) if row.active else None

    def set_password(self, person: Person, password: str) -> None:
        """Raises: InputError: against the policy."""
        hashed = self._hashed(password, person.name)
        self._change(person, password_hash=hashed)

    def set_active(self, person: Person, active: bool) -> None:
        """One that is not active cannot log in; its work stays. Links that were not used are void."""
        self._change(person, active=active)
        if not active:
            with self._database.write() as session:
                session.execute(delete(LoginLink).where(LoginLink.person_id == person.id))

    def _row(self, name: str) -> PersonRow | None:
        if not NAME.fullmatch(name):  # PostgreSQL would refuse some
            return None
        with self._database.read() as session:
            return session.scalar(select(PersonRow).where(PersonRow.name == name))

    def _change(self, person: Person, **values: object) -> None:
        with self._database.write() as session:
            session.execute(update(PersonRow).where(PersonRow.id == person.id).values(**values))

    def _hashed(self, password: str, name: str) -> str:
        check_policy(password, name)
        return hash_password(password, self._cost)

    def _count_attempt(self, name: str) -> None:
        """Counted before it is tried, so that many tries at once are many failures."""
        now = self._clock()
        with self._database.write() as session:
            session.execute(delete(LoginFailure).where(LoginFailure.last_unix_s < now - FORGET_FAILURES_S))
            row = _failures(session, name, now)
            wait_s = row.last_unix_s + _wait_s(row.count) - now
            if wait_s <= 0:
                row.count += 1
                row.last_unix_s = now
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            raise InputError(
                f"trop d'essais ; recommencez dans {seconds} s",
                f"too many attempts; try again in {seconds} s",
            )


def _failures(session: Session, name: str, now: float) -> LoginFailure:
    """Its row, locked until the transaction ends."""
    try:
        with session.begin_nested():
            if session.get(LoginFailure, _key(name)) is None:
                session.add(LoginFailure(name=_key(name), count=0, last_unix_s=now))
    except IntegrityError:  # another one was quicker
        pass
    mine = select(LoginFailure).where(LoginFailure.name == _key(name)).with_for_update()
    return session.scalars(mine.execution_options(populate_existing=True)).one()


def new_row(name: str, display: str, role: Role, email: str, id_number: str, now: float) -> PersonRow:
    """An account that is not in the database yet. Raises: InputError: something in it cannot be."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name} : nom de compte refusé ; une minuscule, puis minuscules, chiffres, points et tirets, "
            "2 à 40 signes",
            f"{name}: not an account's name; a lower-case letter, then lower-case letters, digits, dots and "
            "hyphens, 2 to 40 characters",
        )
    return PersonRow(
        name=name,
        display=_short(display or name, 120),
        role=role,
        email=_short(email, 254),
        id_number=_short(id_number, 100),
        active=True,
        language="fr",
        created_unix_s=now,
    )


def person_of(row: PersonRow) -> Person:
    """The account as everybody else sees it."""
    return Person(
        id=row.id,
        name=row.name,
        display=row.display,
        role="instructor" if row.role == "instructor" else "trainee",
        email=row.email,
        id_number=row.id_number,
        active=row.active,
        language="en" if row.language == "en" else "fr",
    )


def people_of(session: Session, ids: Sequence[int]) -> dict[int, Person]:
    """Accounts by their id."""
    rows = session.scalars(select(PersonRow).where(PersonRow.id.in_(ids)))
    return {row.id: person_of(row) for row in rows}


def _short(text: str, limit: int) -> str:
    # PostgreSQL refuses NUL, and no name needs a line's end.
    clean = " ".join(text.replace("\0", " ").split())
    if len(clean) > limit:
        raise InputError(
            f"{clean[:20]}… : {limit} signes au plus", f"{clean[:20]}…: {limit} characters at most"
        )
    return clean


def _wait_s(failures: int) -> float:
    return (
        0.0 if failures < FREE_FAILURES else min(WAIT_S * 2 ** min(failures - FREE_FAILURES, 10), WAIT_MAX_S)
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(name: str) -> str:
    # What was tried may be anything, a password typed in the wrong field too.
    return _hash(name)
