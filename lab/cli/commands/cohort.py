"""`lab cohort`: classes: create from a list of names, links, launch an exercise for all, grades."""

import sys
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.commands.user import BASE_URL, BaseUrl, show_links
from lab.cli.grammar import MisuseError, argument
from lab.cli.options import ACTION, NAME, AsJson, supervisor
from lab.cli.output import console, print_json, say, table, tell
from lab.paths import default_paths
from simulators.os_errors import unreadable

if TYPE_CHECKING:
    from lab.training.contract import Cohort, Row
    from lab.training.service import Training

STATES = {
    "none": ("–", "–"),
    "starting": ("○ démarre", "○ starting"),
    "running": ("[green]●[/] en marche", "[green]●[/] running"),
    "failed": ("[red]■[/] en panne", "[red]■[/] failed"),
    "lost": ("[yellow]▲[/] perdu", "[yellow]▲[/] lost"),
}
OUTCOMES = {None: "·", "pass": "[green]●[/]", "fail": "[red]■[/]", "inconclusive": "[yellow]▲[/]"}


class Action(StrEnum):
    LIST = "list"
    CREATE = "create"
    LINKS = "links"
    LAUNCH = "launch"
    GRADES = "grades"
    ARCHIVE = "archive"
    RESTORE = "restore"


def cohort(
    action: Annotated[
        Action,
        argument(
            ACTION,
            (
                "lister, créer, nouveaux liens, lancer un exercice, notes, archiver, désarchiver",
                "list, create, new links, launch an exercise, grades, archive, restore",
            ),
        ),
    ],
    name: Annotated[str | None, argument(NAME, ("nom de la cohorte", "the cohort's name"))] = None,
    exercise: Annotated[
        str | None,
        argument(("EXERCICE", "EXERCISE"), ("exercice (launch, grades)", "exercise (launch, grades)")),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "liste : nom;adresse;numéro, une personne par ligne (- : entrée standard)",
                "list: name;email;id number, one person a line (-: standard input)",
            )
        ),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help=say("notes pour Moodle", "grades for Moodle"))
    ] = False,
    url: BaseUrl = BASE_URL,
    as_json: AsJson = False,
) -> None:
    # The database's library is slow to import, and most commands need none of it.
    from lab.training.service import open_training

    training = open_training(default_paths(), supervisor())
    with closing(training.database):
        if action is Action.LIST:
            _list(training.cohorts.all(), as_json)
            return
        if not name:
            raise MisuseError(
                f"quelle cohorte ? « lab cohort {action} NOM »", f"which cohort? 'lab cohort {action} NAME'"
            )
        if action is Action.CREATE:
            _create(training, name, roster, url, as_json)
        else:
            _on(training, training.cohorts.named(name), action, exercise, url, as_csv, as_json)


def _on(
    training: "Training",
    found: "Cohort",
    action: Action,
    exercise: str | None,
    url: str,
    as_csv: bool,
    as_json: bool,
) -> None:
    """What is done to a cohort that there is."""
    match action:
        case Action.LINKS:
            show_links(training.cohorts.new_links(found.id, [p.id for p in found.people]), url, as_json)
        case Action.LAUNCH:
            _launch(training, found, _wanted(exercise), as_json)
        case Action.GRADES:
            _grades(training, found, _wanted(exercise), as_csv, as_json)
        case _:
            _keep(training, found, action, as_json)


def _wanted(exercise: str | None) -> str:
    if not exercise:
        raise MisuseError("quel exercice ? voyez « lab exercises »", "which exercise? see 'lab exercises'")
    return exercise


def _list(cohorts: "list[Cohort]", as_json: bool) -> None:
    if as_json:
        print_json(cohorts)
        return
    if not cohorts:
        tell("Aucune cohorte. « lab cohort create NOM --roster LISTE ».",
             "No cohort. 'lab cohort create NAME --roster LIST'.")  # fmt: skip
        return
    made = table(say("Cohorte", "Cohort"), say("Personnes", "People"), say("Exercices", "Exercises"), "")
    for each in cohorts:
        state = say("archivée", "archived") if each.archived else ""
        made.add_row(each.name, str(len(each.people)), ", ".join(each.exercises), state)
    console.print(made)


def _create(training: "Training", name: str, roster: Path | None, url: str, as_json: bool) -> None:
    if roster is None:
        raise MisuseError(
            "il manque --roster LISTE ; donnez le fichier des noms",
            "--roster LIST is missing; give the file of names",
        )
    made, links = training.cohorts.create(name, _read(roster))
    if not as_json:
        tell(f"Cohorte {made.name} : {len(made.people)} personnes. Leurs liens, montrés une fois :",
             f"Cohort {made.name}: {len(made.people)} people. Their links, shown once:")  # fmt: skip
    show_links(links, url, as_json)


def _read(roster: Path) -> str:
    try:
        return sys.stdin.read() if str(roster) == "-" else roster.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(roster, error) from error


def _launch(training: "Training", cohort: "Cohort", exercise: str, as_json: bool) -> None:
    from lab.cli.background import ensure_supervisor

    training.sittings.exercise(exercise)
    if not cohort.archived:
        ensure_supervisor(default_paths())
    names = {person.id: person.display for person in cohort.people}
    rows = training.cohorts.launch(cohort.id, exercise, training.people.owner(), _teller(names, as_json))
    _rows(rows, as_json)


def _teller(names: dict[int, str], as_json: bool) -> "Callable[[int, dict[str, Any]], None]":
    def told(person: int, message: dict[str, Any]) -> None:
        if "error" in message and not as_json:
            error = message["error"]
            console.print(f"{names[person]}: {say(error['fr'], error['en'])}", markup=False, highlight=False)

    return told


def _grades(training: "Training", cohort: "Cohort", exercise: str, as_csv: bool, as_json: bool) -> None:
    if as_csv:
        sys.stdout.write(training.cohorts.grades_csv(cohort.id, exercise))
    else:
        _rows(training.cohorts.matrix(cohort.id, exercise), as_json)


def _rows(rows: "list[Row]", as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    steps = [cell.step for cell in rows[0].cells] if rows else []
    made = table(
        say("Nom", "Name"), say("Labo", "Lab"), "", say("Note", "Score"), say("Essais", "Attempts"), *steps
    )
    for row in rows:
        cells = [OUTCOMES[cell.outcome] for cell in row.cells]
        made.add_row(
            row.person.display,
            row.lab,
            say(*STATES[row.lab_state]),
            f"{row.score:g}" if row.attempts else "–",
            str(row.attempts),
            *cells,
        )
    console.print(made)


def _keep(training: "Training", cohort: "Cohort", action: Action, as_json: bool) -> None:
    if action is Action.ARCHIVE:
        training.cohorts.archive(cohort.id)
    else:
        training.cohorts.restore(cohort.id)
    if as_json:
        print_json(training.cohorts.cohort(cohort.id))
    else:
        fr, en = ("archivée", "archived") if action is Action.ARCHIVE else ("désarchivée", "restored")
        tell(f"{cohort.name} : {fr}.", f"{cohort.name}: {en}.")


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Cohortes : créer, liens, lancer un exercice pour tous, notes, archiver.",
            "Cohorts: create, links, launch an exercise for all, grades, archive.",
        )
    )(cohort)
