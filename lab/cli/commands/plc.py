"""`lab plc NAME DEVICE download|upload|mode`: a PLC's program and mode."""

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from lab.cli.files import read_text
from lab.cli.grammar import MisuseError, argument
from lab.cli.options import ACTION, AsJson, DeviceName, LabName, attach
from lab.cli.output import print_json, say, tell
from lab.labs import Connection
from simulators.contracts import Mode
from simulators.whole_file import whole_file


class Action(StrEnum):
    """`download` goes into the PLC, `upload` comes out of it (IEC 61131-3's words)."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    MODE = "mode"


def plc(
    name: LabName,
    device: DeviceName,
    action: Annotated[
        Action,
        argument(
            ACTION, ("charger, lire ou changer le mode", "download, upload, or read and change the mode")
        ),
    ],
    value: Annotated[
        str | None,
        argument(
            ("FICHIER|RUN|STOP|PROGRAM", "FILE|RUN|STOP|PROGRAM"),
            ("programme à charger, ou nouveau mode", "program to be loaded, or new mode"),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=say("fichier où écrire le programme lu", "file for the program")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    ask = _asked(action, device, value, output)
    with attach(name) as lab:
        answer = ask(lab)
    if action is Action.UPLOAD and output is not None:
        with whole_file(output) as part:
            part.write_text(answer["source"], encoding="utf-8")
    if as_json:
        print_json(answer)
    elif action is Action.MODE:
        _tell_mode(device, answer)
    elif action is Action.UPLOAD and output is None:
        sys.stdout.write(answer["source"])
    else:
        tell(f"{device} : SHA-256 {answer['sha256']}", f"{device}: SHA-256 {answer['sha256']}")


def _asked(
    action: Action, device: str, value: str | None, output: Path | None
) -> Callable[[Connection], Any]:
    """What to ask of the lab. Raises: MisuseError; InputError: the program's file."""
    if output is not None and action is not Action.UPLOAD:
        raise MisuseError(
            f"--output ne va qu'avec upload ; retirez-le de {action}",
            f"--output goes with upload only; remove it from {action}",
        )
    match action:
        case Action.DOWNLOAD:
            source = _source(value)
            return lambda lab: lab.request("plc_download", device=device, source=source, name=value)
        case Action.UPLOAD:
            if value is not None:
                raise MisuseError(
                    f"{value} est en trop ; donnez le fichier par -o",
                    f"{value} is too much; give the file with -o",
                )
            return lambda lab: lab.request("plc_upload", device=device)
        case Action.MODE:
            return partial(_mode, device, None if value is None else _known_mode(value))


def _source(file: str | None) -> str:
    if file is None:
        raise MisuseError(
            "il manque le fichier du programme ; donnez-le après download",
            "the program's file is missing; give it after download",
        )
    # The compiler's library is slow to import, and the other actions need none of it.
    from simulators.plc.st.tokens import SOURCE_LIMIT

    return read_text(Path(file), SOURCE_LIMIT)


def _known_mode(word: str) -> str:
    if word.upper() not in get_args(Mode):
        known = ", ".join(get_args(Mode))
        raise MisuseError(
            f"mode {word} inconnu ; choisissez parmi : {known}",
            f"unknown mode {word}; choose one of: {known}",
        )
    return word.upper()


def _mode(device: str, mode: str | None, lab: Connection) -> Any:
    if mode is not None:
        lab.request("plc_mode", device=device, mode=mode)
    return lab.request("plc_status", device=device)


def _tell_mode(device: str, status: dict[str, Any]) -> None:
    cause = status.get("cause")
    fault = say(**cause["text"]) if cause else say("aucun", "none")
    tell(
        f"{device} : {status['mode']}, défaut : {fault}, scrutation {status['scan_last_us']} µs "
        f"(max {status['scan_max_us']}), dépassements {status['overruns']}",
        f"{device}: {status['mode']}, fault: {fault}, scan {status['scan_last_us']} µs "
        f"(max {status['scan_max_us']}), overruns {status['overruns']}",
    )


def register(app: typer.Typer) -> None:
    app.command(help=say("Programme et mode d'un automate.", "A PLC's program and mode."))(plc)
