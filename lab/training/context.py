"""What every part of training works with."""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lab.addressed import Addressed, addressing
from lab.catalog import find_line
from lab.labs import Connection, Labs, LabStatus
from lab.store.database import Database
from lab.store.tables import Secret, SittingRow
from lab.training.engine import Engine
from simulators.addressing import Addressing
from simulators.errors import NotFoundError


@dataclass(frozen=True)
class Context:
    """`secret` is what students' parameters and seeds are drawn from; it never leaves the server. `runtime` carries their labs.

    `stock` are the seeds of hidden runs that were played ahead, by exercise (`lab.training.stock`).
    """

    database: Database
    labs: Labs
    engine: Engine
    secret: str
    clock: Callable[[], float] = time.time
    runtime: str = "local"
    stock: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def statuses(self) -> dict[str, LabStatus]:
        """Every lab that the supervisor knows, by name."""
        return {status.name: status for status in self.labs.list()}

    def moved(self, row: SittingRow) -> Addressing:
        """From the addresses that work is kept in, those of the line's files, to those of the sitting's lab."""
        return addressing(find_line(self.engine.exercise(row.exercise).line), self.statuses().get(row.lab))

    def attach(self, row: SittingRow) -> Connection:
        """A way into the sitting's lab, in the addresses that work is kept in. Raises: NotFoundError."""
        return Addressed(self.labs.attach(row.lab), self.moved(row))


def server_secret(database: Database, name: str = "parameters") -> str:
    """This server's secret of that name, made at the first call."""
    wanted = select(Secret.value).where(Secret.name == name)
    with database.read() as session:
        known = session.scalar(wanted)
    if known is not None:
        return known
    try:
        with database.write() as session:
            session.add(Secret(name=name, value=secrets.token_hex(32)))
    except IntegrityError:  # another process was quicker
        pass
    with database.read() as session:
        return session.scalars(wanted).one()


def row_of(session: Session, sitting_id: int) -> SittingRow:
    """Raises: NotFoundError."""
    row = session.get(SittingRow, sitting_id)
    if row is None:
        raise NotFoundError(f"travail {sitting_id} inconnu", f"unknown work {sitting_id}")
    return row
