"""`lab plc NAME DEVICE download|upload|mode`: a PLC's program and mode."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.files import read_text
from lab.cli.options import AsJson, DeviceName, LabName, attach
from lab.cli.output import print_json, say, tell
from lab.labs import Connection
from simulators.errors import InputError
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
        typer.Argument(
            help=say("charger, lire ou changer le mode", "download, upload or read and change the mode")
        ),
    ],
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="[FICHIER|RUN|STOP|PROGRAM]",
            help=say("programme à charger, ou nouveau mode", "program, or new mode"),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=say("fichier où écrire le programme lu", "file for the program")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with attach(name) as lab:
        answer = {Action.DOWNLOAD: _download, Action.UPLOAD: _upload, Action.MODE: _mode}[action](
            lab, device, value
        )
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


def _download(lab: Connection, device: str, file: str | None) -> Any:
    if file is None:
        raise InputError("il manque le fichier du programme", "the program's file is missing")
    # The compiler's library is slow to import, and the other actions need none of it.
    from simulators.plc.st.tokens import SOURCE_LIMIT

    source = read_text(Path(file), SOURCE_LIMIT)
    return lab.request("plc_download", device=device, source=source, name=file)


def _upload(lab: Connection, device: str, unwanted: str | None) -> Any:
    if unwanted is not None:
        raise InputError(
            f"{unwanted} en trop ; donnez le fichier par -o", f"{unwanted} is too much; give the file with -o"
        )
    return lab.request("plc_upload", device=device)


def _mode(lab: Connection, device: str, mode: str | None) -> Any:
    if mode is not None:
        lab.request("plc_mode", device=device, mode=mode.upper())
    return lab.request("plc_status", device=device)


def _tell_mode(device: str, status: dict[str, Any]) -> None:
    fault = status["fault"] or say("aucun", "none")
    tell(
        f"{device} : {status['mode']}, défaut : {fault}, scrutation {status['scan_last_us']} µs "
        f"(max {status['scan_max_us']}), dépassements {status['overruns']}",
        f"{device}: {status['mode']}, fault: {fault}, scan {status['scan_last_us']} µs "
        f"(max {status['scan_max_us']}), overruns {status['overruns']}",
    )


def register(app: typer.Typer) -> None:
    app.command(help=say("Programme et mode d'un automate.", "A PLC's program and mode."))(plc)
