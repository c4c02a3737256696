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
from waitress.server import BaseWSGIServer

from lab.connection import SupervisorClient
from lab.paths import default_paths
from lab.training.service import open_training
from simulators.errors import StartError, UsineError
from simulators.os_errors import os_words
from web.app import create_app
from web.settings import Settings

THREADS = 256  # a stream holds one; see settings.STREAMS_MAX
CONNECTIONS_MAX = 1000
BACKLOG = 1024


def make_server(settings: Settings, host: str, port: int) -> BaseWSGIServer:
    """A server that listens on `host`:`port` (0: the system chooses) and answers once `run` is called.

    Raises:
        StartError: the port is taken.
    """
    listener = _listen(host, port)
    return waitress.create_server(
        create_app(settings),
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until killed. `USINE_DATABASE` in the environment is the database, where it is not the user's own file."""
    parser = argparse.ArgumentParser(prog="python -m web.serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
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
        )
        server = make_server(settings, given.host, given.port)
    except UsineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    training.keep_sweeping()
    training.keep_stocking()
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
