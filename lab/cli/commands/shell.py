"""`lab shell`: the student's own shell, inside a zone of the lab."""

import os
import shutil
from typing import Annotated

import typer

from lab.cli.options import LabName, attach
from lab.cli.output import say, tell
from lab.runtimes.zone import ZoneEntry, enter
from simulators.errors import ToolMissingError


def shell(
    name: LabName,
    zone: Annotated[str, typer.Option(help=say("zone où entrer", "zone to enter"))] = "control",
    command: Annotated[
        str | None,
        typer.Option("-c", "--command", help=say("une commande, puis sortir", "one command, then leave")),
    ] = None,
) -> None:
    with attach(name) as lab:
        entry = lab.request("enter", zone=zone)
    if entry is None:
        raise ToolMissingError(
            "les zones ne sont pas séparées sur cette machine : utilisez « lab endpoints »",
            "zones are not enforced on this machine: use 'lab endpoints'",
        )
    program = os.environ.get("SHELL") or shutil.which("bash") or "/bin/sh"
    if command is None:
        tell(
            f"Vous êtes dans la zone [bold]{zone}[/] de {name}, à l'adresse {entry['address']}. « exit » en sort.",
            f"You are in zone [bold]{zone}[/] of {name}, at address {entry['address']}. 'exit' leaves it.",
        )
    enter(ZoneEntry(entry["pid"], entry["user"], entry["net"]))
    os.environ["PS1"] = f"[{name}:{zone}] \\w $ "
    arguments = [program] if command is None else [program, "-c", command]
    os.execv(program, arguments)


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Ouvre un terminal dans une zone du labo.", "Open a terminal in a zone of the lab.")
    )(shell)
