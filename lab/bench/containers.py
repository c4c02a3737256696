"""The processes that a home's labs have on the container engine."""

import contextlib
from pathlib import Path

from lab.bench.process import descendants, parent
from lab.runtimes.docker.engine import HOME, ROLE, Engine
from lab.runtimes.docker.settings import settings
from simulators.errors import UsineError


def processes(home: Path) -> tuple[list[int], list[int]]:
    """Those inside the lines' containers, and those of the engine that hold each of them."""
    inside: list[int] = []
    holding: set[int] = set()
    with Engine() as engine:
        for seen in engine.containers({HOME: settings(home).mark, ROLE: "line"}):
            with contextlib.suppress(UsineError):
                first = engine.process(seen.id)
                inside += [first, *descendants(first)]
                holding.add(parent(first))
    return inside, sorted(holding)
