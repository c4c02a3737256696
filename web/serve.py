"""Serve the pages with waitress; the supervisor starts this as a process of its own."""

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import waitress
from flask import Flask
from waitress.server import BaseWSGIServer

from lab.connection import SupervisorClient
from lab.paths import default_paths
from lab.training.people import TrainingPeople
from lab.training.service import open_training
from simulators.errors import StartError, UsineError
from simulators.os_errors import os_words
from web.app import create_app
from web.settings import Settings
from web.terminals import TerminalLimits, idle_limit_s

THREADS = 256  # a stream holds one; see settings.STREAMS_MAX
CONNECTIONS_MAX = 1000
BACKLOG = 1024
FIRST_LINK_MINUTES = 12 * 60.0


def make_server(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A server of `app` that listens on `host`:`port` (0: the system chooses) and answers once `run` is called.

    Raises:
        StartError: the port is taken.
    """
    listener = _listen(host, port)
    return waitress.create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=CONNECTIONS_MAX,
        ident=None,  # no need to tell who serves
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os_words(error)
        raise StartError(
            f"les pages ne peuvent pas écouter sur {host}:{port} ({why.fr}) ; choisissez un autre port avec --port",
            f"the pages cannot listen on {host}:{port} ({why.en}); choose another port with --port",
        ) from error


def secret_key(folder: Path) -> str:
    """What signs the sessions of this user's pages: drawn once, kept in `folder`, so that a restart ends none.

    Raises:
        StartError: it cannot be kept.
    """
    path = folder / "web.secret"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError), open(path, "x", encoding="ascii", opener=_private) as file:
            file.write(secrets.token_hex(32))
        return path.read_text(encoding="ascii")
    except OSError as error:
        why = os_words(error)
        raise StartError(
            f"{path} : {why.fr} ; donnez un autre dossier par la variable USINE_HOME",
            f"{path}: {why.en}; give another folder in the variable USINE_HOME",
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def welcome_first(people: TrainingPeople, url: str) -> None:
    """Where nobody can launch anything yet, print a link for the one who installs this."""
    if any(person.role == "instructor" and person.active for person in people.all()):
        return
    link = people.link(people.owner(), FIRST_LINK_MINUTES)
    at = f"{url.rstrip('/')}/login/{link.token}"
    sys.stdout.write(
        f"Premier formateur, lien à usage unique, {FIRST_LINK_MINUTES / 60:.0f} h / "
        f"First instructor, one-time link, {FIRST_LINK_MINUTES / 60:.0f} h:\n{at}\n"
    )
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until killed.

    In the environment: `USINE_DATABASE` (the database, where it is not the user's own file), `USINE_RUNTIME` (what carries the
    labs that pages start), `USINE_TERMINAL_IDLE_MIN`.
    """
    parser = argparse.ArgumentParser(prog="python -m web.serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--first-instructor",
        metavar="URL",
        help="where no instructor has an account: make one, and print a link of these pages that opens once",
    )
    given = parser.parse_args(arguments)
    # Nothing here is lost by ending at once; waitress would wait five seconds for the streams.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    paths = default_paths()
    try:
        labs = SupervisorClient(paths)
        training = open_training(paths, labs)
        settings = Settings(
            labs=labs,
            people=training.people,
            sittings=training.sittings,
            cohorts=training.cohorts,
            classroom=training.classroom,
            secret_key=secret_key(paths.run),
            terminal_limits=TerminalLimits(idle_limit_s(os.environ.get("USINE_TERMINAL_IDLE_MIN", "15"))),
        )
        server = make_server(create_app(settings), given.host, given.port)
        if given.first_instructor:
            welcome_first(training.people, given.first_instructor)
    except UsineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    training.keep_sweeping()
    training.keep_stocking()
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
