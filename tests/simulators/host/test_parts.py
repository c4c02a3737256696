"""A line in parts: a real plant, real PLCs and devices, each behind its link over a Unix socket or TCP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.clock import Clock
from simulators.errors import InputError, NotFoundError, UsineError
from simulators.host import links as links_module
from simulators.host.bus import part_token
from simulators.host.links import Links
from simulators.host.part import EXIT_AGAIN, Part, PartPlan, plan_of
from simulators.host.plan import Plan
from simulators.model import Line
from simulators.network.flat import FlatNetwork
from simulators.network.wire import LENGTH, Wire, place
from simulators.plant.engine import Plant
from simulators.twin.offline import Twin
from tests.fakes import Log
from tests.simulators.plant.operators import bottling
from tests.waiting import HANG_S, eventually

SECRET = "a secret of the lab"


def only(line: Line, devices: Sequence[str]) -> Line:
    """The line with these devices and no other."""
    kept = [device for device in line.devices if device.id in devices]
    return msgspec.structs.replace(
        line, devices=kept, tags=[tag for tag in line.tags if tag.device in devices]
    )


class Stage:
    """A plant and its links; the parts are started by the test, in this process."""

    def __init__(self, folder: Path, devices: Sequence[str] = ("plc1", "plc2"), seed: int = 3) -> None:
        self.line = only(bottling(), devices)
        self.folder = folder
        self.plan = Plan(
            name="parts", line="", seed=seed, folder=str(folder), control="", token="", bus=f"unix:{folder}/bus",
            bus_secret=SECRET,
        )  # fmt: skip
        self.clock = Clock(1_800_000_000.0)
        self.plant = Plant(self.line, seed)
        self.log = Log()
        self.links = Links(self.plan, self.line, self.plant, self.clock, self.log)
        self.network = FlatNetwork(self.line)
        self.parts: dict[str, asyncio.Task[int]] = {}
        self._made: list[Part] = []
        self.steps = 0

    def run_part(self, device: str, token: str | None = None) -> asyncio.Task[int]:
        shown = part_token(SECRET, device) if token is None else token
        plan = PartPlan(device, self.plan.bus or "", shown, str(self.folder))
        part = Part(plan, lambda _line, _spec: self.network, lambda _said: None)
        self._made.append(part)
        self.parts[device] = asyncio.create_task(part.run())
        return self.parts[device]

    async def end_part(self, device: str) -> None:
        self.parts.pop(device).cancel()
        await self._made.pop().stop()

    async def start(self) -> None:
        self.plant.step()
        await self.links.open()
        for device in self.line.devices:
            self.run_part(device.id)
        await self.links.start()

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            self.steps += 1
            self.plant.step()
            t_s = self.steps * self.line.step_s
            waiting = self.links.step(t_s)
            assert waiting is not None
            await waiting
            self.links.publish(t_s)

    async def stop(self) -> None:
        for task in self.parts.values():
            task.cancel()
        for part in self._made:
            await part.stop()
        await self.links.stop()
        self.network.close()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    await made.start()
    yield made
    await made.stop()


def twin_of(line: Line, seed: int) -> Twin:
    twin = Twin(line, seed)
    twin.plant.step()
    for plc in twin.plcs.values():
        plc.scan(0.0)
    return twin


async def test_the_run_in_parts_is_the_run_in_one_process_bit_for_bit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a machine that has much else to do, a PLC may answer later than real time would wait.
    monkeypatch.setattr(links_module, "CYCLE_LIMIT_S", 10.0)
    twin = twin_of(stage.line, 3)
    await stage.run(600)
    for step in range(1, 601):
        twin.plant.step()
        for plc in twin.plcs.values():
            plc.scan(step * stage.line.step_s)
    assert stage.plant.state_hash() == twin.plant.state_hash()
    cells = (await stage.links.contribution()).cells
    assert cells["Filler.RateSetPoint"] == twin.plcs["plc2"].image.cells[_index(twin, "Filler.RateSetPoint")]


def _index(twin: Twin, tag: str) -> int:
    from simulators.plc.address import parse_address

    spec = twin.line.tag(tag)
    index = twin.plcs[spec.device].image.index_of(parse_address(spec.address))
    assert index is not None
    return index


async def test_a_part_is_asked_and_refuses_in_its_own_words(stage: Stage) -> None:
    assert (await stage.links.ask("plc1", "plc_status", {}))["mode"] == "RUN"
    with pytest.raises(UsineError, match=r"plc1\.st"):
        await stage.links.ask("plc1", "plc_download", {"source": "PROGRAM main VAR"})
    with pytest.raises(NotFoundError, match="plc9"):
        await stage.links.ask("plc9", "plc_status", {})


async def test_a_lost_part_is_seen_and_its_outputs_become_safe_then_it_is_back(stage: Stage) -> None:
    await stage.run(200)
    switched = [s for s, safe in links_module._driven(stage.line, "plc2").items() if safe is False]
    assert any(stage.plant.truth(switched))
    await stage.end_part("plc2")
    await eventually(lambda: stage.log.events("part_lost"))
    states = {s.id: s.health.state for s in (await stage.links.contribution()).statuses}
    assert "failed" in states.values()
    assert not stage.links.green()
    await stage.run(20)
    assert not any(stage.plant.truth(switched))
    stage.run_part("plc2")
    await eventually(stage.links.green, 15)
    restarts = {s.id: s.restarts for s in (await stage.links.contribution()).statuses}
    assert restarts == {"plc1": 0, "plc2": 1}


async def test_a_stranger_and_a_part_with_anothers_token_are_not_heard(stage: Stage) -> None:
    for part, token in (
        ("plc1", "wrong"),
        ("plc1", part_token(SECRET, "plc2")),
        ("nobody", part_token(SECRET, "nobody")),
    ):
        wire = Wire(*await asyncio.open_unix_connection(str(stage.folder / "bus")))
        wire.send({"part": part, "token": token})
        with pytest.raises(EOFError):
            await wire.receive()
        wire.close()
    assert stage.links.green()


async def test_a_part_begins_again_when_another_plant_has_come(tmp_path: Path) -> None:
    first = Stage(tmp_path)
    await first.start()
    await first.links.stop()
    second = Stage(tmp_path)
    second.plant.step()
    await second.links.open()
    assert [await asyncio.wait_for(task, HANG_S) for task in first.parts.values()] == [EXIT_AGAIN, EXIT_AGAIN]
    await first.stop()
    await second.stop()


async def test_scada_feeds_the_historian_that_runs_elsewhere(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ("plc1", "plc2", "broker", "scada", "historian", "gateway"))
    await stage.start()
    running = asyncio.create_task(_go_on(stage))

    async def rows() -> int:
        said = await stage.links.contribution()
        return int(next(s for s in said.statuses if s.id == "historian").health.figures["rows"])

    async with asyncio.timeout(HANG_S):
        while await rows() == 0:
            await asyncio.sleep(0.1)
    curve = await stage.links.ask("historian", "trend", {"tags": ["RawTank.Level"], "minutes": 5.0})
    assert curve["RawTank.Level"]
    said = await stage.links.contribution()
    assert said.shown["RawTank.Level"].quality == "good"
    running.cancel()
    await stage.stop()


async def _go_on(stage: Stage) -> None:
    while True:
        await stage.run(1)
        await asyncio.sleep(0.02)


async def test_a_device_that_cannot_start_is_the_labs_error(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ("plc1",))
    (tmp_path / "plc1").mkdir()
    (tmp_path / "plc1" / "configuration").write_text("nonsense: [", encoding="utf-8")
    with pytest.raises(UsineError, match=r"plc1"):
        await stage.start()
    await stage.stop()


async def test_the_speed_reaches_the_parts(stage: Stage) -> None:
    stage.clock.set_speed(20)
    stage.links.retime()
    built = [part._built for part in stage._made]
    await eventually(lambda: all(b is not None and b.clock.speed == 20 for b in built))
    stage.clock.pause()
    stage.links.retime()
    await eventually(lambda: all(b is not None and b.clock.paused for b in built))


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=200), framed=st.booleans())
def test_no_bytes_hurt_the_plant(data: bytes, framed: bool, tmp_path_factory: Any) -> None:
    async def throw() -> None:
        stage = Stage(tmp_path_factory.mktemp("bus"))
        await stage.links.open()
        for first in (b"", _hello("plc1")):
            reader, writer = await asyncio.open_unix_connection(str(stage.folder / "bus"))
            writer.write(first + (LENGTH.pack(len(data)) + data if framed else data))
            writer.write_eof()
            async with asyncio.timeout(HANG_S):
                with contextlib.suppress(ConnectionError):
                    await reader.read()
            writer.close()
        assert stage.links._server is not None
        assert stage.links._server.is_serving()
        await stage.stop()

    asyncio.run(throw())


def _hello(part: str) -> bytes:
    body = msgspec.msgpack.encode({"part": part, "token": part_token(SECRET, part)})
    return LENGTH.pack(len(body)) + body


@pytest.mark.parametrize("bus", ["", "unix:", "tcp:here", "tcp::1", "udp:a:1", "tcp:a:b"])
def test_a_bus_that_is_none_is_refused(bus: str) -> None:
    with pytest.raises(InputError, match="tcp:"):
        place(bus)


def test_a_bus_of_each_kind() -> None:
    assert place("unix:/run/bus") == "/run/bus"
    assert place("tcp:10.0.0.1:9500") == ("10.0.0.1", 9500)


def test_a_part_without_its_variables_names_them() -> None:
    with pytest.raises(InputError, match="USINE_BUS, USINE_TOKEN"):
        plan_of({"USINE_PART": "plc1"}, "/data")
