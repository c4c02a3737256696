"""The tables. Dates are seconds since 1970; `events` and `evidence` only grow (triggers refuse anything else)."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, MetaData, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# Nothing changes or removes a row of these.
APPEND_ONLY = ("events", "evidence")


class Table(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMING)


class PersonRow(Table):
    """An account. Without `password_hash` only one-time links open it."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    display: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    id_number: Mapped[str] = mapped_column(String(100), default="", index=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), default="fr")
    active: Mapped[bool] = mapped_column(default=True)
    created_unix_s: Mapped[float]


class LoginLink(Table):
    """A one-time login: the token's SHA-256 only."""

    __tablename__ = "login_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_unix_s: Mapped[float]
    used_unix_s: Mapped[float | None]


class LoginFailure(Table):
    """Failed logins by the name that was tried, known or not."""

    __tablename__ = "login_failures"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last_unix_s: Mapped[float]


class CohortRow(Table):
    """A class."""

    __tablename__ = "cohorts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    archived: Mapped[bool] = mapped_column(default=False)
    created_unix_s: Mapped[float]


class Member(Table):
    """A person of a cohort, in the roster's order."""

    __tablename__ = "cohort_members"

    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    position: Mapped[int]


class SittingRow(Table):
    """One person's work on one exercise. `lab_wanted`: it was started, and not stopped since."""

    __tablename__ = "sittings"
    __table_args__ = (Index("ix_sittings_cohort_id_exercise", "cohort_id", "exercise"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    exercise: Mapped[str] = mapped_column(String(48))
    version: Mapped[int]
    cohort_id: Mapped[int | None] = mapped_column(ForeignKey("cohorts.id"))
    lab: Mapped[str] = mapped_column(String(40), unique=True)
    lab_seed: Mapped[int]
    lab_wanted: Mapped[bool] = mapped_column(default=False, index=True)
    opened_unix_s: Mapped[float]
    expires_unix_s: Mapped[float | None]
    closed: Mapped[bool] = mapped_column(default=False)


class Claim(Table):
    """What is being done to a sitting: one thing at a time. It lapses when its holder dies."""

    __tablename__ = "claims"

    sitting_id: Mapped[int] = mapped_column(ForeignKey("sittings.id"), primary_key=True)
    what: Mapped[str] = mapped_column(String(20))
    holder: Mapped[str] = mapped_column(String(32))
    until_unix_s: Mapped[float]


class EventRow(Table):
    """One thing that happened in a sitting."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_sitting_id_id", "sitting_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sittings.id"))
    unix_s: Mapped[float]
    kind: Mapped[str] = mapped_column(String(20))
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class EvidenceRow(Table):
    """The whole report of a check, beside its event, compressed: pages that list events need not read it."""

    __tablename__ = "evidence"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True, autoincrement=False)
    report: Mapped[bytes] = mapped_column(LargeBinary)


class FrozenRow(Table):
    """A trainee's row of the matrix and grade, as they were when the cohort was archived."""

    __tablename__ = "frozen_rows"
    __table_args__ = (UniqueConstraint("cohort_id", "exercise", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(ForeignKey("cohorts.id"))
    exercise: Mapped[str] = mapped_column(String(48))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    frozen_unix_s: Mapped[float]


class Secret(Table):
    """Secrets of this server, such as the one that students' parameters are drawn from."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(128))
