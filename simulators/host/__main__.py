"""`python -m simulators.host PLAN.json`: run a line, or the part of one that the plan names.

Says what it reports, a JSON object a line, on standard output.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from simulators.errors import UsineError
from simulators.host.part import run_part
from simulators.host.plan import Plan
from simulators.model import load_line
from simulators.network.plain import PlainNetwork


def main() -> int:
    """Returns the process's exit status."""

    def report(message: dict[str, Any]) -> None:
        sys.stdout.write(msgspec.json.encode(message).decode() + "\n")
        sys.stdout.flush()

    try:
        plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
        line = load_line(Path(plan.line))
        if plan.only is None:
            from simulators.host.process import run

            return run(plan, line, report)
        asyncio.run(run_part(plan, line, PlainNetwork(line), report))
    except UsineError as error:
        report({"error": {"kind": type(error).__name__, "fr": error.text.fr, "en": error.text.en}})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
