"""One thing at a time is done to a sitting. A claim lapses by itself when the process that held it dies."""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lab.store.database import Database
from lab.store.tables import Claim
from lab.training.context import Context
from simulators.errors import InputError
from simulators.text import Text

Work = Literal["check", "start", "stop", "reset", "configure", "warm"]
LEASE_S, RENEW_S = 20.0, 5.0
WORDS: dict[str, Text] = {
    "check": Text(fr="une vérification est en cours", en="a check is under way"),
    "start": Text(fr="le labo démarre", en="the lab is starting"),
    "stop": Text(fr="le labo s'arrête", en="the lab is stopping"),
    "reset": Text(fr="une remise à l'état initial est en cours", en="a reset is under way"),
    "configure": Text(fr="une configuration s'applique", en="a configuration is being applied"),
    "warm": Text(fr="la ligne monte en température", en="the line is warming up"),
}


@contextmanager
def claim(context: Context, sitting_id: int, work: Work) -> Iterator[None]:
    """Hold the sitting for the block. Raises: InputError: something else is being done to it."""
    holder = secrets.token_hex(16)
    _take(context, sitting_id, work, holder)
    ended = threading.Event()
    renewal = threading.Thread(
        target=_renew, args=(context.database, context.clock, sitting_id, holder, ended), daemon=True
    )
    renewal.start()
    try:
        yield
    finally:
        ended.set()
        renewal.join()
        with context.database.write() as session:
            session.execute(delete(Claim).where(Claim.sitting_id == sitting_id, Claim.holder == holder))


def claimed(session: Session, sittings: Sequence[int], now: float) -> dict[int, str]:
    """What is being done, by sitting."""
    alive = select(Claim).where(Claim.sitting_id.in_(sittings), Claim.until_unix_s >= now)
    return {row.sitting_id: row.what for row in session.scalars(alive)}


def _take(context: Context, sitting_id: int, work: Work, holder: str) -> None:
    now = context.clock()
    mine = Claim(sitting_id=sitting_id, what=work, holder=holder, until_unix_s=now + LEASE_S)
    try:
        with context.database.write() as session:
            session.execute(delete(Claim).where(Claim.sitting_id == sitting_id, Claim.until_unix_s < now))
            session.add(mine)
    except IntegrityError as error:
        with context.database.read() as session:
            doing = WORDS.get(claimed(session, [sitting_id], now).get(sitting_id, ""), WORDS["check"])
        raise InputError(f"{doing.fr} ; attendez sa fin", f"{doing.en}; wait for its end") from error


def _renew(
    database: Database, clock: Callable[[], float], sitting_id: int, holder: str, ended: threading.Event
) -> None:
    while not ended.wait(RENEW_S):
        with database.write() as session:
            session.execute(
                update(Claim)
                .where(Claim.sitting_id == sitting_id, Claim.holder == holder)
                .values(until_unix_s=clock() + LEASE_S)
            )
