"""A line's files as they go from one machine to another."""

from pathlib import Path

from simulators.errors import InputError
from simulators.model import load_line

LINE_FILE = "line.yaml"
BYTES_MAX = 2 << 20


def packed(path: Path) -> dict[str, str]:
    """The line at `path`, with the programs and configurations that it names: name → text. Raises: InputError."""
    line = load_line(path)
    names = {name for device in line.devices for name in (device.program, device.config) if name}
    return {
        "": line.id,
        LINE_FILE: path.read_text(encoding="utf-8"),
        **{name: line.text_of(name) for name in sorted(names)},
    }


def unpacked(files: dict[str, str], folder: Path) -> Path:
    """Write it below `folder`, in a folder called as the line; returns the path of its `line.yaml`.

    Raises:
        InputError: a name leads out of the folder, or it is too much.
    """
    own = folder / files[""]
    if sum(map(len, files.values())) > BYTES_MAX:
        raise InputError("les fichiers de la ligne sont trop gros", "the line's files are too large")
    for name, text in files.items():
        if not name:
            continue
        path = own / name
        if not path.resolve().is_relative_to(own.resolve()):
            raise InputError(f"{name} sort du dossier de la ligne", f"{name} leads out of the line's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return own / LINE_FILE
