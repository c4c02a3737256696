"""`lab up`: everything, in the foreground: supervisor, web pages and one lab."""

import os
import signal
import subprocess
import time
from typing import Annotated

import typer

from lab.cli.background import ensure_supervisor
from lab.cli.commands.start import start_lab
from lab.cli.grammar import argument
from lab.cli.options import Flat, Runtime, Seed, Speed, supervisor
from lab.cli.output import console, say, tell
from lab.cli.pages import WebProcess, free_port
from lab.paths import default_paths
from lab.runtimes.names import VARIABLE, chosen_runtime
from simulators.errors import UsineError

LOOK_S = 0.5


def up(
    line: Annotated[
        str, argument(("LIGNE", "LINE"), ("ligne, ou chemin d'un line.yaml", "line, or path of a line.yaml"))
    ] = "bottling",
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help=say(
                "port de la page (8000 ou le premier libre)", "the page's port (8000, or the first free one)"
            ),
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help=say("nom du labo", "the lab's name"))] = None,
    seed: Seed = None,
    speed: Speed = 1.0,
    flat: Flat = False,
    runtime: Runtime = "local",
) -> None:
    # Pages start labs on it too, in a process of their own.
    os.environ[VARIABLE] = chosen_runtime({VARIABLE: runtime})
    paths = default_paths()
    listening = free_port(port)
    ours = ensure_supervisor(paths)
    web = started = None
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        web = WebProcess(paths, listening)
        started = start_lab(
            line, name, seed, speed, flat, quiet=not console.is_terminal, runtime=runtime
        ).name
        web.wait_ready()
        tell(
            f"Labo [bold]{started}[/] en marche. Page (lien à usage unique) :",
            f"Lab [bold]{started}[/] runs. Page (one-time link):",
        )
        console.print(web.link, highlight=False, soft_wrap=True)
        tell("Ctrl-C arrête tout.", "Ctrl-C stops everything.")
        while True:
            time.sleep(LOOK_S)
            if web.mend():
                tell(
                    "La page s'était arrêtée : elle redémarre.", "The page had stopped: it is started again."
                )
            if ours is not None and ours.poll() is not None:
                ours = ensure_supervisor(paths)
                tell(
                    "Le superviseur s'était arrêté : il redémarre.",
                    "The supervisor had stopped: it is started again.",
                )
    except KeyboardInterrupt:
        tell("Arrêt…", "Stopping…")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if web is not None:
            web.end()
        _end(ours, started)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end(ours: subprocess.Popen[bytes] | None, started: str | None) -> None:
    """A supervisor that was there before stays, with its other labs."""
    client = supervisor()
    try:
        if ours is not None:
            client.shutdown(labs=True)
            ours.wait(10)
        elif started is not None:
            client.stop(started)
    except (UsineError, subprocess.TimeoutExpired):
        if ours is not None:
            ours.terminate()


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Démarre tout (superviseur, page, un labo) ; Ctrl-C arrête tout.",
            "Start everything (supervisor, page, one lab); Ctrl-C stops everything.",
        )
    )(up)
