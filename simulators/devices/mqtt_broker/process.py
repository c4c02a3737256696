"""A child process whose end is seen at once, and whose output goes to the device's log, bounded."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from typing import IO

STOP_LIMIT_S = 2.0
LINES_PER_S, LINES_BURST = 20.0, 60.0
_LINE_CHARACTERS = 300
_STAMP = re.compile(r"^\d{9,11}: ")  # our log has its own


class Child:
    """A process and its standard error. `ended` is called, once, with its exit code."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        say: Callable[[str], None],
        ended: Callable[[int], None] = lambda _code: None,
    ) -> None:
        self.process = process
        self.last_lines: deque[str] = deque(maxlen=5)
        self._say = say
        self._ended = ended
        self._over = asyncio.Event()
        self._rest = b""
        self._allowance = LINES_BURST
        self._seen_s = asyncio.get_running_loop().time()
        self._suppressed = 0
        self._pidfd = _pidfd(process.pid)
        self._output: IO[bytes] | None = process.stderr
        loop = asyncio.get_running_loop()
        if self._pidfd is not None:
            loop.add_reader(self._pidfd, self.alive)
        if self._output is not None:
            os.set_blocking(self._output.fileno(), False)
            loop.add_reader(self._output, self._read)

    def alive(self) -> bool:
        """Whether it still runs; reaps it if not."""
        code = self.process.poll()
        if code is None:
            return True
        if not self._over.is_set():
            self._over.set()
            self._read()
            self._close()
            self._ended(code)
        return False

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after two seconds; returns when it has ended."""
        for number, limit_s in ((signal.SIGTERM, STOP_LIMIT_S), (signal.SIGKILL, STOP_LIMIT_S)):
            if not self.alive():
                break
            self.process.send_signal(number)
            await self._wait(limit_s)
        self._close()

    async def _wait(self, limit_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while self.alive():
                    # Where the kernel has no pidfd, we look.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.05):
                            await self._over.wait()

    def _read(self) -> None:
        if self._output is None:
            return
        try:
            data = self._output.read(65536)
        except OSError:
            data = b""
        if data == b"":
            asyncio.get_running_loop().remove_reader(self._output)
        *lines, self._rest = (self._rest + (data or b"")).split(b"\n")
        self._rest = self._rest[:_LINE_CHARACTERS]
        for line in lines:
            self._log(_STAMP.sub("", line.decode(errors="replace").strip())[:_LINE_CHARACTERS])

    def _log(self, line: str) -> None:
        self.last_lines.append(line)
        now_s = asyncio.get_running_loop().time()
        self._allowance = min(LINES_BURST, self._allowance + (now_s - self._seen_s) * LINES_PER_S)
        self._seen_s = now_s
        if self._allowance < 1:
            self._suppressed += 1
            return
        self._allowance -= 1
        if self._suppressed:
            self._say(f"({self._suppressed} lines left out)")
            self._suppressed = 0
        self._say(line)

    def _close(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pidfd is not None:
            loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if self._output is not None:
            loop.remove_reader(self._output)
            self._output.close()
            self._output = None


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends (Linux 5.3)."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
