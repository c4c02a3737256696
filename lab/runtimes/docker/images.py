"""The images that labs are made of: built from this project's own sources, and known by them."""

import hashlib
import io
import os
import tarfile
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import docker

from lab.runtimes.docker.engine import API_VERSION, SOURCE, Engine, address, told
from lab.runtimes.docker.settings import Settings
from simulators.errors import InputError, StartError, ToolMissingError

# Each stage of the Dockerfile, with those of our packages that its image has.
PACKAGES = {
    "device": ("simulators",),
    "workstation": ("simulators",),
    "platform": ("simulators", "lab", "scenarios"),
    "database": (),
}
STAGES = tuple(PACKAGES)
# What a build needs, beside the sources.
CONTEXT = (
    "Dockerfile", "certificates.none", "requirements.txt", "requirements-device.txt", "requirements-workstation.txt",
    "requirements-install.txt", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE",
)  # fmt: skip
SOURCES = ("simulators", "lab", "scenarios", "web", "frontend")
BUNDLE = "authority.pem"
PRINTED_LINES = 12  # of a step that fails, in the error
LEFT_OUT = {"__pycache__", "node_modules", ".mypy_cache"}
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

Say = Callable[[str], None]


def project_folder() -> Path:
    """Where the sources are. Raises: ToolMissingError: this installation has no Dockerfile beside it."""
    folder = Path(str(files("lab"))).parent
    if not (folder / "Dockerfile").exists():
        raise ToolMissingError(
            f"pas de Dockerfile dans {folder} ; construisez les images depuis une copie du projet",
            f"no Dockerfile in {folder}; build the images from a copy of the project",
        )
    return folder


@cache
def source_mark(stage: str) -> str:
    """Tells this version of what runs in an image from another's: of the text of every module there."""
    mark = hashlib.sha256()
    for package in PACKAGES[stage]:
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*.py")):
            mark.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return mark.hexdigest()[:16]


def check(engine: Engine, settings: Settings, stage: str) -> None:
    """Raises: ToolMissingError: the image is not there, or of another version of this project."""
    name = settings.image(stage)
    found = engine.image(name).get(SOURCE, "")
    if found not in {source_mark(stage), "unknown"}:
        raise ToolMissingError(
            f"l'image {name} vient d'une autre version ({found or '–'}) ; construisez-la de nouveau : « lab image »",
            f"image {name} is of another version ({found or '–'}); build it again: 'lab image'",
        )


def build(settings: Settings, stage: str, base: str | None, authority: Path | None, say: Say) -> int:
    """Build one stage; returns the image's size in bytes. `say` is told each step.

    Args:
        base: the image to stand on, in place of Debian's.
        authority: a bundle of certificates to trust while packages are fetched.

    Raises:
        ToolMissingError: no engine, or no sources here.
        StartError: a step fails; says which.
        InputError: the bundle cannot be read.
    """
    context = _context(project_folder(), authority)
    arguments = {name: value for name in PROXIES if (value := os.environ.get(name))}
    arguments |= {"SOURCE": source_mark(stage)}
    if base:
        arguments["BASE"] = base
    if authority:
        arguments["CA_BUNDLE"] = BUNDLE
    with told():
        api = docker.APIClient(base_url=address(), version=API_VERSION, timeout=None)
        steps: Iterator[dict[str, Any]] = api.build(
            fileobj=context, custom_context=True, tag=settings.image(stage), target=stage, buildargs=arguments,
            decode=True, rm=True, forcerm=True,
        )  # fmt: skip
        printed: deque[str] = deque(maxlen=PRINTED_LINES)
        for step in steps:
            if "error" in step:
                why = "\n".join([*printed, step["error"].strip()])
                raise StartError(
                    f"l'image {stage} ne se construit pas : {why}", f"image {stage} cannot be built: {why}"
                )
            words = str(step.get("stream", "")).strip()
            printed += words.splitlines()
            if words.startswith("Step "):
                say(words)
        return int(api.inspect_image(settings.image(stage))["Size"])


def _context(folder: Path, authority: Path | None) -> io.BytesIO:
    """The files of a build as an archive: named ones and the packages' sources, nothing else of the folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in CONTEXT:
            archive.add(folder / name, name)
        for package in SOURCES:
            archive.add(folder / package, package, filter=_kept)
        if authority is not None:
            try:
                archive.add(authority, BUNDLE)
            except OSError as error:
                raise InputError(
                    f"{authority} : certificats illisibles ({error.strerror})",
                    f"{authority}: cannot read the certificates ({error.strerror})",
                ) from error
    packed.seek(0)
    return packed


def _kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(entry.name).parts
    if LEFT_OUT & set(parts) or entry.name.endswith((".pyc", ".mo")):
        return None
    # The same sources make the same layers, whoever owns them and whenever they were checked out.
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    return entry


def described(engine: Engine, settings: Settings) -> list[dict[str, Any]]:
    """Each image: its name, whether it is there, whether it is of this version."""
    rows = []
    for stage in STAGES:
        name = settings.image(stage)
        try:
            found = engine.image(name).get(SOURCE, "")
        except ToolMissingError:
            rows.append({"image": name, "there": False, "current": False})
        else:
            rows.append({"image": name, "there": True, "current": found == source_mark(stage)})
    return rows
