"""The lines there are: every folder of `scenarios/lines` with a `line.yaml`."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from simulators.errors import NotFoundError
from simulators.model import Line, load_line


def lines_folder() -> Path:
    """Where the lines stand."""
    return Path(str(files("scenarios"))) / "lines"


def line_names() -> list[str]:
    """The ids of the lines, sorted."""
    return sorted(path.parent.name for path in lines_folder().glob("*/line.yaml"))


def line_path(name: str) -> Path:
    """The `line.yaml` of the line called `name`, or of a path to a line of one's own.

    Raises:
        NotFoundError: there is none; says which there are.
    """
    own = Path(name)
    if own.suffix in {".yaml", ".yml"} and own.exists():
        return own.absolute()
    if (own / "line.yaml").exists() and ("/" in name or "\\" in name):
        return (own / "line.yaml").absolute()
    if name in line_names():
        return lines_folder() / name / "line.yaml"
    known = ", ".join(line_names())
    raise NotFoundError(
        f"ligne {name} inconnue ; choisissez parmi : {known}, ou donnez le chemin d'un line.yaml",
        f"unknown line {name}; choose one of: {known}, or give the path of a line.yaml",
    )


def line_argument(path: Path) -> str:
    """What a command calls the line at `path`: its name, or the path of one that is not of `lines_folder`."""
    return path.parent.name if path.parent.parent == lines_folder() else str(path)


def find_line(name: str) -> Line:
    """The line called `name` (or at that path). Raises: NotFoundError, InputError."""
    path = line_path(name)
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read(path: Path, _changed_ns: int) -> Line:
    return load_line(path)
