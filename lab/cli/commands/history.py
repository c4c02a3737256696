"""`lab history`: what SCADA was shown, out of the historian, as a file."""

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.options import AsJson, LabName
from lab.cli.output import print_json, say, tell
from lab.paths import check_name, default_paths
from simulators.errors import NotFoundError


def history(
    name: LabName,
    output: Annotated[
        Path, typer.Option("-o", "--output", help=say("fichier .csv ou .parquet", ".csv or .parquet file"))
    ],
    tag: Annotated[
        list[str] | None,
        typer.Option(help=say("une variable, répétable ; toutes sinon", "a tag, repeatable; all otherwise")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    # The database is read in place: a lab that has been stopped keeps its history.
    from simulators.devices.historian import export

    folder = default_paths().lab(check_name(name))
    found = sorted(folder.glob("*/history.sqlite"))
    if not found:
        raise NotFoundError(
            f"{name} : pas d'historique ; voyez « lab ps »", f"{name}: no history; see 'lab ps'"
        )
    rows = export(found[0], output, tag)
    if as_json:
        print_json({"file": str(output), "rows": rows})
    else:
        tell(f"{output} : {rows} lignes.", f"{output}: {rows} rows.")


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Exporte l'historique d'un labo (CSV, Parquet).", "Export a lab's history (CSV, Parquet).")
    )(history)
