"""A checkpoint of a real plant and its PLCs, on a host that has nothing else."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from simulators.clock import Clock
from simulators.errors import InputError, NotFoundError
from simulators.host import checkpoint
from simulators.host.configurations import Configurations
from simulators.host.host import Host
from simulators.host.journal import Journal
from simulators.host.pace import Pace
from simulators.host.verbs import of_device
from simulators.model import Line
from simulators.twin.offline import Twin
from tests.simulators.plant.operators import bottling


class Rack:
    """Applies every configuration."""

    def __init__(self, line: Line, configurations: Configurations) -> None:
        self._line, self._configurations = line, configurations
        self.applied: list[str] = []

    async def configure(self, device: str, text: str) -> None:
        self._configurations.keep(self._line.device(device), text)
        self.applied.append(device)


class Crew:
    """The twin's PLCs, and devices that are only a configuration."""

    def __init__(self, line: Line, twin: Twin, folder: Path) -> None:
        self.configurations = Configurations(line, folder)
        self.rack = Rack(line, self.configurations)
        self.programs: dict[str, str] = {}
        self._bay: Any = SimpleNamespace(
            line=line, plcs=twin.plcs, plc=twin.plcs.__getitem__, configurations=self.configurations, rack=self.rack,
            keep_program=self.programs.__setitem__,
        )  # fmt: skip

    async def ask(self, device: str, verb: str, arguments: dict[str, Any]) -> Any:
        result = await of_device.VERBS[verb](self._bay, device, **arguments)
        # As between processes.
        return msgspec.msgpack.decode(msgspec.msgpack.encode(result))


class Stage:
    """What a checkpoint needs of a host."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        line = bottling()
        self.twin = Twin(line, seed)
        self.folder = folder
        self.crew = Crew(line, self.twin, folder)
        self.pace = Pace(Clock(0.0), line.step_s, lambda _t: None, lambda _t: None)
        made = SimpleNamespace(
            line=line, plan=SimpleNamespace(name="one", seed=seed, folder=str(folder)), plant=self.twin.plant,
            crew=self.crew, pace=self.pace, journal=Journal(folder / "journal.jsonl"),
        )  # fmt: skip
        self.host = cast("Host", made)
        self.journal = made.journal

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.twin.step()
            self.pace.done += 1

    def state(self) -> Any:
        return self.twin.plant.state_hash(), [plc.checkpoint() for plc in self.twin.plcs.values()]


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    made = Stage(tmp_path)
    yield made
    made.journal.close()


async def test_everything_is_as_it_was_and_goes_on_the_same_way(stage: Stage) -> None:
    stage.run(300)
    await checkpoint.keep(stage.host)
    before = stage.state()
    stage.run(200)
    after = stage.state()
    stage.twin.act("Filler.RateSetPoint", 20)
    stage.twin.plcs["plc1"].set_mode("STOP")
    stage.twin.plant.fault("pump", "wear", 1.0)
    await stage.crew.rack.configure("gateway", "default: deny\n")
    stage.run(100)
    taken = await checkpoint.bring_back(stage.host)
    assert stage.state() == before
    assert (taken.steps, stage.pace.done) == (300, 300)
    assert stage.crew.rack.applied == ["gateway", "gateway"]
    assert stage.crew.configurations.current(stage.host.line.device("gateway")).startswith("#")
    assert stage.crew.programs.keys() == {"plc1", "plc2"}
    stage.run(200)
    assert stage.state() == after


async def test_a_program_fault_is_kept_too(stage: Stage) -> None:
    plc = stage.twin.plcs["plc1"]
    plc.download("PROGRAM main VAR a : ARRAY [1..2] OF INT; i : INT := 9; END_VAR a[i] := 1; END_PROGRAM")
    stage.run(1)
    assert plc.mode == "STOP"
    fault = plc.diagnostics().cause
    assert fault is not None
    await checkpoint.keep(stage.host)
    plc.download("PROGRAM main END_PROGRAM")
    await checkpoint.bring_back(stage.host)
    assert (plc.mode, plc.diagnostics().cause) == ("STOP", fault)


async def test_without_one_the_remedy_is_named(stage: Stage) -> None:
    with pytest.raises(NotFoundError, match="lab checkpoint one"):
        await checkpoint.bring_back(stage.host)


@pytest.mark.parametrize(
    "change", [{"line": "other"}, {"seed": 2}, {"format": "v0"}, {"devices": {}}, {"plant": b"x"}]
)
async def test_one_that_does_not_fit_changes_nothing(stage: Stage, change: dict[str, Any]) -> None:
    stage.run(20)
    taken = msgspec.structs.replace(await checkpoint.keep(stage.host), **change)
    (stage.folder / "checkpoint.bin").write_bytes(msgspec.msgpack.encode(taken))
    stage.run(20)
    before = stage.state()
    with pytest.raises(InputError):
        await checkpoint.bring_back(stage.host)
    assert stage.state() == before


async def test_bytes_that_are_none_are_refused(stage: Stage) -> None:
    (stage.folder / "checkpoint.bin").write_bytes(b"\xc1nothing")
    with pytest.raises(InputError, match=r"checkpoint|point de reprise"):
        await checkpoint.bring_back(stage.host)
