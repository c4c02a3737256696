"""Machines beside a line: reached where somebody answers, made where nobody does, refused with a reason."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab.catalog import find_line
from lab.labs import Job
from lab.runtimes.docker import reach as module
from lab.runtimes.docker.engine import PART, Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import layout
from lab.runtimes.docker.objects import LabObjects
from lab.runtimes.docker.reach import Reach
from lab.runtimes.docker.seats import WORKSTATION_SOCKET, Seats
from lab.runtimes.docker.settings import Settings
from simulators.errors import InputError, NotFoundError, StartError
from tests.lab.runtimes.fake_engine import FakeEngine
from tests.waiting import HANG_S

LINE = find_line("bottling")
WHOLE = layout(LINE, "10.201.7.0/24", "secret", "1000:1000")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose sockets' paths are not too long."""
    with tempfile.TemporaryDirectory(prefix="us") as folder:
        yield Path(folder)


@pytest.fixture
def seats(engine: Engine, chosen: Settings, gate: Gate, short: Path) -> Seats:
    objects = LabObjects(engine, chosen, "demo", short / "labs", short)
    objects.make_networks(WHOLE)
    return Seats(Reach(engine, chosen, gate, objects, WHOLE, short), LINE)


@contextlib.asynccontextmanager
async def a_workstation(folder: Path, answer: bytes) -> AsyncIterator[list[bytes]]:
    """One that answers so, then echoes; what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(answer)
        if b"open" in answer:
            writer.write(await reader.read(100))
        writer.close()

    place = folder / "seat-workstation-control"
    place.mkdir()
    server = await asyncio.start_unix_server(serve, str(place / WORKSTATION_SOCKET))
    try:
        yield asked
    finally:
        server.close()


async def test_a_connection_passes_through_the_zones_workstation(
    seats: Seats, fake: FakeEngine, short: Path
) -> None:
    async with a_workstation(short, b'{"open":true}\n') as asked:
        connected = await seats.connect("control", "", "10.20.1.10", 502)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connected, b"ping")
        assert await asyncio.wait_for(loop.sock_recv(connected, 10), HANG_S) == b"ping"
        connected.close()
    assert asked == [b'{"connect":["10.20.1.10",502]}\n']
    assert fake.containers == {}, "one that answers is not made again"


@pytest.mark.parametrize("answer", [b'{"error":"Connection refused"}\n', b"nonsense\n", b""])
async def test_a_workstation_that_refuses_is_an_error_and_leaves_no_socket(
    seats: Seats, short: Path, answer: bytes
) -> None:
    async with a_workstation(short, answer):
        with pytest.raises(OSError, match=r"refused|malformed|closed"):
            await seats.connect("control", "", "10.20.1.10", 502)
        with pytest.raises(StartError) as error:
            await seats.terminal("control", 80, 24)
        assert "pas de terminal dans control" in error.value.text.fr


async def test_one_that_never_answers_is_said_with_its_last_words(
    seats: Seats, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 0.3)
    fake.dying["workstation-control"] = "no such shell"
    with pytest.raises(OSError, match="workstation-control does not answer after 0 s: no such shell"):
        await seats.connect("control", "", "10.20.1.10", 502)
    first = next(iter(fake.containers))
    with pytest.raises(OSError, match="no such shell"):
        await seats.connect("control", "", "10.20.1.10", 502)
    assert len(fake.containers) == 1
    assert first not in fake.containers, "the one that died was removed, not started again"


async def test_nothing_starts_from_the_address_of_a_device_on_another_machine(
    engine: Engine, chosen: Settings, gate: Gate, short: Path
) -> None:
    objects = LabObjects(engine, chosen, "demo", short / "labs", short)
    seats = Seats(Reach(engine, chosen, gate, objects, WHOLE, short), LINE, WHOLE, {"scada"})
    job = Job("demo", "probe", "modbus.read", "supervision", {"source": LINE.device("scada").address})
    with pytest.raises(InputError, match="scada") as refused:
        await seats.agent(job)
    assert "without --spread" in refused.value.text.en


async def test_without_its_image_it_is_said(seats: Seats, fake: FakeEngine) -> None:
    fake.images.clear()
    with pytest.raises(OSError, match="lab image"):
        await seats.connect("control", "", "10.20.1.10", 502)


async def test_an_agent_sits_at_an_address_of_its_zone_only(seats: Seats) -> None:
    def job(zone: str, source: str = "") -> Job:
        return Job("demo", "probe", "reach.tcp", zone, {"source": source} if source else {})

    with pytest.raises(NotFoundError, match="nowhere"):
        await seats.agent(job("nowhere"))
    with pytest.raises(InputError, match=r"8\.8\.8\.8"):
        await seats.agent(job("control", "8.8.8.8"))
    with pytest.raises(InputError, match=r"10\.20\.2\.10"):
        await seats.agent(job("control", "10.20.2.10"))


async def test_an_agent_at_a_devices_address_waits_for_the_device(
    seats: Seats, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job("demo", "probe", "reach.tcp", "control", {"source": "10.20.1.10"})
    with pytest.raises(StartError) as error:
        await seats.agent(job)
    assert "plc1 ne tourne pas" in error.value.text.fr
    monkeypatch.setattr(module, "ANSWER_LIMIT_S", 0.2)
    objects = seats._reach._objects
    device = objects.make(WHOLE, WHOLE.container("plc1"))
    with pytest.raises(StartError, match="agent-control-plc1"):
        await seats.agent(job)
    (agent,) = [c for c in fake.containers.values() if c["Labels"][PART] == "agent-control-plc1"]
    assert agent["Body"]["HostConfig"]["NetworkMode"] == f"container:{device}"
    assert agent["Body"]["Env"] == ["USINE_ADDRESS=10.20.1.10"]


async def test_when_a_lab_ends_its_sockets_folders_go(seats: Seats, short: Path) -> None:
    (short / "seat-x").mkdir()
    await seats.close()
    assert not list(short.glob("seat-*"))
