"""`lab shell`: the student's own shell inside a zone of the lab, or one on its workstation where the lab has one."""

import os
import shutil
from typing import Annotated, NoReturn

import typer

from lab.cli.options import LabName, attach, supervisor
from lab.cli.output import say, tell
from lab.cli.tty import attend, window
from lab.runtimes.zone import ZoneEntry, enter
from simulators.errors import InputError, StartError, ToolMissingError

LOCAL = "local"


def shell(
    name: LabName,
    zone: Annotated[str, typer.Option(help=say("zone où entrer", "zone to enter"))] = "control",
    command: Annotated[
        str | None,
        typer.Option("-c", "--command", help=say("une commande, puis sortir", "one command, then leave")),
    ] = None,
) -> None:
    runtime = next((lab.runtime for lab in supervisor().list() if lab.name == name), LOCAL)
    if runtime == LOCAL:
        _own(name, zone, command)
    _on_workstation(name, zone, command)


def _own(name: str, zone: str, command: str | None) -> NoReturn:
    """The user's own shell, in the network of the zone."""
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


def _on_workstation(name: str, zone: str, command: str | None) -> None:
    """A shell in the zone's container, shown on the user's terminal."""
    if command is not None:
        raise InputError(
            f"{name} est dans des conteneurs : -c n'y est pas ; passez la commande par l'entrée standard, "
            f"« echo 'nmap …' | lab shell {name} --zone {zone} »",
            f"{name} is in containers: there is no -c; give the command on standard input: "
            f"'echo 'nmap …' | lab shell {name} --zone {zone}'",
        )
    with supervisor().terminal(name, zone, *window()) as end:
        tell(
            f"Poste de travail de {name} dans la zone [bold]{zone}[/]. « exit » en sort.",
            f"Workstation of {name} in zone [bold]{zone}[/]. 'exit' leaves it.",
        )
        why = attend(end)
    if why == "idle":
        tell("Fermé : rien n'a été tapé depuis longtemps.", "Closed: nothing was typed for long.")
    elif why != "ended":
        raise StartError(
            f"le poste de travail de {name} s'est arrêté ; voyez « lab ps », puis rouvrez le terminal",
            f"the workstation of {name} has ended; see 'lab ps', then open the terminal again",
        )


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Ouvre un terminal dans une zone du labo.", "Open a terminal in a zone of the lab.")
    )(shell)
