"""Ways into a zone and terminals, through the workstation's own socket, with real shells."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.errors import InputError
from simulators.workstation import server as module
from simulators.workstation.frames import CONTENT_LIMIT_BYTES, DATA, END, Frames, frame, size
from simulators.workstation.server import Workstation
from tests.waiting import eventually


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Workstation]:
    made = Workstation(tmp_path / "station.sock", str(tmp_path), ("/bin/sh", "-i"), idle_limit_s=5.0)
    await made.start()
    yield made
    await made.stop()


class Caller:
    """Who asks the workstation."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.frames = Frames()

    async def seen(self, words: bytes, within_s: float = 10.0) -> bytes:
        """What the terminal showed up to `words`."""
        shown = b""
        async with asyncio.timeout(within_s):
            while words not in shown:
                data = await self.reader.read(1 << 16)
                assert data, shown
                shown += b"".join(content for kind, content in self.frames.feed(data) if kind == DATA)
        return shown

    async def end(self, within_s: float = 10.0) -> bytes:
        """Why it is over."""
        async with asyncio.timeout(within_s):
            while data := await self.reader.read(1 << 16):
                for kind, content in self.frames.feed(data):
                    if kind == END:
                        return content
        return b"closed"

    def type(self, text: str) -> None:
        self.writer.write(frame(DATA, text.encode()))


async def call(station: Workstation, request: object) -> tuple[Caller, dict[str, object]]:
    reader, writer = await asyncio.open_unix_connection(str(station._path))
    writer.write(msgspec.json.encode(request) + b"\n")
    try:
        line = await reader.readline()
    except ConnectionError:
        line = b""
    answer = msgspec.json.decode(line or b"{}", type=dict[str, object])
    return Caller(reader, writer), answer


async def test_a_shell_answers_in_a_window_of_the_size_asked_for(station: Workstation) -> None:
    caller, answer = await call(station, {"terminal": [97, 31]})
    assert answer == {"open": True}
    caller.type("stty size; echo $TERM; tty\n")
    assert b"31 97" in await caller.seen(b"/dev/pts")
    caller.writer.write(size(60, 20))
    caller.type("stty size\n")
    await caller.seen(b"20 60")
    caller.type("exit\n")
    assert await caller.end() == b"ended"
    caller.writer.close()


async def test_ctrl_c_interrupts_where_whoever_started_it_ignores_that(station: Workstation) -> None:
    """As a program that was started in the background does."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        caller, _ = await call(station, {"terminal": [80, 24]})
    finally:
        signal.signal(signal.SIGINT, former)
    # The very process that is ended says it: a shell is deaf to the key while it begins another.
    caller.type("sh -c \"echo be''gun; exec sleep 60\"; echo no''t\n")
    await caller.seen(b"begun")
    caller.type("\x03")
    caller.type("echo af''terwards\n")
    assert b"not" not in await caller.seen(b"afterwards", 5.0)
    caller.writer.close()


async def test_who_leaves_ends_the_shell_and_what_it_started(station: Workstation, tmp_path: Path) -> None:
    caller, _ = await call(station, {"terminal": [80, 24]})
    caller.type(f"sleep 987654 & echo $! > {tmp_path}/pid; sleep 987653\n")
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    caller.writer.close()
    pid = (tmp_path / "pid").read_text().strip()
    await eventually(lambda: not _running(pid))
    await eventually(lambda: not station._terminals)


def _running(pid: str) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_nobody_typing_for_long_ends_it(tmp_path: Path) -> None:
    station = Workstation(tmp_path / "s", str(tmp_path), ("/bin/sh", "-i"), idle_limit_s=0.3)
    await station.start()
    caller, _ = await call(station, {"terminal": [80, 24]})
    caller.type("while :; do echo busy; sleep 0.05; done\n")
    assert await caller.end() == b"idle"
    caller.writer.close()
    await station.stop()


async def test_output_that_nobody_reads_waits_in_the_shell(station: Workstation) -> None:
    caller, _ = await call(station, {"terminal": [80, 24]})
    caller.type("yes x | head -c 20000000; echo DO''NE\n")
    await asyncio.sleep(0.5)
    terminal = next(iter(station._terminals))
    assert terminal._waiting() < 2 * 256 << 10
    caller.type("\x03")
    caller.writer.close()


async def test_a_connection_into_the_zone(station: Workstation) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"echo " + await reader.read(100))
        writer.close()

    listening = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    caller, answer = await call(station, {"connect": ["127.0.0.1", port]})
    assert answer == {"open": True}
    caller.writer.write(b"hello")
    assert await caller.reader.read(100) == b"echo hello"
    caller.writer.close()
    listening.close()
    refused, answer = await call(station, {"connect": ["127.0.0.1", port]})
    assert "refused" in str(answer["error"])
    refused.writer.close()
    await eventually(lambda: not station._relays)


@pytest.mark.parametrize(
    "request_", [{}, {"connect": ["a"]}, {"terminal": "x"}, {"shell": 1}, [], "x" * 5000]
)
async def test_what_makes_no_sense_is_closed(station: Workstation, request_: object) -> None:
    caller, answer = await call(station, request_)
    assert answer == {}
    caller.writer.close()


async def test_silence_is_closed(station: Workstation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_LIMIT_S", 0.2)
    reader, writer = await asyncio.open_unix_connection(str(station._path))
    began = time.monotonic()
    assert await reader.read() == b""
    assert time.monotonic() - began < 3
    writer.close()


async def test_terminals_are_bounded(station: Workstation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TERMINALS_MAX", 1)
    first, _ = await call(station, {"terminal": [80, 24]})
    second, answer = await call(station, {"terminal": [80, 24]})
    assert "too many" in str(answer["error"])
    for caller in (first, second):
        caller.writer.close()


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 50))
def test_frames_come_out_as_they_went_in(contents: list[bytes], step: int) -> None:
    stream = b"".join(frame(DATA, content) if content else frame(END, b"") for content in contents)
    frames, found = Frames(), []
    for at in range(0, len(stream), step):
        found += list(frames.feed(stream[at : at + step]))
    assert [content for _kind, content in found] == contents


@given(st.binary(max_size=200))
def test_no_bytes_hurt_the_frames(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(Frames().feed(data))


def test_data_of_any_length_is_cut() -> None:
    data = bytes(3 * CONTENT_LIMIT_BYTES + 5)
    assert b"".join(content for _kind, content in Frames().feed(frame(DATA, data))) == data


@pytest.mark.parametrize(("columns", "rows"), [(0, 24), (80, 0), (9999, 24), (80, 9999)])
def test_no_window_of_such_a_size(columns: int, rows: int) -> None:
    with pytest.raises(InputError, match="terminal"):
        size(columns, rows)
