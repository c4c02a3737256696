"""What the container engine of this machine is, and has left."""

import grp
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.runtimes.docker import images
from lab.runtimes.docker.engine import Engine, address
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.settings import Settings
from simulators.errors import UsineError
from simulators.model import Line
from simulators.text import Text

# What labs are made of; the database is the platform's own.
LAB_STAGES = ("device", "workstation", "platform")


@dataclass(frozen=True)
class EngineFacts:
    """`trouble` says why there is none that serves. `images` are (name, there, of this version), `labs` those that the pool has room for."""

    trouble: Text | None = None
    version: str = ""
    cgroups: str = ""
    storage: str = ""
    images: Sequence[tuple[str, bool, bool]] = ()
    labs: int = 0
    pool_trouble: Text | None = None


def look(chosen: Settings, line: Line) -> EngineFacts:
    """The engine of this environment; an absent one is a fact too."""
    try:
        with Engine() as engine:
            version = engine.version()
            about: dict[str, Any] = engine.info()
            rows = images.described(engine, chosen)
            used = engine.subnets()
    except UsineError as error:
        return EngineFacts(trouble=error.text)
    wanted = {chosen.image(stage) for stage in LAB_STAGES}
    found = [(str(r["image"]), bool(r["there"]), bool(r["current"])) for r in rows if r["image"] in wanted]
    labs, trouble = _room(chosen.pool, line, used)
    return EngineFacts(
        None,
        version,
        str(about.get("CgroupVersion", "?")),
        str(about.get("Driver", "?")),
        tuple(found),
        labs,
        trouble,
    )


def _room(pool: str, line: Line, used: list[str]) -> tuple[int, Text | None]:
    try:
        return Pool(pool).capacity(line, used), None
    except UsineError as error:
        return 0, error.text


def socket_path() -> Path | None:
    """The engine's socket, None where it is reached otherwise."""
    where = address()
    return Path(where.removeprefix("unix://")) if where.startswith("unix://") else None


def who_may(path: Path) -> list[str]:
    """Who may do everything with the engine, and so with the machine, by the socket's owner, group and mode. Raises: OSError."""
    found = path.stat()
    may = ["root"]
    if found.st_uid and found.st_mode & stat.S_IWUSR:
        may.append(f"uid {found.st_uid}")
    if found.st_mode & stat.S_IWGRP and found.st_gid:
        may += _members(found.st_gid)
    if found.st_mode & stat.S_IWOTH:
        may.append("*")
    return may


def _members(gid: int) -> list[str]:
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return [f"gid {gid}"]
    return [f"{group.gr_name}: {', '.join(group.gr_mem) or '–'}"]


def mine(path: Path) -> bool:
    """Whether this user may."""
    return os.access(path, os.R_OK | os.W_OK)
