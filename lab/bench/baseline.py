"""The same line the usual way, for comparison: a process of its own for every device.

`python -m lab.bench.baseline LINE FOLDER` runs one such lab until its standard input closes: it prints
`ready`, then its processes' numbers, as JSON lines.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from lab.bench.process import cpu_s, descendants, pss_mib
from lab.catalog import find_line
from simulators.errors import StartError
from simulators.host.bus import BUS_VARIABLE, PART_VARIABLE, TOKEN_VARIABLE, part_token
from simulators.host.check import NOTE_VARIABLE
from simulators.host.plan import Plan
from simulators.model import Line
from simulators.network.zones import NamespaceNetwork

SETTLE_S = 4.0
AT_ONCE = 4
Say = Callable[[str, str], None]


class BaselineBench:
    """`count` labs of `line`, a process per device, in `home`."""

    def __init__(self, home: Path, line: str, count: int, window_s: float, say: Say) -> None:
        self._home, self._line, self._count, self._window_s, self._say = home, line, count, window_s, say

    def run(self) -> dict[str, float]:
        """The baseline's figures. Raises: StartError: a lab of it does not start."""
        self._say(
            f"référence : {self._count} labos, un processus par équipement…",
            f"baseline: {self._count} labs, a process per device…",
        )
        begun = time.monotonic()
        labs: list[subprocess.Popen[bytes]] = []
        try:
            # More at once only get in each other's way: 420 interpreters import at the same time.
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda number: self._start(number, labs), range(self._count)))
            ready_s = time.monotonic() - begun
            time.sleep(SETTLE_S)
            return {"baseline_ready_all_s": ready_s, **self._measure(labs)}
        finally:
            for lab in labs:
                if lab.stdin is not None:
                    lab.stdin.close()
            for lab in labs:
                lab.wait(30)

    def _start(self, number: int, labs: list[subprocess.Popen[bytes]]) -> None:
        lab = self._launch(number)
        labs.append(lab)
        _expect_ready(lab)

    def _launch(self, number: int) -> subprocess.Popen[bytes]:
        folder = self._home / f"baseline-{number}"
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "lab.bench.baseline", self._line, str(folder)]
        log = (folder / "log").open("wb")
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def _measure(self, labs: list[subprocess.Popen[bytes]]) -> dict[str, float]:
        python: list[int] = []
        for lab in labs:
            python += [pid for pid in descendants(lab.pid) if _is_python(pid)]
            python.append(lab.pid)
        before = sum(map(cpu_s, python))
        time.sleep(self._window_s)
        used_s = sum(map(cpu_s, python)) - before
        return {
            "baseline_memory_per_lab_mib": sum(map(pss_mib, python)) / len(labs),
            "baseline_cpu_per_lab_pct": 100 * used_s / self._window_s / len(labs),
            "baseline_processes_per_lab": len(python) / len(labs),
        }


def _expect_ready(lab: subprocess.Popen[bytes]) -> None:
    assert lab.stdout is not None
    first = lab.stdout.readline().strip()
    if first != b"ready":
        raise StartError(
            f"référence : un labo ne démarre pas ({first!r})", f"baseline: a lab does not start ({first!r})"
        )


def _is_python(pid: int) -> bool:
    """The broker is the same program in both designs: it is left out of both."""
    try:
        return "python" in os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 -- a dead process raises here
    except OSError:
        return False


def main() -> int:
    """One lab: the gateway here, where all zones are; everything else in a process of its zone."""
    line_name, folder = sys.argv[1], Path(sys.argv[2])
    line = find_line(line_name)
    plan = Plan(
        name="baseline", line=str(Path(line.folder) / "line.yaml"), seed=0, folder=str(folder),
        control=str(folder / "control"), token="", bus=f"unix:{folder}/bus", bus_secret=secrets.token_hex(16),
    )  # fmt: skip
    network = NamespaceNetwork(line)
    network.enter()
    path = folder / "plan.json"
    path.write_bytes(msgspec.json.encode(plan))
    plant = _spawn(network, line.zones[0].id, ["line", str(path)], {})
    parts = [
        _spawn(network, d.zone, ["part"], _environment(plan, d.id))
        for d in line.devices
        if d.kind != "gateway"
    ]
    asyncio.run(_gateway(network, line, plan, plant, parts))
    return 0


def _environment(plan: Plan, device: str) -> dict[str, str]:
    return {
        PART_VARIABLE: device,
        BUS_VARIABLE: plan.bus or "",
        TOKEN_VARIABLE: part_token(plan.bus_secret, device),
        "USINE_FOLDER": plan.folder,
        NOTE_VARIABLE: f"{plan.folder}/{device}-note.json",
    }


def _spawn(
    network: NamespaceNetwork, zone: str, arguments: list[str], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    return network.spawn(
        zone,
        [sys.executable, "-m", "simulators.host", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )


async def _gateway(
    network: NamespaceNetwork,
    line: Line,
    plan: Plan,
    plant: subprocess.Popen[bytes],
    parts: list[subprocess.Popen[bytes]],
) -> None:
    from simulators.host.part import Part, plan_of

    gateways = [
        Part(plan_of(_environment(plan, d.id), plan.folder), lambda _line, _spec: network, lambda _said: None)
        for d in line.devices_of("gateway")
    ]
    running = [asyncio.create_task(gateway.run()) for gateway in gateways]
    await asyncio.to_thread(_wait_ready, plant)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for task in running:
        task.cancel()
    for gateway in gateways:
        await gateway.stop()
    for part in (*parts, plant):
        part.terminate()
    for part in (*parts, plant):
        part.wait(10)


def _wait_ready(plant: subprocess.Popen[bytes]) -> None:
    assert plant.stdout is not None
    for line in plant.stdout:
        said: dict[str, Any] = msgspec.json.decode(line)
        if "ready" in said:
            return
        if "error" in said:
            break
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
