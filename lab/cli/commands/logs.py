"""`lab logs`: what happened in a lab."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.grammar import argument
from lab.cli.options import DEVICE, AsJson, LabName, attach
from lab.cli.output import console, print_json, say, tell
from lab.paths import check_name, default_paths
from simulators.errors import NotFoundError
from simulators.host.journal import kept

LINES_MAX = 100_000


def logs(
    name: LabName,
    device: Annotated[str | None, argument(DEVICE, ("un seul équipement", "one device only"))] = None,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=1, max=LINES_MAX, help=say("combien", "how many"))
    ] = 100,
    as_json: AsJson = False,
) -> None:
    events, folder = _events(name, device, lines)
    if as_json:
        print_json(events)
        return
    for event in events:
        when = datetime.fromtimestamp(event.pop("unix_s"), UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        head = f"{when} {event.pop('device'):<12} {event.pop('event')}"
        fields = " ".join(f"{key}={value}" for key, value in event.items())
        console.print(f"{head} {fields}", markup=False, highlight=False, soft_wrap=True)
    if folder is not None:
        tell(
            f"{name} n'est pas en marche : ceci vient de {folder} ; « lab ps » dit son état.",
            f"{name} is not running: this comes from {folder}; 'lab ps' says its state.",
        )


def _events(name: str, device: str | None, lines: int) -> tuple[list[dict[str, Any]], Path | None]:
    """What the lab says, or else its folder, which is then named: a lab that has ended keeps its journal."""
    try:
        lab = attach(name)
    except NotFoundError:
        folder = default_paths().lab(check_name(name))
        if not folder.is_dir():
            raise
        return kept(folder, device, lines), folder
    with lab:
        return lab.request("logs", device=device, lines=lines), None


def register(app: typer.Typer) -> None:
    app.command(help=say("Journal d'un labo.", "A lab's journal."))(logs)
