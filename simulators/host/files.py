"""Files of a lab that must be whole, whatever happens while they are written."""

import os
from pathlib import Path

from simulators.errors import InputError


def keep_text(path: Path, text: str) -> None:
    """Write the file whole and to the disk, or leave the former one. Raises: InputError: it cannot be written."""
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(
            f"{path.name} ne peut pas être écrit ({error.strerror}) ; rien n'a changé : libérez de la place sur le "
            "disque, ou vérifiez les droits du dossier du labo",
            f"{path.name} cannot be written ({error.strerror}); nothing has changed: make room on the disk, or check "
            "the rights of the lab's folder",
        ) from error
