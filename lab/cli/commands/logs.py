"""`lab logs`: what happened in a lab."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.options import DEVICE, AsJson, LabName, attach
from lab.cli.output import console, print_json, say

LINES_MAX = 100_000


def logs(
    name: LabName,
    device: Annotated[str | None, argument(DEVICE, ("un seul équipement", "one device only"))] = None,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=1, max=LINES_MAX, help=say("combien", "how many"))
    ] = 100,
    as_json: AsJson = False,
) -> None:
    with attach(name) as lab:
        events = lab.request("logs", device=device, lines=lines)
    if as_json:
        print_json(events)
        return
    for event in events:
        when = datetime.fromtimestamp(event.pop("unix_s"), UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]
        head = f"{when} {event.pop('device'):<12} {event.pop('event')}"
        fields = " ".join(f"{key}={value}" for key, value in event.items())
        console.print(f"{head} {fields}", markup=False, highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command(help=say("Journal d'un labo.", "A lab's journal."))(logs)
