"""A shell in a pseudo-terminal, for somebody who looks at it from elsewhere."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

from simulators.workstation.frames import COLUMNS, DATA, END, ROWS, SIZE, frame

READ_BYTES = 16 << 10
# What waits to be read by who looks: beyond, the shell's output waits too.
BACKLOG_LIMIT_BYTES = 256 << 10
LOOK_S = 0.05
END_LIMIT_S = 1.0


class Terminal:
    """Owns the shell's process group. `write` sends to who looks, `waiting` tells how much of it waits there."""

    def __init__(
        self, write: Callable[[bytes], None], waiting: Callable[[], int], over: Callable[[], None]
    ) -> None:
        self._write, self._waiting, self._over = write, waiting, over
        self._loop = asyncio.get_running_loop()
        self._master = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._resume: asyncio.TimerHandle | None = None
        self._typed = b""

    def start(self, command: Sequence[str], environment: dict[str, str], folder: str) -> None:
        """Raises: OSError: it does not start."""
        self._master, slave = os.openpty()

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            # Whoever was started in the background ignores them, and would hand that on: Ctrl-C would end nothing.
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)

        try:
            self._process = subprocess.Popen(
                list(command), stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=folder,
                preexec_fn=own_terminal, close_fds=True,
            )  # fmt: skip
        except OSError:
            os.close(self._master)
            self._master = -1
            raise
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        self._loop.add_reader(self._master, self._read)

    def hear(self, kind: bytes, content: bytes) -> None:
        """A message of who looks; one that makes no sense is left out."""
        if self._master < 0:
            return
        if kind == DATA:
            self._type(content)
        elif kind == SIZE:
            columns, _, rows = content.partition(b" ")
            if columns.isdigit() and rows.isdigit() and int(columns) in COLUMNS and int(rows) in ROWS:
                window = struct.pack("HHHH", int(rows), int(columns), 0, 0)
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, window)

    async def stop(self, why: str = "") -> None:
        """End the shell and all that it started in its terminal; harmless twice."""
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        if self._resume is not None:
            self._resume.cancel()
        os.close(self._master)
        self._master = -1
        process = self._process
        assert process is not None
        _signal_session(process.pid, signal.SIGHUP)
        deadline = self._loop.time() + END_LIMIT_S
        try:
            while process.poll() is None and self._loop.time() < deadline:
                await asyncio.sleep(LOOK_S)
        finally:
            # What a shell left running in its terminal, or a shell that stays.
            _signal_session(process.pid, signal.SIGKILL)
            process.wait()
        self._write(frame(END, why.encode()))

    def _read(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:  # the shell has closed its side
            data = b""
        if not data:
            self._loop.remove_reader(self._master)
            self._over()
            return
        self._write(frame(DATA, data))
        if self._waiting() > BACKLOG_LIMIT_BYTES:
            self._loop.remove_reader(self._master)
            self._resume = self._loop.call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        if self._waiting() > BACKLOG_LIMIT_BYTES:
            self._resume = self._loop.call_later(LOOK_S, self._look_again)
        elif self._master >= 0:
            self._loop.add_reader(self._master, self._read)

    def _type(self, content: bytes) -> None:
        # What a shell does not read is not kept beyond its bound.
        self._typed = (self._typed + content)[:BACKLOG_LIMIT_BYTES]
        try:
            self._typed = self._typed[os.write(self._master, self._typed) :]
        except BlockingIOError:
            pass
        except OSError:
            self._typed = b""
        if self._typed:
            self._loop.add_writer(self._master, self._type, b"")
        else:
            self._loop.remove_writer(self._master)


def _signal_session(leader: int, number: signal.Signals) -> None:
    """Every process of the session that `leader` began, the leader last."""
    members = [pid for pid in _processes() if _session(pid) == leader]
    for pid in sorted(members, key=lambda pid: pid == leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
