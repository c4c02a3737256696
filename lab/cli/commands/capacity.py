"""`lab capacity`: before class, whether this machine suffices for so many labs."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from lab.catalog import find_line
from lab.cli.options import AsJson, Runtime, supervisor
from lab.cli.output import console, print_json, say, table, tell
from lab.paths import default_paths

if TYPE_CHECKING:
    from lab.capacity.judge import Need

SUBJECTS = {
    "engine": ("moteur", "engine"),
    "images": ("images", "images"),
    "subnets": ("sous-réseaux", "subnets"),
    "memory": ("mémoire", "memory"),
    "cpu": ("processeur", "CPU"),
    "processes": ("processus", "processes"),
    "neighbours": ("voisins ARP", "ARP neighbours"),
    "namespaces": ("espaces de noms", "namespaces"),
}
UNITS = {"labs": ("labos", "labs"), "MiB": ("Mio", "MiB"), "cores": ("cœurs", "cores"), "": ("", "")}


def capacity(
    students: Annotated[
        int, typer.Option(min=1, max=1000, help=say("combien de labos à la fois", "how many labs at once"))
    ] = 30,
    runtime: Runtime = "local",
    line: Annotated[str, typer.Option(help=say("ligne", "line"))] = "bottling",
    as_json: AsJson = False,
) -> None:
    from lab.capacity import footprint, judge, machine

    spec, usual, home = find_line(line), footprint.footprint(runtime), default_paths().home
    facts = None
    if runtime in footprint.CONTAINERS:
        # The engine's library is slow to import.
        from lab.capacity.engine import look
        from lab.runtimes.docker.settings import settings

        facts = look(settings(home, os.environ), spec)
    takes = footprint.measured(runtime, supervisor().list(), home) or usual.at(footprint.speed())
    needs = judge.judge(students, runtime, spec, takes, machine.look(), facts)
    enough = all(need.enough for need in needs)
    if as_json:
        rows = [
            {
                "subject": n.subject, "needed": n.needed, "there": n.there, "unit": n.unit, "enough": n.enough,
                "source": n.source, "remedy": n.remedy,
            }
            for n in needs
        ]  # fmt: skip
        print_json({"students": students, "runtime": runtime, "line": line, "enough": enough, "needs": rows})
    else:
        _show(needs)
        if enough:
            tell(f"Assez pour {students} labos ({runtime}).", f"Enough for {students} labs ({runtime}).")
        else:
            tell(
                f"Pas assez pour {students} labos ({runtime}).",
                f"Not enough for {students} labs ({runtime}).",
            )
    if not enough:
        raise typer.Exit(1)


def _show(needs: "list[Need]") -> None:
    made = table("", "", say("Il faut", "Needed"), say("Il y a", "There is"), "")
    for need in needs:
        unit = say(*UNITS[need.unit])
        made.add_row(
            "[green]●[/]" if need.enough else "[red]■[/]",
            say(*SUBJECTS[need.subject]),
            "" if need.subject == "engine" else f"{need.needed:g} {unit}".strip(),
            "" if need.subject == "engine" else f"{need.there:g} {unit}".strip(),
            str(need.source if need.enough else need.remedy),
        )
    console.print(made)


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Avant le cours : dit si cette machine suffit pour tant de labos.",
            "Before class: say whether this machine suffices for so many labs.",
        )
    )(capacity)
