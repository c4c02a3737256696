"""`lab capture`: what crosses the lab's network, as a pcap file and an event table."""

import base64
import csv
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import console, print_json, say, tell
from simulators.whole_file import check_place, whole_file


def capture(
    name: LabName,
    output: Annotated[Path, typer.Option("-o", "--output", help=say("fichier pcap", "pcap file"))],
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help=say("durée", "how long"))] = 10.0,
    events: Annotated[
        Path | None, typer.Option(help=say("table d'événements en CSV", "event table as CSV"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    for path in (output, events):
        if path is not None:
            check_place(path)
    with attach(name) as lab:
        lab.request("capture_start")
        try:
            _wait(seconds, quiet=as_json)
        finally:
            taken = lab.request("capture_stop")
    with whole_file(output) as part:
        part.write_bytes(base64.b64decode(taken["pcap_base64"]))
    if events is not None:
        _write_events(events, taken["events"])
    summary = {
        "file": str(output),
        "frames": taken["frames"],
        "dropped": taken["dropped"],
        "events": len(taken["events"]),
    }
    if as_json:
        print_json(summary)
    else:
        tell(
            f"{output} : {taken['frames']} trames ({taken['dropped']} perdues), {len(taken['events'])} événements.",
            f"{output}: {taken['frames']} frames ({taken['dropped']} dropped), {len(taken['events'])} events.",
        )


def _wait(seconds: float, quiet: bool) -> None:
    ticks = max(1, round(seconds / 0.1))
    for _tick in track(
        range(ticks), say("Capture", "Capture"), console=console, disable=quiet, transient=True
    ):
        time.sleep(seconds / ticks)


def _write_events(path: Path, rows: list[dict[str, object]]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def register(app: typer.Typer) -> None:
    app.command(help=say("Capture le réseau du labo (pcap).", "Capture the lab's network (pcap)."))(capture)
