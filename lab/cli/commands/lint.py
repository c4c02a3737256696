"""`lab lint`: what is wrong with exercises, and what to do about it."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.options import AsJson
from lab.cli.output import console, print_json, say, tell
from simulators.errors import NotFoundError

Exercises = Annotated[
    list[str] | None,
    argument(
        ("EXERCICE", "EXERCISE"),
        ("exercices ou dossiers ; tous sinon", "exercises or folders; all otherwise"),
    ),
]


def lint(exercises: Exercises = None, as_json: AsJson = False) -> None:
    from lab.exercises.lint import lint as problems_of

    paths = found(exercises or [])
    problems = [problem for path in paths for problem in problems_of(path)]
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            console.print(str(problem.text), markup=False, highlight=False, soft_wrap=True)
        tell(
            f"{len(paths)} exercice(s), {len(problems)} problème(s).",
            f"{len(paths)} exercise(s), {len(problems)} problem(s).",
        )
    if problems:
        raise typer.Exit(1)


def found(names: list[str]) -> list[Path]:
    """The `exercise.yaml` of each id or path; of every exercise if none is named. Raises: NotFoundError."""
    from lab.exercises.catalog import exercise_paths
    from lab.exercises.load import FILE

    known = {path.parent.name: path for path in exercise_paths()}
    paths = list(known.values()) if not names else []
    for name in names:
        own = Path(name) if Path(name).suffix else Path(name) / FILE
        if name not in known and not own.is_file():
            listed = ", ".join(known) or "–"
            raise NotFoundError(
                f"exercice {name} inconnu ; choisissez parmi : {listed}, ou donnez un dossier",
                f"unknown exercise {name}; choose one of: {listed}, or give a folder",
            )
        paths.append(known.get(name, own))
    return paths


def register(app: typer.Typer) -> None:
    app.command(help=say("Cherche les défauts des exercices.", "Look for what is wrong with exercises."))(
        lint
    )
