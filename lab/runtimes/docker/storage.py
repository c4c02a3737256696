"""What labs keep on this machine's disk, and how much of it: a device that is taken over does not fill the disk of all.

Folders that containers have from their machine bear no quota on the file systems that machines usually have. So they are
looked at when the disk fills up: whoever has more than a share is ended and its largest files go; then it starts again.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from simulators.errors import UsineError

FOLDER_BYTES = 1 << 30
# What is left of a folder that had more.
TRIMMED_BYTES = FOLDER_BYTES // 2
# What an empty file takes of the disk, more or less.
ENTRY_BYTES = 1 << 12
LOOK_S, LOOK_ANYWAY_S = 0.5, 60.0
# So much more on the disk is worth a look.
STEP_BYTES, STEP_FILES = 64 << 20, 10_000
CLEARED_LIMIT_S = 60


@dataclass(frozen=True)
class Kept:
    """A folder that the containers of these parts write to; `apart` names folders in it that count for themselves."""

    folder: Path
    parts: tuple[str, ...]
    apart: frozenset[str] = frozenset()

    def size(self) -> int | None:
        """What it takes of the disk, 0 where it is gone, None where that cannot be told: too deep, or closed to us."""
        sizes = self._sizes()
        return None if sizes is None else sum(sizes)

    def trim(self, most: int) -> None:
        """Remove the largest files, so that `most` bytes are left or less; all that there is, where that does not do."""
        self._remove_largest(most)
        left = self.size()
        if left is None or left > most:
            inside = [str(path) for path in self.folder.iterdir() if path.name not in self.apart]
            subprocess.run(["rm", "-rf", "--", *inside], timeout=CLEARED_LIMIT_S, capture_output=True)

    def _remove_largest(self, most: int) -> None:
        sizes = sorted(self._sizes() or (), reverse=True)
        left = sum(sizes)
        removed = 0
        while removed < len(sizes) and left > most:
            left -= sizes[removed]
            removed += 1
        if not removed:
            return
        for folder, name, size in self._entries([]):
            if name and size >= sizes[removed - 1]:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=folder)

    def _sizes(self) -> list[int] | None:
        failed: list[OSError] = []
        try:
            sizes = [size for _folder, _name, size in self._entries(failed)]
        except FileNotFoundError:
            return []
        except RecursionError:
            return None
        return None if any(not isinstance(error, FileNotFoundError) for error in failed) else sizes

    def _entries(self, failed: list[OSError]) -> Iterator[tuple[int, str, int]]:
        """(descriptor of the folder, name, bytes) of each file; a folder itself has no name.

        By descriptors, never through a link: whoever writes there could set one while root looks.
        """
        for path, folders, files, descriptor in os.fwalk(self.folder, onerror=failed.append):
            if Path(path) == self.folder:
                folders[:] = [name for name in folders if name not in self.apart]
            yield descriptor, "", ENTRY_BYTES
            for name in files:
                try:
                    seen = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield descriptor, name, max(ENTRY_BYTES, seen.st_blocks * 512)


class Used(NamedTuple):
    """Of a file system, by all who write there."""

    bytes: int
    files: int


def used(folder: Path) -> Used:
    """Of the one that the folder is on. Raises: OSError: there is no such folder."""
    disk = os.statvfs(folder)
    return Used((disk.f_blocks - disk.f_bfree) * disk.f_frsize, disk.f_files - disk.f_ffree)


class Stored(Protocol):
    """A lab, or what of it is on this machine."""

    def kept(self) -> list[Kept]: ...

    async def shrink(self, kept: Kept, size: int | None) -> None:
        """End who writes there, and remove what is too much. Raises: UsineError."""
        ...


class StorageWatch:
    """Of all the labs of a machine: `labs` gives those of now, `used` how full the disk is that their folders are on."""

    def __init__(self, labs: Callable[[], Iterable[Stored]], used: Callable[[], Used]) -> None:
        self._labs, self._used = labs, used

    async def run(self) -> None:
        """Look when the disk has got fuller, and now and then, for ever."""
        loop = asyncio.get_running_loop()
        seen, looked = self._used(), loop.time()
        while True:
            await asyncio.sleep(LOOK_S)
            now = self._used()
            # What others remove does not hide what a lab writes.
            seen = Used(*map(min, seen, now))
            more = now.bytes - seen.bytes >= STEP_BYTES or now.files - seen.files >= STEP_FILES
            if more or loop.time() - looked > LOOK_ANYWAY_S:
                # From before the look: what was written during it is seen at the next one.
                seen, looked = now, loop.time()
                await self.look()

    async def look(self) -> None:
        """Shrink whatever has more than its share."""
        for lab in list(self._labs()):
            for kept, size in await asyncio.to_thread(_too_large, lab.kept()):
                # What cannot be done now is tried at the next look.
                with contextlib.suppress(UsineError, OSError, subprocess.SubprocessError):
                    await lab.shrink(kept, size)


def _too_large(folders: Iterable[Kept]) -> list[tuple[Kept, int | None]]:
    sizes = [(kept, kept.size()) for kept in folders]
    return [(kept, size) for kept, size in sizes if size is None or size > FOLDER_BYTES]
