"""What stands beside a compose file: secrets, for their owner alone, the line at its addresses, and what this machine is like.

Secrets are drawn once: writing the file again keeps them, for the database has them too.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.compose import line as of_line
from lab.compose import platform as of_platform
from lab.compose.document import placed
from lab.runtimes.docker.layout import DATA, FIELD, RUN, bus_address
from lab.runtimes.docker.pool import DEFAULT_POOL, POOL_VARIABLE
from lab.runtimes.docker.settings import DEFAULT_IMAGES, IMAGES_VARIABLE, ORDINARY_USER
from simulators.addressing import settle
from simulators.host.plan import BUS_SECRET_VARIABLE, TOKEN_VARIABLE, Plan
from simulators.model import Line

ENVIRONMENT = ".env"
DEFAULT_SOCKET = "/var/run/docker.sock"
SECRET_BYTES = 32
WEB_SECRET = "web.secret"  # noqa: S105 -- a file's name; web.serve reads it


@dataclass(frozen=True)
class Machine:
    """What a file for every machine leaves open. `owner` is whom the supervisor and the pages run as, `group` has the socket."""

    owner: str
    socket: str
    group: int
    pool: str
    images: str


def machine(environment: Mapping[str, str]) -> Machine:
    """This one, and this user: an ordinary one even for root."""
    root = os.geteuid() == 0
    owner = f"{ORDINARY_USER}:{ORDINARY_USER}" if root else f"{os.geteuid()}:{os.getegid()}"
    host = environment.get("DOCKER_HOST", "")
    socket = host.removeprefix("unix://") if host.startswith("unix://") else DEFAULT_SOCKET
    try:
        group = Path(socket).stat().st_gid
    except OSError:
        group = 0
    return Machine(
        owner, socket, group, environment.get(POOL_VARIABLE, DEFAULT_POOL),
        environment.get(IMAGES_VARIABLE, DEFAULT_IMAGES),
    )  # fmt: skip


def beside_name(file: Path) -> str:
    """The folder of a compose file, as the file names it."""
    return f"./{file.stem}.d"


def write(line: Line, file: Path, here: Machine) -> None:
    """All that `file` names. Raises: InputError: the pool is too small; OSError: it cannot be written."""
    folder = file.parent / beside_name(file)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _line_files(line, folder, here.pool)
    password = _kept(folder / "database.env", "POSTGRES_PASSWORD")
    _variables(folder / "database.env", {"POSTGRES_PASSWORD": password})
    database = of_platform.DATABASE
    url = f"postgresql://{database}:{password}@database/{database}"
    _variables(folder / "web.env", {"USINE_DATABASE": url})
    state = folder / "state"
    _state(state, here.owner)
    _environment(file.parent / ENVIRONMENT, here, state.absolute())


def _line_files(line: Line, folder: Path, pool: str) -> None:
    """The line at its addresses, which everybody may read, and the tokens of its devices, which nobody else may."""
    placed_line, subnets = placed(line, pool)
    shutil.rmtree(folder / "line", ignore_errors=True)
    settle(line, subnets, folder / "line")
    for path in (folder / "line", *(folder / "line").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    secret, token = (
        _kept(folder / "plant.env", BUS_SECRET_VARIABLE),
        _kept(folder / "plant.env", TOKEN_VARIABLE),
    )
    plan = Plan(
        name=line.id.replace("_", "-"), line=f"{of_line.LINE}/line.yaml", seed=1, folder=DATA,
        control=f"{RUN}/control.sock", token="", bus=bus_address(subnets[FIELD]),
    )  # fmt: skip
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    (folder / "plan.json").chmod(0o644)
    lab = of_line.laid_out(placed_line, subnets, secret)
    for part, variables in of_line.secrets_of(lab).items():
        _variables(folder / f"{part}.env", variables)
    _variables(folder / "plant.env", {BUS_SECRET_VARIABLE: secret, TOKEN_VARIABLE: token})


def _state(state: Path, owner: str) -> None:
    """The platform's folder, with what signs the sessions of the pages, which may only read there."""
    secret = state / "run" / WEB_SECRET
    for made in (state, secret.parent):
        made.mkdir(exist_ok=True, mode=0o700)
        _give(made, owner)
    if not secret.exists():
        _private(secret, secrets.token_hex(SECRET_BYTES))
        _give(secret, owner)


def _environment(path: Path, here: Machine, state: Path) -> None:
    """What is already said there stays, but for the pool, which the file was written for."""
    wanted = {
        "COMPOSE_PROFILES": f"{of_platform.PROFILE},{of_line.PROFILE}",
        "USINE_STATE": str(state),
        "USINE_USER": here.owner,
        "USINE_DOCKER_SOCKET": here.socket,
        "USINE_DOCKER_GROUP": str(here.group),
        POOL_VARIABLE: here.pool,
        IMAGES_VARIABLE: here.images,
        of_platform.POSTGRES_VARIABLE: f"{here.images}-database:latest",
    }
    _variables(path, {**wanted, **_read(path), POOL_VARIABLE: here.pool})


def _kept(path: Path, name: str) -> str:
    """The secret of that name in the file, or a new one."""
    return _read(path).get(name) or secrets.token_hex(SECRET_BYTES)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "=" in line and line[0] != "#"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def _variables(path: Path, variables: Mapping[str, str]) -> None:
    """A file of variables."""
    _private(path, "".join(f"{name}={value}\n" for name, value in variables.items()))


def _private(path: Path, text: str) -> None:
    """A file that is its owner's alone from its first byte."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _give(path: Path, owner: str) -> None:
    if os.geteuid() == 0:
        user, group = (int(word) for word in owner.split(":"))
        os.chown(path, user, group)
