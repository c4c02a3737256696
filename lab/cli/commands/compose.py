"""`lab compose`: a compose file of the platform and a line, and what stands beside it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.catalog import find_line
from lab.cli.options import LineName
from lab.cli.output import say, tell
from simulators.errors import InputError
from simulators.os_errors import os_words

DEFAULT_FILE = Path("docker-compose.yml")


def compose(
    line: LineName,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help=say(
                "fichier à écrire ; « - » le montre, sans rien écrire",
                "file to write; '-' shows it, and writes nothing",
            ),
        ),
    ] = DEFAULT_FILE,
) -> None:
    from lab.compose import beside
    from lab.compose.document import text

    spec, here = find_line(line), beside.machine(os.environ)
    shown = output == Path("-")
    file = DEFAULT_FILE if shown else output
    written = text(spec, here.pool, beside.beside_name(file))
    if shown:
        sys.stdout.write(written)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write(spec, file, here)
        file.write_text(written, encoding="utf-8")
    except OSError as error:
        why = os_words(error)
        raise InputError(
            f"{error.filename or file} : {why.fr} ; donnez un autre fichier avec -o",
            f"{error.filename or file}: {why.en}; give another file with -o",
        ) from error
    tell(
        f"{file} écrit ; secrets et ligne dans {file.parent / beside.beside_name(file)}, machine dans "
        f"{file.parent / beside.ENVIRONMENT}. Suite : lab image, puis docker compose up -d",
        f"{file} written; secrets and line in {file.parent / beside.beside_name(file)}, machine in "
        f"{file.parent / beside.ENVIRONMENT}. Next: lab image, then docker compose up -d",
    )


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Écrit un docker-compose.yml : la plate-forme et une ligne.",
            "Write a docker-compose.yml: the platform and a line.",
        )
    )(compose)
