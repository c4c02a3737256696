"""The user's own terminal, lent to a shell elsewhere that speaks in `simulators.workstation.frames`."""

import contextlib
import os
import select
import signal
import socket
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

from simulators.workstation.frames import COLUMNS, DATA, END, ROWS, Frames, frame, size

READ_BYTES = 16 << 10
END_OF_INPUT = b"\x04"
# What reads it may be about to begin to: it is said again until the shell is over.
END_AGAIN_MS = 500


def window() -> tuple[int, int]:
    """Columns and rows of the user's terminal, as many as a shell may have; 80 × 24 where there is none."""
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        columns, rows = 80, 24
    return min(max(columns, COLUMNS[0]), COLUMNS[-1]), min(max(rows, ROWS[0]), ROWS[-1])


def attend(end: socket.socket) -> str:
    """Lend standard input and output until the shell is over; why: what it says, nothing where it went without a word.

    The terminal is raw meanwhile, and as it was afterwards. What comes from a file or a pipe is typed, then its end.
    """
    typing, showing = sys.stdin.fileno(), sys.stdout.fileno()
    frames, poll = Frames(), select.poll()
    patience_ms: int | None = None
    with _raw(typing), _resizes() as resized:
        for descriptor in (end.fileno(), typing, resized):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _event in poll.poll(patience_ms)}
            try:
                if resized in ready:
                    os.read(resized, 64)
                    end.sendall(size(*window()))
                if typing in ready:
                    typed = os.read(typing, READ_BYTES)
                    if typed:
                        end.sendall(frame(DATA, typed))
                    else:
                        poll.unregister(typing)
                        patience_ms = END_AGAIN_MS
                if patience_ms is not None and not ready:
                    end.sendall(frame(DATA, END_OF_INPUT))
                if end.fileno() not in ready:
                    continue
                data = end.recv(READ_BYTES)
            except OSError:
                return ""
            if not data:
                return ""
            for kind, content in frames.feed(data):
                if kind == DATA:
                    _write(showing, content)
                elif kind == END:
                    return content.decode(errors="replace")


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Every key is the shell's; whatever ends this process by a word, the terminal is given back as it was."""
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    former = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        # What was typed ahead is for the shell; what is left at its end was, and must not run elsewhere.
        tty.setraw(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        for number, handler in former.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _resizes() -> Iterator[int]:
    """A descriptor that is readable once the window has another size."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wakes = signal.set_wakeup_fd(writer)
    former = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    try:
        yield reader
    finally:
        signal.signal(signal.SIGWINCH, former)
        signal.set_wakeup_fd(wakes)
        os.close(reader)
        os.close(writer)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
