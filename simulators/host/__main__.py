"""What runs in a process, or a container, of its own: `python -m simulators.host …`

- `line PLAN.json`: a line, or its plant where its devices run elsewhere;
- `part`: the device that the environment names;
- `workstation SOCKET`: the student's machine in a zone;
- `ways`: ports of another network that lead into a line's zones;
- `tap`: what passes on the bridge that the environment names, told to the gateway;
- `opcua-base PATH`, `st-tables PATH`: write the standard OPC UA nodes, the compiler's tables, when an image is built;
- `check`: whether the device, the plant, the ways or the workstation of this container answer (exit status 0).

The first two say what they report, a JSON object a line, to the Unix socket `$USINE_REPORT`, else on standard output.
"""

import contextlib
import os
import socket
import sys
from collections.abc import Callable
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
            case ["workstation", path]:
                return _workstation(Path(path))
            case ["opcua-base", path]:
                return _opcua_base(Path(path))
            case ["st-tables", path]:
                return _st_tables(path)
            case ["tap"]:
                return _tap()
            case ["ways"]:
                return _ways()
            case ["check", *of]:
                return _check(of)
    except UsineError as error:
        reporter()({"error": refusal(error)})
        return 1
    sys.stderr.write((__doc__ or "") + "\n")
    return 2


def reporter() -> Callable[[dict[str, Any]], None]:
    """Writes one line a message to whoever waits for it."""
    # Here, as in the rest, for a health check that is made every few seconds starts in half the time.
    from simulators.host.bus import REPORT_VARIABLE

    write = _to_socket(os.environ.get(REPORT_VARIABLE, "")) or _to_output

    def report(message: dict[str, Any]) -> None:
        write(msgspec.json.encode(message) + b"\n")

    return report


def _to_output(line: bytes) -> None:
    sys.stdout.write(line.decode())
    sys.stdout.flush()


def _to_socket(path: str) -> Callable[[bytes], None] | None:
    """None where nobody listens: who started it has gone, and the line runs without."""
    if not path:
        return None
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.connect(path)
    except OSError:
        connected.close()
        return None

    def write(line: bytes) -> None:
        with contextlib.suppress(OSError):
            connected.sendall(line)

    return write


def _line(path: Path) -> int:
    from simulators.host.plan import Plan, with_secrets
    from simulators.host.privileges import become, wanted_user
    from simulators.host.process import run
    from simulators.model import load_line

    plan = with_secrets(msgspec.json.decode(path.read_bytes(), type=Plan), os.environ)
    become(*wanted_user())
    return run(plan, load_line(Path(plan.line)), reporter())


def _part() -> int:
    # Here, for a device's own process should not pay for what it does not need.
    import asyncio

    from simulators.host.part import environment_plan, run_part
    from simulators.host.router import take_router

    take_router(os.environ)
    return asyncio.run(run_part(environment_plan(), _network, reporter()))


def _network(line: "Line", spec: "Device") -> "HostNetwork":
    """The network of a device's own machine, where the process then is an ordinary user. Raises: UsineError."""
    from simulators.host.orphans import wait_for_orphans
    from simulators.host.privileges import NET_ADMIN, NET_RAW, become, wanted_user
    from simulators.network.plain import PlainNetwork

    if len(spec.interfaces) == 1:
        become(*wanted_user())
        plain = PlainNetwork(line)
        wait_for_orphans(plain.spawned)
        return plain
    from simulators.network.feed import FEED_VARIABLE
    from simulators.network.routed import RoutedNetwork

    routed = RoutedNetwork(line, spec, fed=bool(os.environ.get(FEED_VARIABLE)))
    routed.enter()
    become(*wanted_user(), keep=(NET_ADMIN, NET_RAW))
    # A gateway starts no program.
    wait_for_orphans(list)
    return routed


def _workstation(path: Path) -> int:
    import asyncio

    from simulators.host.privileges import NET_RAW, acting_as, become, student, wanted_user
    from simulators.host.router import take_router
    from simulators.workstation.orphans import stay_for_orphans
    from simulators.workstation.server import listener_at, serve

    take_router(os.environ)
    # The socket's folder is the host's, and of the user who owns it; the student is another, and has no place there.
    with acting_as(*wanted_user()):
        listener = listener_at(path)
    number = student(wanted_user()[0])
    become(number, number, keep=(NET_RAW,))
    stay_for_orphans()
    asyncio.run(serve(path, listener))
    return 0


def _opcua_base(path: Path) -> int:
    from simulators.devices.opcua_plc.base_file import write
    from simulators.devices.opcua_plc.base_space import base_nodes, subtypes

    write(path, base_nodes(), subtypes())
    return 0


def _st_tables(path: str) -> int:
    from simulators.plc.st.parse import parser

    parser(path)
    return 0


def _tap() -> int:
    import asyncio

    from simulators.host.privileges import become, wanted_user
    from simulators.host.tap import heard, run_tap

    frames = heard()
    become(*wanted_user())
    return asyncio.run(run_tap(frames))


def _ways() -> int:
    import asyncio

    from simulators.host.ways import serve

    asyncio.run(serve())
    return 0


def _check(of: list[str]) -> int:
    from simulators.host.check import check, check_line, check_socket, check_ways
    from simulators.host.privileges import become, wanted_user

    # Root of a container without rights may not enter what belongs to whom it became.
    become(*wanted_user())
    match of:
        case []:
            well = check()
        case ["line", path]:
            well = check_line(Path(path), os.environ)
        case ["ways"]:
            well = check_ways(os.environ)
        case ["socket", path]:
            well = check_socket(Path(path))
        case _:
            return 2
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
