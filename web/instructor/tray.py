"""One-time links, kept just long enough to be handed out: the database has only their hashes."""

import secrets
import threading
import time
from collections.abc import Callable

import msgspec
from flask import current_app

from lab.training.contract import Link
from simulators.errors import NotFoundError
from web.session import current_person

KEPT_S = 1800.0
KEPT_MAX = 64


class Handful(msgspec.Struct, frozen=True):
    """The links of one moment, for the instructor who made them."""

    cohort: int
    owner: int
    links: list[Link]
    until_s: float


class Tray:
    """In memory only: a restart of the pages, or half an hour, and the links must be renewed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._handfuls: dict[str, Handful] = {}

    def put(self, cohort: int, owner: int, links: list[Link]) -> str:
        """The key to see them again."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            alive = {k: h for k, h in self._handfuls.items() if h.until_s > self._clock()}
            self._handfuls = dict(list(alive.items())[-KEPT_MAX + 1 :])
            self._handfuls[key] = Handful(cohort, owner, links, self._clock() + KEPT_S)
        return key

    def find(self, key: str, cohort: int, owner: int) -> list[Link]:
        """Raises: NotFoundError: too late, or somebody else's."""
        with self._lock:
            found = self._handfuls.get(key)
        if found is None or (found.cohort, found.owner) != (cohort, owner) or found.until_s <= self._clock():
            raise NotFoundError(
                "ces liens ne sont plus affichés ; renouvelez-les depuis la page de la cohorte",
                "these links are shown no longer; renew them from the cohort's page",
            )
        return found.links


def tray() -> Tray:
    """That of the application that serves this request."""
    given = current_app.extensions["usine_ecole_links"]
    assert isinstance(given, Tray)
    return given


def put(cohort_id: int, links: list[Link]) -> str:
    return tray().put(cohort_id, current_person().id, links)


def find(cohort_id: int, key: str) -> list[Link]:
    """Raises: NotFoundError."""
    return tray().find(key, cohort_id, current_person().id)
