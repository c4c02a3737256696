"""`lab exercises`: the exercises there are."""

import typer

from lab.cli.options import AsJson
from lab.cli.output import console, print_json, say, table, tell


def exercises(as_json: AsJson = False) -> None:
    from lab.exercises import catalog

    found = [(exercise, catalog.unavailable(exercise)) for exercise in catalog.exercises()]
    if as_json:
        print_json([
            {
                "id": exercise.id, "track": exercise.track, "level": exercise.level, "title": exercise.title,
                "minutes": exercise.minutes, "unavailable": reason,
            }
            for exercise, reason in found
        ])  # fmt: skip
        return
    if not found:
        tell("Aucun exercice.", "No exercise.")
        return
    made = table(
        say("Exercice", "Exercise"),
        say("Parcours", "Track"),
        say("Niveau", "Level"),
        say("Titre", "Title"),
        "min",
        "",
    )
    for exercise, reason in found:
        made.add_row(
            exercise.id, exercise.track, exercise.level, str(exercise.title), str(exercise.minutes),
            str(reason or ""),
        )  # fmt: skip
    console.print(made)


def register(app: typer.Typer) -> None:
    app.command(help=say("Liste les exercices.", "List the exercises."))(exercises)
