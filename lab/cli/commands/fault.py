"""`lab fault`: break something on the plant, or mend it."""

from typing import Annotated

import typer

from lab.cli.grammar import argument
from lab.cli.options import LabName, attach
from lab.cli.output import say, tell


def fault(
    name: LabName,
    asset: Annotated[str, argument(("ACTIF", "ASSET"), ("actif de la ligne", "asset of the line"))],
    mode: Annotated[str, argument(("MODE", "MODE"), ("mode de défaut", "fault mode"))],
    severity: Annotated[
        float, typer.Option(min=0, max=1, help=say("gravité, de 0 (réparé) à 1", "severity, 0 (mended) to 1"))
    ] = 1.0,
) -> None:
    with attach(name) as lab:
        lab.request("fault", asset=asset, mode=mode, severity=severity)
    if severity:
        tell(
            f"{asset} : {mode} à {severity:g}. Pour réparer : lab fault {name} {asset} {mode} --severity 0",
            f"{asset}: {mode} at {severity:g}. To mend it: lab fault {name} {asset} {mode} --severity 0",
        )
    else:
        tell(f"{asset} : {mode} réparé.", f"{asset}: {mode} mended.")


def register(app: typer.Typer) -> None:
    app.command(help=say("Provoque ou répare un défaut de la ligne.", "Cause or mend a fault of the plant."))(
        fault
    )
