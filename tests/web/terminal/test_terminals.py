"""Terminals of the pages: no faster than who looks, kept for who comes back, ended when nobody needs them, nobody else's."""

import logging
import socket
import threading
import time

import pytest

from lab.labs import Connection
from lab.training.contract import Person
from simulators.errors import InputError, NotFoundError, StartError
from simulators.workstation.frames import DATA, END, SIZE, Frames, frame
from tests.waiting import HANG_S, soon
from tests.web.fake_labs import FakeLab, FakeLabs
from tests.web.fake_training import ALICE, BOB
from web import terminals
from web.terminals import (
    Again,
    Lost,
    News,
    Output,
    Over,
    Terminal,
    TerminalLimits,
    Terminals,
    Warned,
    idle_limit_s,
)

LIMITS = TerminalLimits(
    idle_s=900, warning_s=60, grace_s=60, window_bytes=4096, backlog_bytes=32 << 10, of_person=2, of_lab=2
)
GREETING = b"one control 80x24"


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Eye:
    """Somebody who looks at a terminal, in a thread; `seen` says so to the terminal, unless `slow`."""

    def __init__(self, terminal: Terminal, after: int | None = None, slow: bool = False) -> None:
        self.news: list[News] = []
        self._terminal, self._after, self._slow = terminal, after, slow
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    @property
    def shown(self) -> bytes:
        return b"".join(one.data for one in self.news if isinstance(one, Output))

    def _look(self) -> None:
        follow = self._terminal.follow(self._after)
        for one in follow:
            if one is not None:
                self.news.append(one)
            if isinstance(one, Output) and not self._slow:
                self._terminal.saw(one.at)
            if self._left.is_set():
                follow.close()  # type: ignore[attr-defined]
                return

    def leave(self) -> None:
        self._left.set()
        self._thread.join(HANG_S)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminals, "LOOK_S", 0.02)
    monkeypatch.setattr(terminals, "STAYS_S", 0.3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(labs: FakeLabs, clock: Clock) -> Terminals:
    return Terminals(labs, LIMITS, clock)


@pytest.fixture
def terminal(known: Terminals) -> Terminal:
    return known.open("one", "control", ALICE, 80, 24)


@pytest.fixture
def shell(labs: FakeLabs, terminal: Terminal) -> socket.socket:
    """The other end."""
    (end,) = labs.terminals
    end.settimeout(HANG_S)
    return end


def told(shell: socket.socket) -> list[tuple[bytes, bytes]]:
    return list(Frames().feed(shell.recv(1 << 16)))


def test_it_shows_and_types_and_is_resized(terminal: Terminal, shell: socket.socket) -> None:
    eye = Eye(terminal)
    soon(lambda: eye.shown == GREETING)
    assert eye.news[0] == Again()
    terminal.type("ls é\n")
    assert told(shell) == [(DATA, "ls é\n".encode())]
    terminal.resize(100, 30)
    assert told(shell) == [(SIZE, b"100 30")]
    with pytest.raises(InputError, match="1000"):
        terminal.resize(1000, 30)
    shell.sendall(frame(DATA, b"\xff\xfe") + frame(END, b"ended"))
    soon(lambda: eye.news[-1] == Over("ended"))
    assert eye.shown == GREETING + b"\xff\xfe", "bytes as they are"
    with pytest.raises(NotFoundError, match="terminal"):
        terminal.type("x")
    terminal.resize(90, 20)
    with pytest.raises(InputError, match="1000"):
        terminal.resize(1000, 30)


def test_what_is_not_looked_at_waits_in_the_shell(terminal: Terminal, shell: socket.socket) -> None:
    eye = Eye(terminal, slow=True)
    flood = b"".join(frame(DATA, bytes([65 + number % 26]) * 1000) for number in range(3000))
    sender = threading.Thread(target=shell.sendall, args=(flood,), daemon=True)
    shell.settimeout(30)
    sender.start()
    soon(lambda: len(eye.shown) >= LIMITS.window_bytes)
    sender.join(0.3)
    assert sender.is_alive(), "the shell waits"
    assert len(eye.shown) <= LIMITS.window_bytes + terminals.READ_BYTES
    eye._slow = False
    terminal.saw(len(eye.shown))
    soon(lambda: len(eye.shown) == len(GREETING) + 3_000_000)
    sender.join(HANG_S)
    assert eye.shown[len(GREETING) :] == b"".join(bytes([65 + n % 26]) * 1000 for n in range(3000))
    assert len(terminal._kept) <= LIMITS.backlog_bytes


def test_who_comes_back_goes_on_where_they_were(terminal: Terminal, shell: socket.socket) -> None:
    eye = Eye(terminal)
    soon(lambda: eye.shown == GREETING)
    eye.leave()
    shell.sendall(frame(DATA, b"meanwhile"))
    back = Eye(terminal, after=len(GREETING))
    soon(lambda: back.shown == b"meanwhile")
    assert Again() not in back.news
    back.leave()
    anew = Eye(terminal)
    soon(lambda: anew.shown == GREETING + b"meanwhile")
    assert anew.news[0] == Again()
    anew.leave()
    lost = Eye(terminal, after=10**9)
    soon(lambda: lost.shown == GREETING + b"meanwhile")
    assert lost.news[0] == Again()


def test_only_the_last_of_a_long_past_is_shown_again(terminal: Terminal, shell: socket.socket) -> None:
    eye = Eye(terminal)
    for number in range(100):
        shell.sendall(frame(DATA, b"%06d" % number * 200))
    soon(lambda: len(eye.shown) == len(GREETING) + 120_000)
    eye.leave()
    back = Eye(terminal, after=5)
    soon(lambda: len(back.shown) == LIMITS.backlog_bytes)
    assert back.news[0] == Again()
    assert eye.shown.endswith(back.shown)


def test_another_page_takes_it(terminal: Terminal, shell: socket.socket) -> None:
    first = Eye(terminal)
    soon(lambda: first.shown == GREETING)
    second = Eye(terminal)
    soon(lambda: first.news[-1] == Over("taken"))
    shell.sendall(frame(DATA, b"for the second"))
    soon(lambda: second.shown.endswith(b"for the second"))
    assert first.shown == GREETING
    assert terminal.why is None


def test_who_does_not_type_is_warned_then_closed(
    terminal: Terminal, shell: socket.socket, clock: Clock
) -> None:
    eye = Eye(terminal)
    clock.now_s += 841
    soon(lambda: Warned(59) in eye.news)
    terminal.type("x")
    soon(lambda: eye.news[-1] == Warned(None))
    shell.sendall(frame(DATA, b"output is not typing"))
    clock.now_s += 901
    soon(lambda: eye.news[-1] == Over("idle"))
    told(shell)
    assert shell.recv(10) == b"", "the shell is told"


def test_a_page_that_was_closed_ends_its_shell_after_a_while(
    terminal: Terminal, shell: socket.socket, clock: Clock
) -> None:
    eye = Eye(terminal)
    clock.now_s += 70
    soon(lambda: eye.shown == GREETING)
    assert terminal.why is None, "looked at"
    eye.leave()
    clock.now_s += 59
    time.sleep(0.2)
    assert terminal.why is None
    clock.now_s += 2
    soon(lambda: terminal.why == "left")
    assert shell.recv(10) == b""


def test_one_that_nobody_ever_looked_at_ends_too(
    terminal: Terminal, shell: socket.socket, clock: Clock
) -> None:
    clock.now_s += 61
    soon(lambda: terminal.why == "left")


def test_closed_by_its_person(terminal: Terminal, shell: socket.socket) -> None:
    eye = Eye(terminal)
    terminal.close()
    terminal.close()
    soon(lambda: eye.news[-1:] == [Over("closed")])
    assert shell.recv(10) == b""


@pytest.mark.parametrize("why", ["stopped", "restarting", "workstation"])
def test_a_workstation_that_went_without_a_word(
    terminal: Terminal, shell: socket.socket, labs: FakeLabs, lab: FakeLab, why: str
) -> None:
    eye = Eye(terminal)
    soon(lambda: eye.shown)
    if why == "stopped":
        labs.stop("one")
    elif why == "restarting":
        lab.broken.set()
    shell.close()
    soon(lambda: eye.news[-1:] == [Over(why)])  # type: ignore[arg-type]


def test_a_lab_that_takes_its_time_to_stop_is_not_taken_for_a_workstation_that_died(
    terminal: Terminal, shell: socket.socket, labs: FakeLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(name: str) -> Connection:
        raise NotFoundError(f"{name} ne répond pas", f"{name} does not answer")

    monkeypatch.setattr(labs, "attach", silent)
    eye = Eye(terminal)
    shell.close()
    soon(lambda: Lost() in eye.news)
    time.sleep(2 * terminals.STAYS_S)
    assert terminal.why is None
    labs.stop("one")
    soon(lambda: eye.news[-1] == Over("stopped"))


def test_what_is_no_stream_of_messages_ends_it(terminal: Terminal, shell: socket.socket) -> None:
    shell.sendall(b"nonsense that no terminal says")
    soon(lambda: terminal.why == "workstation")


def test_nobody_else_finds_it(
    known: Terminals, terminal: Terminal, labs: FakeLabs, lab: FakeLab, shell: socket.socket
) -> None:
    labs.labs["two"] = lab
    assert known.find("one", ALICE, terminal.id) is terminal
    others: list[tuple[str, Person, str]] = [
        ("one", BOB, terminal.id), ("two", ALICE, terminal.id), ("one", ALICE, terminal.id[:-1]), ("one", ALICE, ""),
    ]  # fmt: skip
    for name, person, terminal_id in others:
        with pytest.raises(NotFoundError, match=r"open another one|ouvrez-en"):
            known.find(name, person, terminal_id)


def test_there_are_only_so_many(
    known: Terminals, terminal: Terminal, labs: FakeLabs, lab: FakeLab, shell: socket.socket
) -> None:
    labs.labs.update(two=lab, three=lab)
    second = known.open("two", "control", ALICE, 80, 24)
    with pytest.raises(InputError, match="2"):
        known.open("three", "control", ALICE, 80, 24)
    known.open("one", "control", BOB, 80, 24)
    with pytest.raises(InputError, match="one"):
        known.open("one", "control", Person(9, "carol", "Carol", "trainee"), 80, 24)
    assert len(labs.terminals) == 3, "what is refused asks nothing of the lab"
    second.close()
    soon(lambda: second.why == "closed")
    soon(lambda: len(known._places) == 2)
    known.open("three", "control", ALICE, 80, 24)


def test_what_does_not_open_takes_no_place(known: Terminals, labs: FakeLabs) -> None:
    for _ in range(5):
        with pytest.raises(NotFoundError, match="nowhere"):
            known.open("nowhere", "control", ALICE, 80, 24)
        with pytest.raises(InputError, match="1 × 1"):
            known.open("one", "control", ALICE, 1, 1)
    assert known._places == []


def test_those_that_ended_tell_why_for_a_while_and_are_then_forgotten(
    labs: FakeLabs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminals, "ENDED_MAX", 2)
    known = Terminals(labs, LIMITS, clock)
    ended = []
    for _ in range(4):
        one = known.open("one", "control", ALICE, 80, 24)
        one.close()
        soon(lambda: not known._places)
        ended.append(one)
    soon(lambda: len(known._known) == 2)
    eye = Eye(known.find("one", ALICE, ended[-1].id))
    soon(lambda: eye.news[-1:] == [Over("closed")])
    with pytest.raises(NotFoundError):
        known.find("one", ALICE, ended[0].id)


def test_nothing_of_what_is_typed_is_logged(
    terminal: Terminal,
    shell: socket.socket,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    terminal.type("s3cret\n")
    shell.close()
    soon(lambda: terminal.why is not None)
    with pytest.raises(NotFoundError) as refused:
        terminal.type("s3cret\n")
    out, err = capfd.readouterr()
    assert "s3cret" not in out + err + caplog.text + str(refused.value)


def test_how_long_is_idle_is_the_administrator_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert idle_limit_s("15") == 900
    for wrong in ("0", "31", "", "a", "1.5", "-1", "²"):
        with pytest.raises(StartError, match="USINE_TERMINAL_IDLE_MIN"):
            idle_limit_s(wrong)
