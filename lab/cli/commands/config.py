"""`lab config`: read, edit, replace or put back a device's configuration."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.files import read_text
from lab.cli.grammar import MisuseError
from lab.cli.options import AsJson, DeviceName, LabName, attach
from lab.cli.output import print_json, say, tell
from simulators.document import LIMIT_BYTES
from simulators.errors import InputError, ToolMissingError


def config(
    name: LabName,
    device: DeviceName,
    edit: Annotated[bool, typer.Option("--edit", help=say("ouvre $EDITOR", "open $EDITOR"))] = False,
    file: Annotated[
        Path | None, typer.Option("--set", help=say("applique ce fichier", "apply this file"))
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help=say("remet l'origine", "put the default back"))
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help=say("remet la précédente", "put the former one back"))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if sum((edit, file is not None, default, undo)) > 1:
        raise MisuseError(
            "trop d'options ; gardez-en une de --edit, --set, --default et --undo",
            "too many options; keep one of --edit, --set, --default and --undo",
        )
    given = None if file is None else read_text(file, LIMIT_BYTES)
    with attach(name) as lab:
        known = lab.request("config", device=device)
        text = given if given is not None else _wanted(known, edit, default, undo)
        if text is not None:
            called = {} if file is None else {"name": str(file)}
            lab.request("configure", device=device, text=text, **called)
    if text is not None:
        tell(
            f"{device} : configuration appliquée (--undo remet la précédente).",
            f"{device}: configuration applied (--undo puts the former one back).",
        )
    elif as_json:
        print_json(known)
    elif not edit:
        sys.stdout.write(known["text"])


def _wanted(known: dict[str, object], edit: bool, default: bool, undo: bool) -> str | None:
    if edit:
        edited = _edited(str(known["text"]))
        return None if edited == known["text"] else edited
    if default:
        return str(known["default"])
    if undo:
        versions = known["versions"]
        if not isinstance(versions, list) or not versions:
            raise InputError(
                "aucune configuration précédente ; --default remet l'origine",
                "no former configuration; --default puts the default back",
            )
        return str(versions[-1])
    return None


def _edited(text: str) -> str:
    """What the user's editor makes of `text`. Raises: ToolMissingError: there is no editor."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "nano"
    command = shlex.split(wanted)
    if shutil.which(command[0]) is None:
        raise ToolMissingError(
            f"éditeur {command[0]} absent ; donnez le vôtre par la variable EDITOR",
            f"no editor {command[0]}; give yours in the variable EDITOR",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "configuration.yaml"
        path.write_text(text, encoding="utf-8")
        subprocess.run([*command, str(path)], check=False)
        return read_text(path, LIMIT_BYTES)


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Lit ou change la configuration d'un équipement.", "Read or change a device's configuration."
        )
    )(config)
