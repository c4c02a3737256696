"""What a lab keeps of its students' work survives a disk that is full and a file that was cut short."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.clock import Clock
from simulators.errors import InputError, StartError
from simulators.host.bay import Bay
from simulators.host.journal import Journal
from simulators.network.flat import FlatNetwork
from simulators.plant.engine import Plant
from simulators.plc.st.errors import StError
from tests.simulators.plant.operators import bottling

PROGRAM = "PROGRAM main END_PROGRAM"


def a_bay(folder: Path) -> Bay:
    line = bottling()
    specs = [line.device("plc1")]
    journal = Journal(folder / "journal.jsonl")
    return Bay(line, specs, FlatNetwork(line), Plant(line, 1), Clock(0.0), folder, 1, journal)


@pytest.fixture
async def bay(tmp_path: Path) -> AsyncIterator[Bay]:
    made = a_bay(tmp_path)
    await made.start()
    yield made
    await made.stop()
    made.network.close()  # type: ignore[attr-defined]  # the flat one
    made.journal.close()


def full(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_full_disk_refuses_a_program_and_changes_nothing(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bay.plc("plc1").upload()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"program\.st"):
        bay.download("plc1", PROGRAM)
    assert bay.plc("plc1").upload() == before
    assert not list((bay.folder / "plc1").glob("program*"))


async def test_a_full_disk_refuses_a_configuration_and_changes_nothing(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = bay.line.device("plc1")
    await bay.rack.configure("plc1", "allow: []\n")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"configuration") as refused:
        bay.configurations.keep(spec, "allow: [10.20.3.20]\n")
    assert "make room" in refused.value.text.en
    assert bay.configurations.current(spec) == "allow: []\n"
    assert len(bay.configurations.versions(spec)) == 1


async def test_a_configuration_that_cannot_be_kept_is_not_left_in_force(
    bay: Bay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StartError) as refused:
        await bay.rack.configure("plc1", "# nothing\n")
    assert "former one is back" in refused.value.text.en
    assert bay.rack.statuses()[0].health.state == "ok"
    assert not bay.configurations.versions(bay.line.device("plc1"))


async def test_a_program_that_is_none_is_neither_kept_nor_installed(bay: Bay) -> None:
    with pytest.raises(StError):
        bay.download("plc1", "PROGRAM main x := ; END_PROGRAM")
    assert not (bay.folder / "plc1" / "program.st").exists()


@pytest.mark.parametrize("left", [b"", b"PROGRAM ma", b"\xff\xfe"])
def test_a_kept_program_that_cannot_be_used_gives_way_to_the_lines_own(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "plc1").mkdir()
    (tmp_path / "plc1" / "program.st").write_bytes(left)
    bay = a_bay(tmp_path)
    assert bay.plc("plc1").upload() == bay.default_program(bay.line.device("plc1"))
    assert bay.journal.about("plc1", 1)[0]["event"] == "plc_program_unusable"
    bay.journal.close()


async def test_a_programs_fault_and_a_download_are_in_the_journal(bay: Bay) -> None:
    bay.download("plc1", "PROGRAM main VAR a : INT; b : INT; END_VAR a := 1 / b; END_PROGRAM")
    bay.scan(0.1)
    assert [entry["event"] for entry in bay.journal.about("plc1", 5)][-2:] == ["plc_download", "plc_fault"]
