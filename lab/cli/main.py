"""Puts the commands together, and turns every error into one sentence and an exit status."""

import importlib
import pkgutil
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from lab.cli import commands
from lab.cli.grammar import MisuseError, misuse, speak
from lab.cli.output import complain, say
from lab.paths import default_paths
from simulators.errors import NotFoundError, ToolMissingError, UsineError

# Exit statuses beside 0.
FAILED, MISUSED, NOT_FOUND, TOOL_MISSING, INTERRUPTED = 1, 2, 3, 4, 130


def build() -> typer.Typer:
    """The application with every command of `lab/cli/commands`."""
    app = typer.Typer(
        name="lab",
        help=say(
            "Usine-École : labos industriels de cybersécurité et d'IA sur une ligne de production virtuelle.",
            "Usine-École: industrial cyber and AI labs on a virtual production line.",
        ),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def lab(
        _version: Annotated[
            bool,
            typer.Option(
                "--version",
                help=say("La version, puis c'est tout.", "The version, and nothing else."),
                is_eager=True,
                callback=_show_version,
            ),
        ] = False,
    ) -> None: ...

    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        module.register(app)
    speak(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"usine-ecole {version('usine-ecole')}")
        raise typer.Exit


def main() -> None:
    """Entry point of `lab`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; returns its exit status."""
    try:
        status = build()(arguments, prog_name="lab", standalone_mode=False)
    except UsineError as error:
        complain(error.text, as_json="--json" in arguments)
        return _status(error)
    except typer.Exit as leave:
        return leave.exit_code
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
        else:
            complain(misuse(error), as_json="--json" in arguments)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except Exception as error:  # the last resort: no traceback reaches a user
        return _unexpected(error)
    return status if isinstance(status, int) else 0


def _status(error: UsineError) -> int:
    statuses = ((MisuseError, MISUSED), (NotFoundError, NOT_FOUND), (ToolMissingError, TOOL_MISSING))
    return next((status for kind, status in statuses if isinstance(error, kind)), FAILED)


def _unexpected(error: Exception) -> int:
    paths = default_paths()
    where = "–"
    try:
        paths.prepare()
        report = paths.run / "error.log"
        report.write_text(traceback.format_exc(), encoding="utf-8")
        where = str(report)
    except (UsineError, OSError):
        pass
    complain(
        UsineError(
            f"défaut imprévu de lab : {error!r} ; le détail est dans {where}, joignez-le à votre signalement",
            f"unexpected fault of lab: {error!r}; details are in {where}, attach it to your report",
        ).text
    )
    return FAILED
