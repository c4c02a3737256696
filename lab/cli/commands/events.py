"""`lab events`: what the lab's wires carried, as a table."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import console, print_json, say, table, tell
from simulators.whole_file import check_place, whole_file

SHOWN_MAX, FILE_MAX = 40, 200_000
PAGE = 5000
HEADS = (("date", "date"), ("journal", "log"), ("zone", "zone"), ("de → à", "from → to"), ("quoi", "what"))


def events(
    name: LabName,
    log: Annotated[
        str | None,
        typer.Option(
            help=say("un seul journal : conn, modbus_detailed, …", "one log only: conn, modbus_detailed, …")
        ),
    ] = None,
    since: Annotated[
        float | None,
        typer.Option(min=0, help=say("les … dernières secondes de la ligne", "the line's last … seconds")),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help=say("d'un équipement ou vers lui", "from a device or to it"))
    ] = None,
    contains: Annotated[
        str | None, typer.Option(help=say("texte à trouver dans la ligne", "text to be found in the row"))
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", help=say("fichier CSV, avec toutes les colonnes", "CSV file, with every column")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    if csv_file is not None:
        check_place(csv_file)
    wanted = {"log": log, "device": device, "contains": contains}
    with attach(name) as lab:
        if since is not None:
            wanted["since_ts"] = lab.request("clock")["unix_s"] - since
        whole = csv_file is not None or as_json
        found = _all(lab, wanted) if whole else lab.request("events", limit=SHOWN_MAX, **wanted)
    if csv_file is not None:
        _write(csv_file, found)
    if as_json:
        print_json(found)
    elif csv_file is not None:
        count = len(found["events"])
        tell(f"{csv_file} : {count} événements.", f"{csv_file}: {count} events.")
    else:
        _print(found["events"])


def _all(lab: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """Every row there is, page by page."""
    rows: list[dict[str, Any]] = []
    cursor = 0
    while True:
        answer: dict[str, Any] = lab.request("events", after=cursor, limit=PAGE, **wanted)
        rows += answer["events"]
        cursor = answer["cursor"]
        if len(answer["events"]) < PAGE or len(rows) >= FILE_MAX:
            return answer | {"events": rows[:FILE_MAX]}


def _write(path: Path, found: dict[str, Any]) -> None:
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, found["columns"])
        writer.writeheader()
        writer.writerows(found["events"])


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        tell("aucun événement.", "no event.")
        return
    shown = table(*(say(*words) for words in HEADS))
    for row in rows:
        ends = f"{row['id.orig_h']} → {row['id.resp_h']}:{row['id.resp_p']}"
        what = (
            row.get("func") or row.get("identifier_str") or row.get("action") or row.get("conn_state") or ""
        )
        shown.add_row(f"{row['ts']:.3f}", str(row["log"]), str(row["zone"]), ends, str(what))
    console.print(shown)


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Montre les événements du réseau d'un labo.", "Show the events of a lab's network.")
    )(events)
