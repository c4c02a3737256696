"""What labs keep on a disk is bounded, whoever writes it and however; what is small stays."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.runtimes.docker import storage
from lab.runtimes.docker.storage import (
    ENTRY_BYTES,
    FOLDER_BYTES,
    STEP_BYTES,
    STEP_FILES,
    Kept,
    StorageWatch,
    Used,
    used,
)
from simulators.errors import StartError
from tests.waiting import eventually

MIB = 1 << 20


def written(path: Path, size: int) -> Path:
    """A file that takes its size of the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "lab"
    made.mkdir()
    return made


def test_a_folder_is_what_it_takes_of_the_disk_without_what_counts_for_itself(folder: Path) -> None:
    assert Kept(folder, ()).size() == ENTRY_BYTES
    written(folder / "plc1" / "retained.json", 10)
    written(folder / "history.db", MIB)
    assert Kept(folder, (), frozenset({"plc1"})).size() == MIB + ENTRY_BYTES
    assert Kept(folder / "plc1", ()).size() == 2 * ENTRY_BYTES
    with (folder / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 40)
    assert Kept(folder, (), frozenset({"plc1"})).size() == MIB + 2 * ENTRY_BYTES
    # One that went meanwhile has nothing.
    assert Kept(folder / "gone", ()).size() == 0


def test_the_largest_go_and_what_is_small_stays(folder: Path) -> None:
    small = written(folder / "plc1" / "configuration.yaml", 100)
    middle = written(folder / "plc1" / "history.db", MIB)
    large = [written(folder / "plc1" / "deep" / str(n), 2 * MIB) for n in range(3)]
    other = written(folder / "gateway" / "bomb", 4 * MIB)
    Kept(folder, (), frozenset({"gateway"})).trim(2 * MIB)
    assert (small.exists(), middle.exists(), other.exists()) == (True, True, True)
    assert not any(path.exists() for path in large)


def test_a_folder_within_its_bound_is_left_alone(folder: Path) -> None:
    kept = written(folder / "history.db", MIB)
    Kept(folder, ()).trim(2 * MIB)
    assert kept.exists()


@pytest.mark.parametrize("what", ["folders", "files"])
def test_many_that_are_empty_count(folder: Path, what: str) -> None:
    for number in range(300):
        place = folder / str(number)
        place.mkdir() if what == "folders" else place.touch()
    assert Kept(folder, ()).size() == 301 * ENTRY_BYTES
    Kept(folder, ()).trim(100 * ENTRY_BYTES)
    assert list(folder.iterdir()) == []


def test_a_folder_too_deep_to_be_looked_at_is_emptied(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            here, before = os.open("d", os.O_RDONLY, dir_fd=here), here
            os.close(before)
    finally:
        os.close(here)
    assert Kept(folder, ()).size() is None
    Kept(folder, ()).trim(MIB)
    assert list(folder.iterdir()) == []


def test_links_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    outside = written(tmp_path / "outside" / "precious", 4 * MIB)
    (folder / "file").symlink_to(outside)
    (folder / "folder").symlink_to(outside.parent)
    assert Kept(folder, ()).size() == 2 * ENTRY_BYTES
    Kept(folder, ()).trim(0)
    assert outside.exists()
    assert list(folder.iterdir()) == []


@dataclass
class FakeLab:
    """On a disk of its own, with folders of these sizes (bytes); `shrunk` are those that had too much."""

    sizes: dict[str, int] = field(default_factory=dict)
    shrunk: list[str] = field(default_factory=list)
    looks: int = 0

    def used(self) -> Used:
        return Used(sum(self.sizes.values()), len(self.sizes))

    def kept(self) -> list[Kept]:
        self.looks += 1
        return [FakeKept(self, name) for name in self.sizes]

    async def shrink(self, kept: Kept, size: int | None) -> None:
        if size is None:
            raise StartError("moteur absent", "no engine")
        self.shrunk.append(kept.folder.name)
        self.sizes[kept.folder.name] = 0


class FakeKept(Kept):
    def __init__(self, lab: FakeLab, name: str) -> None:
        super().__init__(Path(name), (name,))
        self._size = lab.sizes[name]

    def size(self) -> int | None:
        return None if self._size < 0 else self._size


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOOK_S", 0.01)


@asynccontextmanager
async def watching(lab: FakeLab) -> AsyncIterator[None]:
    task = asyncio.create_task(StorageWatch(lambda: [lab], lab.used).run())
    await asyncio.sleep(0.05)
    yield
    assert not task.done()
    task.cancel()


@pytest.mark.usefixtures("quick")
async def test_who_has_more_than_a_share_is_shrunk_as_the_disk_fills() -> None:
    lab = FakeLab({"plc1": 10, "plc2": 10})
    async with watching(lab):
        assert lab.looks == 0
        lab.sizes["plc1"] = FOLDER_BYTES
        await eventually(lambda: lab.looks == 1)
        lab.sizes["plc2"] = FOLDER_BYTES + 1
        await eventually(lambda: lab.shrunk)
        assert lab.shrunk == ["plc2"]


@pytest.mark.usefixtures("quick")
async def test_little_more_on_the_disk_is_not_worth_a_look_and_what_is_removed_hides_nothing() -> None:
    lab = FakeLab({"plc1": 1 << 40, "plc2": 0})
    async with watching(lab):
        lab.sizes["plc2"] = STEP_BYTES - 1
        await asyncio.sleep(0.1)
        assert lab.looks == 0
        del lab.sizes["plc1"]
        await asyncio.sleep(0.1)
        lab.sizes["plc2"] = 2 * STEP_BYTES
        await eventually(lambda: lab.looks == 1)


@pytest.mark.usefixtures("quick")
async def test_many_more_files_are_worth_a_look() -> None:
    lab = FakeLab()
    async with watching(lab):
        lab.sizes.update({str(number): 0 for number in range(STEP_FILES)})
        await eventually(lambda: lab.looks == 1)


@pytest.mark.usefixtures("quick")
async def test_what_grew_unseen_is_seen_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOOK_ANYWAY_S", 0.02)
    lab = FakeLab({"plc1": FOLDER_BYTES + 1})
    async with watching(lab):
        await eventually(lambda: lab.shrunk == ["plc1"])


@pytest.mark.usefixtures("quick")
async def test_an_engine_that_does_not_answer_ends_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "LOOK_ANYWAY_S", 0.02)
    lab = FakeLab({"closed": -1, "plc1": FOLDER_BYTES + 1})
    async with watching(lab):
        await eventually(lambda: lab.shrunk == ["plc1"])
        await eventually(lambda: lab.looks > 2)


def test_how_full_a_disk_is(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    seen = used(tmp_path)
    assert 0 < seen.bytes <= disk.f_blocks * disk.f_frsize
    assert 0 <= seen.files <= disk.f_files
