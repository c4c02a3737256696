"""`lab verify`: proves that exercises can be solved, and cannot be passed without being solved."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from lab.cli.commands.lint import Exercises, found
from lab.cli.options import AsJson, Runtime
from lab.cli.output import console, print_json, say, tell
from simulators.errors import NotFoundError

if TYPE_CHECKING:
    from lab.exercises.model import Exercise
    from lab.exercises.verify import ExerciseResult, VerifyReport


def verify(
    exercises: Exercises = None,
    track: Annotated[str | None, typer.Option(help=say("ce parcours seulement", "this track only"))] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            max=32,
            help=say(
                "labos à la fois ; jusqu'à quatre fois plus tant que la machine se repose",
                "labs at once; up to four times as many while the machine rests",
            ),
        ),
    ] = 2,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=100, help=say("graines au plus, par solution", "seeds at most, a solution")),
    ] = 3,
    nightly: Annotated[
        bool, typer.Option("--nightly", help=say("jusqu'à 20 graines", "up to 20 seeds"))
    ] = False,
    runtime: Runtime = "local",
    as_json: AsJson = False,
) -> None:
    from lab.detection.rules import check_rules
    from lab.exercises.verify import SEEDS_NIGHTLY, report
    from lab.exercises.verify import verify as prove
    from lab.exercises.workshop import workshop

    good, bad = _sorted(found(exercises or []), track)
    results = list(bad)
    if good:
        with workshop() as labs:
            proven = prove(
                good,
                labs,
                jobs=jobs,
                seeds=SEEDS_NIGHTLY if nightly else seeds,
                runtime=runtime,
                check_rules=check_rules,
                say=(lambda _trial, _result: None) if as_json else _tell,
            )
        results += proven.exercises
    _end(report(results), as_json)


def _sorted(paths: list[Path], track: str | None) -> "tuple[list[Exercise], list[ExerciseResult]]":
    """Exercises that can be tried, and the results of those that do not pass the lint or cannot run here."""
    from lab.exercises.catalog import unavailable
    from lab.exercises.lint import lint
    from lab.exercises.load import load_exercise
    from lab.exercises.model import Track
    from lab.exercises.verify import refused

    if track is not None and track not in get_args(Track):
        known = ", ".join(get_args(Track))
        raise NotFoundError(
            f"parcours {track} inconnu ; choisissez parmi : {known}",
            f"unknown track {track}; choose one of: {known}",
        )
    good, bad = [], []
    for path in paths:
        here = path.absolute().parent
        if track is not None and here.parent.name != track:
            continue
        problems = lint(path)
        if problems:
            bad.append(refused(here.name, here.parent.name, "", str(problems[0].text)))
            continue
        exercise = load_exercise(path)
        reason = unavailable(exercise)
        if reason is None:
            good.append(exercise)
        else:
            bad.append(refused(exercise.id, exercise.track, exercise.level, str(reason)))
    return good, bad


def _tell(trial: Any, result: Any) -> None:
    mark = "[green]●[/]" if result.ok else "[red]■[/]"
    score = "–" if result.score is None else f"{result.score:g}"
    console.print(
        f"{mark} {trial.exercise.id} · {result.solution} · {say('graine', 'seed')} {result.seed} · "
        f"{score} ({result.expected}) · {result.seconds:g} s",
        highlight=False,
    )
    if result.why:
        console.print(f"    {result.why}", markup=False, highlight=False)


def _end(proven: "VerifyReport", as_json: bool) -> None:
    if as_json:
        print_json(proven)
    else:
        for result in proven.exercises:
            for test in result.tests:
                if test.solution == "lint":
                    console.print(f"■ {result.id} · {test.why}", markup=False, highlight=False)
        tell(
            f"{len(proven.exercises)} exercice(s), {proven.failed} en échec.",
            f"{len(proven.exercises)} exercise(s), {proven.failed} failed.",
        )
    if proven.failed:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Prouve que les exercices se résolvent, et ne se passent pas sans être résolus.",
            "Prove that exercises can be solved, and cannot be passed without it.",
        )
    )(verify)
