"""`lab schema`: the JSON Schema of the files that authors write, for their editors."""

from enum import StrEnum
from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.output import print_json, say


class Kind(StrEnum):
    """Files that authors write."""

    exercise = "exercise"
    line = "line"


def schema(
    kind: Annotated[
        Kind, argument(("FICHIER", "FILE"), ("exercise.yaml ou line.yaml", "exercise.yaml or line.yaml"))
    ] = Kind.exercise,
) -> None:
    from lab.exercises.schema import exercise_schema, line_schema

    print_json(exercise_schema() if kind is Kind.exercise else line_schema())


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Écrit le schéma JSON des fichiers d'auteur, pour un éditeur.",
            "Print the JSON Schema of authors' files, for an editor.",
        )
    )(schema)
