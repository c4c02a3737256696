"""`lab checkpoint`, `lab restore`: a moment of a lab, kept and brought back."""

import typer

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import print_json, say, tell


def checkpoint(name: LabName, as_json: AsJson = False) -> None:
    with attach(name) as lab:
        taken = lab.request("checkpoint")
    if as_json:
        print_json(taken)
    else:
        tell(
            f"Point de reprise de {name} à {taken['t_s']:.0f} s ; « lab restore {name} » y revient.",
            f"Checkpoint of {name} at {taken['t_s']:.0f} s; 'lab restore {name}' goes back to it.",
        )


def restore(name: LabName, as_json: AsJson = False) -> None:
    with attach(name) as lab:
        taken = lab.request("restore")
    if as_json:
        print_json(taken)
    else:
        tell(
            f"{name} est revenu à {taken['t_s']:.0f} s, configurations comprises.",
            f"{name} is back at {taken['t_s']:.0f} s, configurations included.",
        )


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Garde l'état de la ligne et les configurations.", "Keep the line's state and configurations."
        )
    )(checkpoint)
    app.command(help=say("Revient au point de reprise.", "Go back to the checkpoint."))(restore)
