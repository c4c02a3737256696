"""The command line's own words, in the reader's language: help and misuse."""

import math
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from lab.cli.output import say
from simulators.errors import InputError
from simulators.text import Text

HELP = say("Affiche cette aide.", "Show this help.")
USAGE = say("Usage : ", "Usage: ")
# What the library calls a type → its name in help, and what misuse says is expected.
TYPES = {
    "str": (say("texte", "text"), Text(fr="un texte", en="a text")),
    "int": (say("entier", "integer"), Text(fr="un entier", en="a whole number")),
    "float": (say("nombre", "number"), Text(fr="un nombre", en="a number")),
    "path": (say("fichier", "file"), Text(fr="un fichier", en="a file")),
}


class MisuseError(InputError):
    """A command line that asks for nothing that could be done: the library's own kind of error, with our words."""


class Command(TyperCommand):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for parameter in self.params:
            _label(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        return _named(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), USAGE)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        left = super().parse_args(ctx, args)
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            # Not a number is within any bounds, for no comparison with it holds.
            if isinstance(value, float) and not math.isfinite(value):
                raise typer.BadParameter("not finite", ctx=ctx, param=parameter)  # type: ignore[arg-type]
        return left


class Group(TyperGroup):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.subcommand_metavar = say("COMMANDE [ARGUMENTS]...", "COMMAND [ARGUMENTS]...")
        for parameter in self.params:
            _label(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        return _named(super().get_help_option(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), USAGE)


class Word(str):
    """A word in the reader's language that knows itself in both."""

    __slots__ = ("text",)

    text: Text

    def __new__(cls, fr: str, en: str) -> "Word":
        made = super().__new__(cls, say(fr, en))
        made.text = Text(fr=fr, en=en)
        return made


def argument(metavar: tuple[str, str], words: tuple[str, str], **more: Any) -> Any:
    """A positional argument: its name and its help, each in French and in English."""
    return typer.Argument(metavar=Word(*metavar), help=say(*words), **more)


def _label(parameter: Any) -> None:
    """The name of a parameter's type in the reader's language; a flag has none."""
    label = "" if getattr(parameter, "is_flag", False) else f"<{_type_name(parameter.type_descriptor)}>"
    parameter.display_type = lambda ctx: label  # noqa: ARG005 -- the library's signature


def _type_name(descriptor: Any) -> str:
    if descriptor.choices is not None:
        return "|".join(str(getattr(choice, "value", choice)) for choice in descriptor.choices)
    return TYPES[_type(descriptor)][0]


def _type(descriptor: Any) -> str:
    if descriptor.is_path:
        return "path"
    words = re.findall(r"\b(int|float)\b", str(descriptor.annotation))
    return str(words[0]) if words else "str"


def _named(option: Any) -> Any:
    if option is not None:
        option.help = HELP
        option.display_type = lambda ctx: ""  # noqa: ARG005 -- the library's signature
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
    wanted = accepted(getattr(error, "param", None))
    if kind == "MissingParameter":
        return Text(fr=f"il manque {name.fr} : {wanted.fr}", en=f"{name.en} is missing: {wanted.en}")
    if kind == "NoSuchOption":
        option = getattr(error, "option_name", "")
        near = getattr(error, "possibilities", None) or []
        fr, en = (f" (proche : {', '.join(near)})", f" (close: {', '.join(near)})") if near else ("", "")
        return Text(fr=f"option inconnue : {option}{fr}", en=f"unknown option: {option}{en}")
    if kind == "BadParameter":
        return Text(
            fr=f"{name.fr} : valeur refusée ; il faut {wanted.fr}",
            en=f"{name.en}: value refused; expected {wanted.en}",
        )
    if kind in {"BadOptionUsage", "BadArgumentUsage"}:
        return Text(
            fr=f"{name.fr or 'option'} : valeur manquante ou en trop",
            en=f"{name.en or 'option'}: value missing or too many",
        )
    # Unknown commands and surplus arguments: what is quoted or in brackets is the user's own word.
    quoted = re.search(r"'([^']*)'|\(([^()]*)\)$", error.message)
    word = (quoted[1] or quoted[2]) if quoted else error.message
    return Text(fr=f"commande ou argument inconnu : {word}", en=f"unknown command or argument: {word}")


def accepted(parameter: Any) -> Text:
    """What a parameter takes: its choices, or its type with its bounds."""
    if parameter is None:
        return Text(fr="une autre valeur", en="another value")
    descriptor = parameter.type_descriptor
    if descriptor.choices is not None:
        words = _type_name(descriptor).replace("|", ", ")
        return Text(fr=f"l'un de : {words}", en=f"one of: {words}")
    plain = TYPES[_type(descriptor)][1]
    low, high = parameter.min, parameter.max
    if low is not None and high is not None:
        return Text(fr=f"{plain.fr} de {low:g} à {high:g}", en=f"{plain.en} from {low:g} to {high:g}")
    if low is not None:
        return Text(fr=f"{plain.fr} d'au moins {low:g}", en=f"{plain.en} of at least {low:g}")
    if high is not None:
        return Text(fr=f"{plain.fr} d'au plus {high:g}", en=f"{plain.en} of at most {high:g}")
    return plain


def _parameter(error: TyperException) -> Text:
    parameter: Any = getattr(error, "param", None)
    if parameter is None:
        hint = str(getattr(error, "param_hint", "") or getattr(error, "option_name", "") or "")
        return Text(fr=hint, en=hint)
    if isinstance(parameter.metavar, Word):
        return parameter.metavar.text
    options = [option for option in getattr(parameter, "opts", []) if option.startswith("-")]
    name = max(options, key=len) if options else str(parameter.name)
    return Text(fr=name, en=name)
