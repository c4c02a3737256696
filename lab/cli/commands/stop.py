"""`lab stop`: end a lab, or all."""

from typing import Annotated

import typer

from lab.cli.grammar import MisuseError, argument
from lab.cli.options import LAB, supervisor
from lab.cli.output import say, tell


def stop(
    name: Annotated[str | None, argument(LAB, ("nom du labo", "the lab's name"))] = None,
    every: Annotated[bool, typer.Option("--all", help=say("tous les labos", "all labs"))] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help=say("efface aussi ses fichiers", "delete its files too"))
    ] = False,
) -> None:
    if (name is None) == (not every):
        raise MisuseError(
            "donnez un nom de labo, ou --all pour tous", "give a lab's name, or --all for all of them"
        )
    client = supervisor()
    names = [lab.name for lab in client.list()] if name is None else [name]
    for each in names:
        client.stop(each, forget)
        tell(f"Labo {each} arrêté.", f"Lab {each} stopped.")
    if not names:
        tell("Aucun labo ne tournait.", "No lab was running.")
    if every and client.running():
        client.shutdown(labs=True)


def register(app: typer.Typer) -> None:
    app.command(help=say("Arrête un labo, ou tous.", "Stop a lab, or all."))(stop)
