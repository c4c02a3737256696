"""What the commands print: Rich for people, JSON for scripts."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from simulators.text import Text, language

console = Console()
_errors = Console(stderr=True)


def say(fr: str, en: str) -> str:
    """The sentence in the reader's language."""
    return en if language() == "en" else fr


def tell(fr: str, en: str) -> None:
    """Print one sentence."""
    console.print(say(fr, en))


def print_json(value: Any) -> None:
    """Print `value` as indented JSON on standard output, and nothing else."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def complain(text: Text, as_json: bool = False) -> None:
    """Print an error: a sentence on standard error, and for scripts an object on standard output."""
    if as_json:
        print_json({"error": text})
    _errors.print(f"[bold red]{say('erreur', 'error')}[/] ", end="")
    # A terminal wraps it without cutting words; a file keeps it on one line.
    _errors.print(str(text), markup=False, highlight=False, soft_wrap=True)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table of the house style."""
    made = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column)
    return made
