"""`python -m simulators.host line PLAN.json`: run a line; `… part`: run the device that the environment names.

Says what it reports, a JSON object a line, on standard output.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simulators.errors import UsineError
from simulators.host.refusal import refusal

if TYPE_CHECKING:
    from simulators.host.network import HostNetwork
    from simulators.model import Device, Line


def main(arguments: list[str]) -> int:
    """Returns the process's exit status."""
    try:
        match arguments:
            case ["line", path]:
                return _line(Path(path))
            case ["part"]:
                return _part()
    except UsineError as error:
        report({"error": refusal(error)})
        return 1
    sys.stderr.write((__doc__ or "") + "\n")
    return 2


def report(message: dict[str, Any]) -> None:
    """One line on standard output."""
    sys.stdout.write(msgspec.json.encode(message).decode() + "\n")
    sys.stdout.flush()


def _line(path: Path) -> int:
    from simulators.host.plan import Plan
    from simulators.host.process import run
    from simulators.model import load_line

    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    return run(plan, load_line(Path(plan.line)), report)


def _part() -> int:
    # Here, for a device's own process should not pay for what it does not need.
    from simulators.host.part import environment_plan, run_part

    return asyncio.run(run_part(environment_plan(), _network, report))


def _network(line: "Line", spec: "Device") -> "HostNetwork":
    """The network of a device's own machine, where the process then is an ordinary user. Raises: UsineError."""
    from simulators.host.privileges import NET_ADMIN, NET_RAW, become, wanted_user
    from simulators.network.plain import PlainNetwork

    if len(spec.interfaces) == 1:
        become(*wanted_user())
        return PlainNetwork(line)
    from simulators.network.routed import RoutedNetwork

    routed = RoutedNetwork(line, spec)
    routed.enter()
    become(*wanted_user(), keep=(NET_ADMIN, NET_RAW))
    return routed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
