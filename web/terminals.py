"""The terminals that pages look at, in the memory of this process: opened, followed, typed into, ended when nobody needs them.

Each is read in a thread of its own, no faster than who looks at it: the rest waits in the shell. What it showed last is kept for
who comes back. What is typed goes to the shell and nowhere else.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from typing import Literal

from lab.labs import Labs
from lab.training.contract import Person
from simulators.errors import InputError, NotFoundError, StartError, UsineError
from simulators.workstation.frames import DATA, END, Frames, frame, size

Why = Literal["ended", "idle", "left", "closed", "taken", "stopped", "restarting", "workstation"]
# What a workstation says when it ends a terminal itself.
SAID: dict[bytes, Why] = {b"ended": "ended", b"idle": "idle", b"left": "workstation"}
READ_BYTES = 16 << 10
LOOK_S = 1.0
# A lab that is being stopped loses its workstation first: one that still answers so much later is not.
STAYS_S = 5.0
STOPPING_LIMIT_S = 90.0
ENDED_MAX = 32


@dataclass(frozen=True)
class TerminalLimits:
    """`idle_s` without typing, warned `warning_s` before, or `grace_s` with nobody looking, end a terminal.

    `backlog_bytes` of what it showed are kept; at most `window_bytes` are on their way to a reader who has not said that they
    were seen. The rest is how many there may be.
    """

    idle_s: float = 900.0
    warning_s: float = 60.0
    grace_s: float = 60.0
    window_bytes: int = 64 << 10
    backlog_bytes: int = 128 << 10
    of_person: int = 3
    of_lab: int = 4
    of_all: int = 64


@dataclass(frozen=True)
class Output:
    """Bytes shown; `at` is how many there were by their end, since the terminal was opened."""

    at: int
    data: bytes


@dataclass(frozen=True)
class Again:
    """What comes now is not what follows the last: the screen begins anew."""


@dataclass(frozen=True)
class Warned:
    """It will be ended in `seconds` unless somebody types; None: somebody has."""

    seconds: int | None


@dataclass(frozen=True)
class Lost:
    """Its workstation went without a word; why is being looked for."""


@dataclass(frozen=True)
class Over:
    """The last one."""

    why: Why


News = Output | Again | Warned | Lost | Over


class Terminal:
    """One shell, for the person who opened it. `end` is ours to close; `lost` tells why it closed without a word."""

    def __init__(
        self,
        lab: str,
        person: int,
        end: socket,
        limits: TerminalLimits,
        clock: Callable[[], float],
        lost: Callable[[], Why],
        ended: Callable[["Terminal"], None],
    ) -> None:
        self.id, self.lab, self.person = secrets.token_urlsafe(16), lab, person
        self.why: Why | None = None
        self._end, self._limits, self._clock = end, limits, clock
        self._lost, self._ended = lost, ended
        self._news, self._sending = threading.Condition(), threading.Lock()
        self._kept = bytearray()
        self._at = self._seen = 0  # bytes shown, and of these seen, since the beginning
        self._typed_s = clock()
        self._left_s: float | None = clock()
        self._viewer = 0
        self._closing = self._gone = False
        end.settimeout(LOOK_S)
        threading.Thread(target=self._keep, daemon=True, name=f"terminal {lab}").start()

    def type(self, text: str) -> None:
        """Raises: NotFoundError: it is over."""
        self._send(frame(DATA, text.encode()))
        with self._news:
            self._typed_s = self._clock()

    def resize(self, columns: int, rows: int) -> None:
        """Harmless once it is over: a window may be resized then too. Raises: InputError: no window is so large."""
        wanted = size(columns, rows)
        with contextlib.suppress(NotFoundError):
            self._send(wanted)

    def saw(self, at: int) -> None:
        """Who looks has shown all up to `at` bytes: as many more may come."""
        with self._news:
            self._seen = min(max(self._seen, at), self._at)
            self._news.notify_all()

    def close(self) -> None:
        """End the shell; harmless twice."""
        with self._news:
            self._closing = True
            self._news.notify_all()

    def follow(self, after: int | None) -> Iterator[News | None]:
        """What it shows, from `after` bytes on where that is still kept, else all that is; None now and then.

        Who looked until now is told that somebody else does.
        """
        with self._news:
            self._viewer += 1
            mine, self._left_s = self._viewer, None
            first = self._at - len(self._kept)
            at = after if after is not None and first <= after <= self._at else first
            self._seen = at
            self._news.notify_all()
        warned = gone = False
        try:
            if at != after:
                yield Again()
            while True:
                with self._news:
                    if self._at == at and self.why is None and self._viewer == mine:
                        self._news.wait(LOOK_S)
                    taken, why = self._viewer != mine, self.why
                    news_of_loss = self._gone and not gone
                    at = max(at, self._at - len(self._kept))
                    data = bytes(self._kept[len(self._kept) - (self._at - at) :])[:READ_BYTES]
                    left_s = self._limits.idle_s - (self._clock() - self._typed_s)
                if taken:
                    yield Over("taken")
                    return
                if data:
                    at += len(data)
                    yield Output(at, data)
                elif why:
                    yield Over(why)
                    return
                elif news_of_loss:
                    gone = True
                    yield Lost()
                elif warned != (left_s <= self._limits.warning_s):
                    warned = not warned
                    yield Warned(max(1, round(left_s)) if warned else None)
                else:
                    yield None
        finally:
            with self._news:
                if self._viewer == mine:
                    self._left_s = self._clock()

    def _send(self, message: bytes) -> None:
        try:
            with self._sending:
                if self.why is not None:
                    raise OSError("over")
                self._end.sendall(message)
        except OSError as error:
            # Half a message may have gone: nothing more can follow it.
            with contextlib.suppress(OSError):
                self._end.shutdown(SHUT_RDWR)
            raise NotFoundError(
                "ce terminal est terminé ; ouvrez-en un autre", "this terminal is over; open another one"
            ) from error

    def _keep(self) -> None:
        """Reads until it is over."""
        why = self._read()
        with self._sending, self._news:
            self.why = why
            self._end.close()
            self._news.notify_all()
        self._ended(self)

    def _read(self) -> Why:
        frames = Frames()
        try:
            while True:
                if why := self._due():
                    return why
                if not self._room():
                    continue
                try:
                    data = self._end.recv(READ_BYTES)
                except TimeoutError:
                    continue
                if not data:
                    break
                for kind, content in frames.feed(data):
                    if kind == DATA:
                        self._show(content)
                    elif kind == END:
                        return SAID.get(content, "workstation")
        except (OSError, ValueError):
            pass
        if why := self._due():
            return why
        with self._news:
            self._gone = True
            self._news.notify_all()
        return self._lost()

    def _due(self) -> Why | None:
        """Why it is to be ended now, if it is."""
        with self._news:
            now, left_s = self._clock(), self._left_s
            if self._closing:
                return "closed"
            if now - self._typed_s >= self._limits.idle_s:
                return "idle"
            return "left" if left_s is not None and now - left_s >= self._limits.grace_s else None

    def _room(self) -> bool:
        """Whether more may be read; waits a little for it."""
        with self._news:
            return self._news.wait_for(
                lambda: self._closing or self._at - self._seen < self._limits.window_bytes, LOOK_S
            )

    def _show(self, data: bytes) -> None:
        with self._news:
            self._kept += data
            del self._kept[: max(0, len(self._kept) - self._limits.backlog_bytes)]
            self._at += len(data)
            self._news.notify_all()


class Terminals:
    """All of this process. Those that ended last are kept too, for who comes back to ask why."""

    def __init__(
        self, labs: Labs, limits: TerminalLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._labs, self._limits, self._clock = labs, limits, clock
        self._known: dict[str, Terminal] = {}
        self._places: list[tuple[str, int]] = []
        self._lock = threading.Lock()

    def open(self, lab: str, zone: str, person: Person, columns: int, rows: int) -> Terminal:
        """A new shell on the lab's workstation in a zone.

        Raises:
            InputError: there are as many as there may be.
            UsineError: the lab has none to offer (`lab.labs.Labs.terminal`).
        """
        size(columns, rows)
        place = (lab, person.id)
        self._take(place)
        try:
            end = self._labs.terminal(lab, zone, columns, rows)
        except BaseException:
            self._give_back(place)
            raise
        terminal = Terminal(
            lab, person.id, end, self._limits, self._clock, lambda: self._lost(lab), self._ended
        )
        with self._lock:
            self._known[terminal.id] = terminal
        return terminal

    def find(self, lab: str, person: Person, terminal_id: str) -> Terminal:
        """One that the person opened there. Raises: NotFoundError."""
        with self._lock:
            found = self._known.get(terminal_id)
        if found is None or (found.lab, found.person) != (lab, person.id):
            raise NotFoundError(
                "ce terminal n'existe plus ; ouvrez-en un autre",
                "this terminal does not exist any more; open another one",
            )
        return found

    def _take(self, place: tuple[str, int]) -> None:
        limits, (lab, person) = self._limits, place
        with self._lock:
            for taken, limit, fr, en in (
                (sum(p == person for _, p in self._places), limits.of_person, "pour vous", "of yours"),
                (sum(name == lab for name, _ in self._places), limits.of_lab, f"sur {lab}", f"on {lab}"),
                (len(self._places), limits.of_all, "sur ce serveur", "on this server"),
            ):
                if taken >= limit:
                    raise InputError(
                        f"{taken} terminaux sont déjà ouverts {fr}, c'est le plus possible ; fermez-en un",
                        f"{taken} terminals {en} are open already, as many as there may be; close one",
                    )
            self._places.append(place)

    def _give_back(self, place: tuple[str, int]) -> None:
        with self._lock:
            self._places.remove(place)

    def _ended(self, terminal: Terminal) -> None:
        self._give_back((terminal.lab, terminal.person))
        with self._lock:
            over = [one.id for one in self._known.values() if one.why is not None]
            for terminal_id in over[: max(0, len(over) - ENDED_MAX)]:
                del self._known[terminal_id]

    def _lost(self, lab: str) -> Why:
        """Why a workstation went without a word: its lab, or itself alone."""
        began = silent = time.monotonic()
        while time.monotonic() - began < STOPPING_LIMIT_S:
            try:
                states = {status.name: status.state for status in self._labs.list()}
            except (UsineError, OSError):
                return "stopped"
            if lab not in states:
                return "stopped"
            if states[lab] != "running":
                return "restarting"
            if not self._answers(lab):
                silent = time.monotonic()
            elif time.monotonic() - silent > STAYS_S:
                return "workstation"
            time.sleep(LOOK_S / 2)
        return "restarting"

    def _answers(self, lab: str) -> bool:
        try:
            self._labs.attach(lab).close()
        except (UsineError, OSError):
            return False
        return True


def idle_limit_s(minutes: str) -> float:
    """Seconds of what `USINE_TERMINAL_IDLE_MIN` says. Raises: StartError: not 1 to 30 minutes."""
    # A workstation itself ends what is idle for half an hour.
    if not minutes.isascii() or not minutes.isdigit() or not 1 <= int(minutes) <= 30:
        raise StartError(
            f"USINE_TERMINAL_IDLE_MIN={minutes} : écrivez un nombre de minutes, de 1 à 30",
            f"USINE_TERMINAL_IDLE_MIN={minutes}: write a number of minutes, from 1 to 30",
        )
    return 60.0 * int(minutes)
