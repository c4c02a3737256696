"""What the pages are given, once, when the application is made."""

from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from lab.labs import Labs

LINES = Path(__file__).resolve().parent.parent / "scenarios" / "lines"
STREAMS_MAX = 200  # of serve.THREADS: the rest answers everything else


@dataclass(frozen=True)
class Settings:
    """`secret_key` signs sessions: the same after a restart, or everybody needs a new link.

    `login_tokens` each open one session; which ones are spent is kept in `folder`, so that a restart of the
    web process gives none back. `default_lab` is where `/` leads when it runs. `lines` holds the lines'
    mimics.
    """

    labs: Labs
    secret_key: str
    login_tokens: frozenset[str]
    folder: Path
    default_lab: str | None = None
    lines: Path = LINES
    streams_max: int = STREAMS_MAX


def settings() -> Settings:
    """Those of the application that serves this request."""
    given = current_app.extensions["usine_ecole"]
    assert isinstance(given, Settings)
    return given
