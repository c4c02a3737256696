"""`--arg name=value`: values as YAML writes them (3, true, TLSv1.2, [1, 2], {a: b})."""

from typing import Annotated, Any

import typer

from lab.cli.grammar import MisuseError
from lab.cli.output import say
from simulators.document import parse

Arguments = Annotated[
    list[str],
    typer.Option(
        "--arg",
        metavar=say("NOM=VALEUR", "NAME=VALUE"),
        help=say("argument, autant de fois qu'il en faut", "argument, as many times as needed"),
    ),
]


def parsed(given: list[str]) -> dict[str, Any]:
    """The arguments by name. Raises: InputError: one is not `name=value`."""
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise MisuseError(
                f"--arg {one} : écrivez nom=valeur, par exemple device=plc1",
                f"--arg {one}: write name=value, for example device=plc1",
            )
        found[name] = parse(value, f"--arg {name}").data
    return found
