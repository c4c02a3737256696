"""`lab ps`: the labs there are."""

import time

import typer

from lab.cli.options import AsJson, supervisor
from lab.cli.output import console, print_json, say, table, tell

STATES = {
    "starting": ("démarre", "starting"),
    "running": ("en marche", "running"),
    "failed": ("en panne", "failed"),
}


def ps(as_json: AsJson = False) -> None:
    labs = supervisor().list()
    if as_json:
        print_json(labs)
        return
    if not labs:
        tell("Aucun labo. Lancez « lab start bottling ».", "No lab. Use 'lab start bottling'.")
        return
    made = table(
        say("Labo", "Lab"), say("Ligne", "Line"), say("État", "State"), say("Depuis", "For"), "PID",
        say("Graine", "Seed"), say("Redémarrages", "Restarts"), "",
    )  # fmt: skip
    for lab in labs:
        age_s = int(time.time() - lab.started_unix_s)
        made.add_row(
            lab.name, lab.line, say(*STATES[lab.state]), f"{age_s // 60} min {age_s % 60} s",
            str(lab.pid or ""), str(lab.seed), str(lab.restarts), lab.detail or ", ".join(lab.machines),
        )  # fmt: skip
    console.print(made)


def register(app: typer.Typer) -> None:
    app.command(help=say("Liste les labos.", "List the labs."))(ps)
