"""`lab start`: a lab in the background."""

from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from lab.cli.background import ensure_supervisor
from lab.cli.options import AsJson, Flat, LineName, Runtime, Seed, Speed, Spread, supervisor
from lab.cli.output import console, print_json, say, tell
from lab.labs import LabStatus
from lab.paths import default_paths


def start(
    line: LineName,
    name: Annotated[str | None, typer.Option(help=say("nom du labo", "the lab's name"))] = None,
    seed: Seed = None,
    speed: Speed = 1.0,
    flat: Flat = False,
    runtime: Runtime = "local",
    spread: Spread = False,
    as_json: AsJson = False,
) -> None:
    ensure_supervisor(default_paths())
    status = start_lab(line, name, seed, speed, flat, quiet=as_json, runtime=runtime, spread=spread)
    if as_json:
        print_json(status)
    else:
        tell(
            f"Labo [bold]{status.name}[/] en marche (ligne {status.line}, graine {status.seed}). "
            f"Suite : lab status {status.name}, lab endpoints {status.name}",
            f"Lab [bold]{status.name}[/] runs (line {status.line}, seed {status.seed}). "
            f"Next: lab status {status.name}, lab endpoints {status.name}",
        )


def start_lab(
    line: str,
    name: str | None,
    seed: int | None,
    speed: float,
    flat: bool,
    quiet: bool,
    runtime: str = "local",
    spread: bool = False,
) -> LabStatus:
    """Start a lab, showing each device as it answers. Raises: UsineError."""
    if quiet:
        return supervisor().start(line, name, seed, speed, flat, runtime=runtime, spread=spread)
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(say(f"Démarrage de {line}", f"Starting {line}"))
        ready: list[str] = []

        def show(message: dict[str, Any]) -> None:
            if "queued" in message:
                before = message["queued"]
                progress.update(
                    task,
                    description=say(
                        f"Dans la file d'attente, {before} labo(s) avant",
                        f"In the queue, {before} lab(s) before",
                    ),
                )
            elif message.get("state") == "ok":
                ready.append(message["device"])
                progress.update(task, description=say("Prêts : ", "Ready: ") + ", ".join(ready))

        return supervisor().start(line, name, seed, speed, flat, show, runtime, spread)


def register(app: typer.Typer) -> None:
    app.command(help=say("Démarre un labo en arrière-plan.", "Start a lab in the background."))(start)
