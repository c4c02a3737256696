"""`lab twin`: the line offline, as fast as possible, into a file."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from lab.catalog import find_line
from lab.cli.grammar import MisuseError
from lab.cli.options import AsJson, LineName
from lab.cli.output import console, print_json, say, tell
from simulators import twin as library


def twin(
    line: LineName,
    hours: Annotated[
        float, typer.Option(min=0.0001, max=8784, help=say("heures simulées", "simulated hours"))
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help=say("fichier .csv ou .parquet", ".csv or .parquet file"))
    ],
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help=say("SECONDE:ACTIF:MODE[:GRAVITÉ], répétable", "SECOND:ASSET:MODE[:SEVERITY], repeatable")
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help=say("graine", "seed"))] = 1,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, help=say("secondes entre deux lignes", "seconds between rows"))
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    spec = find_line(line)
    faults = [parse_fault(text) for text in fault or []]
    begun = time.perf_counter()
    with Progress(console=console, transient=True, disable=as_json) as progress:
        task = progress.add_task(say("Simulation", "Simulating"), total=hours * 3600)
        rows = library.run(spec, hours, seed, faults, interval)

        def watched() -> Iterator[library.Row]:
            for row in rows:
                progress.update(task, completed=row.t_s)
                yield row

        count = library.write(watched(), spec, output)
    speed = 3600 * hours / (time.perf_counter() - begun)
    if as_json:
        print_json({"file": str(output), "rows": count, "speed_x": round(speed)})
    else:
        tell(
            f"{output} : {count} lignes, {speed:.0f} fois le temps réel.",
            f"{output}: {count} rows, {speed:.0f} times real time.",
        )


def parse_fault(text: str) -> tuple[float, str, str, float]:
    """`600:pump:wear:0.5` → (600.0, "pump", "wear", 0.5); a mode may hold a colon itself.

    Raises:
        MisuseError: not of that form.
    """
    start, _, rest = text.partition(":")
    asset, _, rest = rest.partition(":")
    mode, _, severity = rest.rpartition(":")
    try:
        value = float(severity)
    except ValueError:
        mode, value = rest, 1.0
    try:
        if not (asset and mode):
            raise ValueError(text)
        return float(start), asset, mode, value
    except ValueError:
        raise MisuseError(
            f"--fault {text} : écrivez SECONDE:ACTIF:MODE[:GRAVITÉ], par exemple 600:pump:wear:0.5",
            f"--fault {text}: write SECOND:ASSET:MODE[:SEVERITY], for example 600:pump:wear:0.5",
        ) from None


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Simule la ligne hors ligne, vers un fichier.", "Simulate the line offline, into a file.")
    )(twin)
