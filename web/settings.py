"""What the pages are given, once, when the application is made."""

from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app

from lab.labs import Labs
from lab.training.contract import Classroom, Cohorts, People, Sittings
from web.terminals import TerminalLimits

LINES = Path(__file__).resolve().parent.parent / "scenarios" / "lines"
STREAMS_MAX = 200  # of serve.THREADS: the rest answers everything else


@dataclass(frozen=True)
class Settings:
    """`secret_key` signs sessions: the same after a restart, or everybody needs a new link.

    `people`, `sittings`, `cohorts` and `classroom` are the training side. `lines` holds the lines' mimics.
    """

    labs: Labs
    people: People
    sittings: Sittings
    cohorts: Cohorts
    classroom: Classroom
    secret_key: str
    lines: Path = LINES
    streams_max: int = STREAMS_MAX
    terminal_limits: TerminalLimits = field(default_factory=TerminalLimits)


def settings() -> Settings:
    """Those of the application that serves this request."""
    given = current_app.extensions["usine_ecole"]
    assert isinstance(given, Settings)
    return given
