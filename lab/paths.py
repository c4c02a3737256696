"""Where the orchestrator keeps its files."""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from simulators.errors import InputError
from simulators.os_errors import os_words

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
NAME_CHARACTERS = 40
SOCKET_BYTES = 107  # unix(7): 108 with the end of the string


@dataclass(frozen=True)
class Paths:
    """`home` is `$USINE_HOME`, else `usine-ecole` in the user's state folder.

    `run` holds sockets, tokens and the handles of what runs, for the user alone; `labs` one folder a lab,
    which survives its end.
    """

    home: Path

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def labs(self) -> Path:
        return self.home / "labs"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def supervisor_token(self) -> Path:
        return self.run / "supervisor.token"

    @property
    def supervisor_log(self) -> Path:
        return self.run / "supervisor.log"

    def lab(self, name: str) -> Path:
        return self.labs / name

    def control(self, name: str) -> Path:
        return self.run / f"{name}.sock"

    def container(self, name: str) -> Path:
        """The sockets that the containers of a lab share with the orchestrator."""
        return self.run / f"{name}.d"

    def handle(self, name: str) -> Path:
        return self.run / f"{name}.json"

    def prepare(self) -> None:
        """Make the folders, closed to other users.

        Raises:
            InputError: they cannot be made, or are too deep for the supervisor's socket.
        """
        check_socket(self.supervisor_socket)
        try:
            for folder in (self.home, self.run, self.labs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            why = os_words(error)
            raise InputError(
                f"{self.home} : {why.fr} ; donnez un autre dossier par la variable USINE_HOME",
                f"{self.home}: {why.en}; give another folder in the variable USINE_HOME",
            ) from error

    def token(self) -> str:
        """The supervisor's token, made at the first call."""
        if not self.supervisor_token.exists():
            descriptor = os.open(self.supervisor_token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
        return self.supervisor_token.read_text(encoding="ascii")


def check_socket(path: Path) -> None:
    """Raises: InputError: too long to be the path of a Unix socket."""
    size = len(os.fsencode(path))
    if size > SOCKET_BYTES:
        raise InputError(
            f"{path} : chemin trop long pour une socket ({size} octets, {SOCKET_BYTES} au plus) ; "
            "donnez un dossier plus court par la variable USINE_HOME, ou au labo un nom plus court",
            f"{path}: path too long for a socket ({size} bytes, {SOCKET_BYTES} at most); "
            "give a shorter folder in the variable USINE_HOME, or the lab a shorter name",
        )


def default_paths() -> Paths:
    """The paths of this user and environment."""
    chosen = os.environ.get("USINE_HOME")
    if chosen:
        return Paths(Path(chosen).absolute())
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Paths(Path(state) / "usine-ecole")


def check_name(name: str) -> str:
    """`name` if a lab can have it.

    Raises:
        InputError: it cannot.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"{name} : nom de labo refusé ; minuscules, chiffres et tirets, 40 signes au plus",
            f"{name}: not a lab's name; lower-case letters, digits and hyphens, 40 characters at most",
        )
    return name
