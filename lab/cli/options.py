"""Arguments and options that several commands share."""

from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.output import say
from lab.connection import LabConnection, SupervisorClient
from lab.paths import default_paths

ACTION = ("ACTION", "ACTION")
LAB, DEVICE, NAME = ("LABO", "LAB"), ("ÉQUIPEMENT", "DEVICE"), ("NOM", "NAME")
LabName = Annotated[str, argument(LAB, ("nom du labo (voir « lab ps »)", "the lab's name (see 'lab ps')"))]
LineName = Annotated[
    str, argument(("LIGNE", "LINE"), ("ligne, ou chemin d'un line.yaml", "line, or path of a line.yaml"))
]
DeviceName = Annotated[str, argument(DEVICE, ("équipement de la ligne", "device of the line"))]
AsJson = Annotated[bool, typer.Option("--json", help=say("résultat en JSON", "result as JSON"))]
Seed = Annotated[int | None, typer.Option(help=say("graine ; au hasard sinon", "seed; random otherwise"))]
Speed = Annotated[
    float, typer.Option(min=1, max=100, help=say("vitesse, de 1 à 100", "speed, from 1 to 100"))
]
Flat = Annotated[
    bool,
    typer.Option(
        "--flat", help=say("sans zones : tout sur la boucle locale", "no zones: everything on loopback")
    ),
]

Runtime = Annotated[
    str,
    typer.Option(
        envvar="USINE_RUNTIME",
        help=say(
            "ce qui porte le labo : local, docker, docker-compact",
            "what carries the lab: local, docker, docker-compact",
        ),
    ),
]


Spread = Annotated[
    bool,
    typer.Option(
        "--spread",
        help=say(
            "répartit les équipements du labo sur les machines de l'essaim (runtime swarm)",
            "spread the lab's devices over the swarm's machines (runtime swarm)",
        ),
    ),
]


def supervisor() -> SupervisorClient:
    """The client of this user's supervisor."""
    return SupervisorClient(default_paths())


def attach(name: str) -> LabConnection:
    """A connection to the lab. Raises: NotFoundError."""
    return supervisor().attach(name)
