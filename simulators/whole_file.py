"""A file that a person asked for: it is there when it is whole, and nothing is left behind when it is not."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from simulators.errors import InputError
from simulators.os_errors import unwritable


def check_place(path: Path) -> None:
    """Before what takes long. Raises: InputError: no file can stand there."""
    if path.is_dir():
        raise unwritable(path, IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)))
    if not path.absolute().parent.is_dir():
        raise InputError(
            f"{path} : dossier {path.parent} absent ; créez-le ou choisissez-en un autre",
            f"{path}: no folder {path.parent}; make it or choose another one",
        )


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A neighbour to be written in place of `path`, whose name it takes at the end of the block.

    A pipe or a device (`/dev/stdout`) is itself what is to be written.

    Raises:
        InputError: it cannot be written, or the block met an OSError; says what to do.
    """
    check_place(path)
    target = Path(os.path.realpath(path))  # a link stays one
    special = target.exists() and not target.is_file()
    part = target if special else target.with_name(target.name + ".part")
    try:
        yield part
        if not special:
            part.replace(target)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        if not special:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
