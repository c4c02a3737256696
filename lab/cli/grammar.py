"""The command line's own words, in the reader's language: help and misuse."""

import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from lab.cli.output import say
from simulators.text import Text

HELP = say("Affiche cette aide.", "Show this help.")


class Command(TyperCommand):
    def get_help_option(self, ctx: Any) -> Any:
        return _named(super().get_help_option(ctx))


class Group(TyperGroup):
    def get_help_option(self, ctx: Any) -> Any:
        return _named(super().get_help_option(ctx))


def _named(option: Any) -> Any:
    if option is not None:
        option.help = HELP
    return option


def speak(app: typer.Typer) -> None:
    """Have every command of `app`, and of the groups in it, say its help in the reader's language."""
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            speak(group.typer_instance)


def misuse(error: TyperException) -> Text:
    """What is wrong with a command line, and where its help is."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lab"
    found = _what(error)
    return Text(fr=f"{found.fr} ; voyez « {path} --help »", en=f"{found.en}; see '{path} --help'")


def _what(error: TyperException) -> Text:
    name = _parameter(error)
    kind = type(error).__name__
    if kind == "MissingParameter":
        return Text(fr=f"il manque {name}", en=f"{name} is missing")
    if kind == "NoSuchOption":
        option = getattr(error, "option_name", "")
        near = getattr(error, "possibilities", None) or []
        fr, en = (f" (proche : {', '.join(near)})", f" (close: {', '.join(near)})") if near else ("", "")
        return Text(fr=f"option inconnue : {option}{fr}", en=f"unknown option: {option}{en}")
    if kind == "BadParameter":
        return Text(fr=f"{name} : valeur refusée", en=f"{name}: value refused")
    if kind in {"BadOptionUsage", "BadArgumentUsage"}:
        return Text(
            fr=f"{name or 'option'} : valeur manquante ou en trop",
            en=f"{name or 'option'}: value missing or too many",
        )
    # Unknown commands and surplus arguments: what is quoted or in brackets is the user's own word.
    quoted = re.search(r"'([^']*)'|\(([^()]*)\)$", error.message)
    word = (quoted[1] or quoted[2]) if quoted else error.message
    return Text(fr=f"commande ou argument inconnu : {word}", en=f"unknown command or argument: {word}")


def _parameter(error: TyperException) -> str:
    parameter: Any = getattr(error, "param", None)
    if parameter is not None:
        options = [option for option in getattr(parameter, "opts", []) if option.startswith("-")]
        return options[0] if options else str(parameter.name)
    return str(getattr(error, "param_hint", "") or getattr(error, "option_name", "") or "")
