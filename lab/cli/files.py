"""Files of a person's that a command sends to a lab."""

from pathlib import Path

from simulators.errors import InputError
from simulators.os_errors import unreadable


def read_text(path: Path, limit_bytes: int) -> str:
    """The text in `path`. Raises: InputError: it cannot be read, is not UTF-8, or is longer than `limit_bytes`."""
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    if len(data) > limit_bytes:
        raise InputError(
            f"{path} : plus de {limit_bytes >> 10} Kio ; réduisez ou découpez ce fichier",
            f"{path}: more than {limit_bytes >> 10} KiB; make that file smaller or split it",
        )
    return text
