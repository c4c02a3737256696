"""The user's terminal lent to a shell elsewhere: raw and given back, resized, typed from a pipe; in a real pseudo-terminal."""

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from tests.waiting import HANG_S
from tests.web.terminal.workstation import Shells, shells

ATTEND = """
import socket, sys
from lab.cli.tty import attend, window
print("window", *window(), flush=True)
print("why", attend(socket.socket(fileno=int(sys.argv[1]))), flush=True)
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[Shells]:
    with shells() as opens:
        yield opens


class Desk:
    """The command on a pseudo-terminal of 100 × 30."""

    def __init__(self, end: socket.socket) -> None:
        self.master, self._slave = os.openpty()
        self.resize(100, 30)
        self.before = termios.tcgetattr(self._slave)

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-c", ATTEND, str(end.fileno())], stdin=self._slave, stdout=self._slave, stderr=self._slave,
            pass_fds=[end.fileno()], preexec_fn=own_terminal,
        )  # fmt: skip
        end.close()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, words: str) -> str:
        shown, deadline = b"", time.monotonic() + HANG_S
        while words.encode() not in shown:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, shown
            shown += os.read(self.master, 4096)
        return shown.decode()

    @property
    def given_back(self) -> bool:
        """Whether the terminal is as it was."""
        return termios.tcgetattr(self._slave) == self.before

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def desk(opened: Shells) -> Iterator[Desk]:
    made = Desk(opened(100, 30))
    made.until("bash")
    yield made
    made.close()


def test_a_shell_on_the_user_s_terminal(desk: Desk) -> None:
    desk.type("echo $((6*7)); stty size\n")
    assert "42\r\n30 100" in desk.until("30 100")
    assert not desk.given_back
    desk.resize(70, 20)
    desk.type("sleep 0.2; stty size\n")
    desk.until("20 70")
    # The very process that is ended says it: a shell is deaf to the key while it begins another.
    desk.type("sh -c \"echo st''art; exec sleep 60\"\n")
    desk.until("start")
    desk.type("\x03")
    desk.until("bash")
    desk.type("echo af''terwards\n")
    desk.until("afterwards")
    desk.type("exit\n")
    desk.until("why ended")
    assert desk.process.wait(10) == 0
    assert desk.given_back


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_to_who_is_told_to_end(desk: Desk, number: signal.Signals) -> None:
    desk.type("echo re''ady\n")
    desk.until("ready")
    desk.process.send_signal(number)
    assert desk.process.wait(10) == 128 + number
    assert desk.given_back


def test_a_workstation_that_goes_without_a_word() -> None:
    ours, theirs = socket.socketpair()
    desk = Desk(ours)
    desk.until("window")
    theirs.close()
    desk.until("why ")
    assert desk.process.wait(10) == 0
    assert desk.given_back
    desk.close()


def test_commands_from_a_pipe(opened: Shells) -> None:
    end = opened(80, 24)
    done = subprocess.run(
        [sys.executable, "-c", ATTEND, str(end.fileno())], input="echo pi''ped\n", pass_fds=[end.fileno()],
        capture_output=True, text=True, timeout=HANG_S,
    )  # fmt: skip
    end.close()
    assert "\npiped" in done.stdout
    assert done.stdout.endswith("why ended\n"), done.stderr
