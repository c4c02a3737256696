"""`lab speed`, `lab pause`, `lab resume`, `lab reset`: the plant's time."""

from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.options import LabName, attach
from lab.cli.output import say, tell
from simulators.clock import SPEED_MAX, SPEED_MIN


def speed(
    name: LabName,
    factor: Annotated[
        float, argument(("FACTEUR", "FACTOR"), ("de 1 à 100", "from 1 to 100"), min=SPEED_MIN, max=SPEED_MAX)
    ],
) -> None:
    with attach(name) as lab:
        lab.request("speed", speed=factor)
    tell(f"{name} tourne à ×{factor:g}.", f"{name} runs at ×{factor:g}.")


def pause(name: LabName) -> None:
    with attach(name) as lab:
        lab.request("pause")
    tell(
        f"{name} est en pause ; « lab resume {name} » reprend.",
        f"{name} is paused; 'lab resume {name}' goes on.",
    )


def resume(name: LabName) -> None:
    with attach(name) as lab:
        lab.request("resume")
    tell(f"{name} a repris.", f"{name} goes on.")


def reset(
    name: LabName,
    factory: Annotated[
        bool,
        typer.Option(
            "--factory",
            help=say(
                "configurations et programmes d'origine aussi", "original configurations and programs too"
            ),
        ),
    ] = False,
) -> None:
    with attach(name) as lab:
        lab.request("reset", factory=factory)
    tell(f"{name} est revenu au départ.", f"{name} is back at its start.")


def register(app: typer.Typer) -> None:
    app.command(help=say("Change la vitesse du temps simulé.", "Change the speed of simulated time."))(speed)
    app.command(help=say("Met la ligne en pause.", "Pause the line."))(pause)
    app.command(help=say("Reprend après une pause.", "Go on after a pause."))(resume)
    app.command(help=say("Ramène la ligne à son départ.", "Bring the line back to its start."))(reset)
