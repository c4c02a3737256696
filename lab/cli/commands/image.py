"""`lab image`: the images that labs in containers are made of."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

from lab.cli.options import AsJson
from lab.cli.output import console, print_json, say, table
from lab.paths import default_paths

MIB = 1 << 20


def image(
    stages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=say("ÉTAGE", "STAGE"),
            help=say(
                "device, workstation, platform, database ; toutes sinon",
                "device, workstation, platform, database; all otherwise",
            ),
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help=say("image de départ, au lieu de celle de Debian", "image to stand on, in place of Debian's")
        ),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "certificats à croire pendant la construction (mandataire d'entreprise)",
                "certificates to trust while building (a company's proxy)",
            )
        ),
    ] = None,
    look: Annotated[
        bool,
        typer.Option(
            "--list", help=say("montre les images, sans construire", "show the images, build nothing")
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    from lab.runtimes.docker import images
    from lab.runtimes.docker.engine import Engine
    from lab.runtimes.docker.settings import settings
    from simulators.errors import NotFoundError

    chosen = settings(default_paths().home, os.environ)
    with Engine() as engine:
        engine.version()
        there = images.described(engine, chosen) if look else []
    wanted = stages or list(images.STAGES)
    for stage in wanted:
        if stage not in images.STAGES:
            known = ", ".join(images.STAGES)
            raise NotFoundError(
                f"image {stage} inconnue ; choisissez parmi : {known}",
                f"unknown image {stage}; choose one of: {known}",
            )
    if look:
        _show(there, as_json)
        return
    built = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=as_json) as progress:
        for stage in wanted:
            task = progress.add_task(stage)
            built[stage] = images.build(
                chosen, stage, base, authority,
                partial(_step, progress, task, stage),
            )  # fmt: skip
    if as_json:
        print_json([{"image": chosen.image(stage), "bytes": size} for stage, size in built.items()])
        return
    made = table("Image", say("Taille (Mio)", "Size (MiB)"))
    for stage, size in built.items():
        made.add_row(chosen.image(stage), f"{size / MIB:.0f}")
    console.print(made)


def _step(progress: Progress, task: TaskID, stage: str, words: str) -> None:
    progress.update(task, description=f"{stage}: {words}")


def _show(rows: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    made = table("Image", say("État", "State"))
    for row in rows:
        state = (
            say("de cette version", "of this version") if row["current"] else say("d'une autre", "of another")
        )
        made.add_row(str(row["image"]), state if row["there"] else say("absente", "not there"))
    console.print(made)


def register(app: typer.Typer) -> None:
    app.command(
        help=say("Construit les images des labos en conteneurs.", "Build the images of labs in containers.")
    )(image)
