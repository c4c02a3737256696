"""Two labs of a shape on a real engine, and ways to be in any of their containers."""

import contextlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import docker

from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.labs import Job
from lab.paths import Paths
from lab.runtimes.docker.engine import HOME, LAB, PART, address
from lab.runtimes.docker.settings import settings
from simulators.errors import UsineError
from tests.docker.short_line import short_line

ONE, TWO = "one", "two"
SCOUT = (Path(__file__).parent / "scout.py").read_text(encoding="utf-8")


@dataclass
class Yard:
    """`runtime` is the shape of both labs. `exec` runs in a container as root, with all rights that the container has.

    `quiet_ms` is how late the second lab's scans were when nothing was wild last (`test_bombs`), None before.
    """

    runtime: str
    paths: Paths
    supervisor: subprocess.Popen[bytes] | None = None
    quiet_ms: float | None = None
    engine: Any = field(default_factory=lambda: docker.APIClient(base_url=address(), timeout=120))

    @property
    def labs(self) -> SupervisorClient:
        return SupervisorClient(self.paths)

    def open(self) -> None:
        self.supervisor = ensure_supervisor(self.paths)
        with ThreadPoolExecutor() as pool:
            list(pool.map(partial(self._start, short_line(self.paths.home)), (ONE, TWO), (1, 2)))

    def _start(self, line: str, name: str, seed: int) -> None:
        self.labs.start(line, name, seed=seed, runtime=self.runtime)

    def close(self) -> None:
        with contextlib.suppress(UsineError):
            self.labs.shutdown(labs=True)
        if self.supervisor is not None:
            self.supervisor.wait(60)
        self.engine.close()

    def ask(self, verb: str, lab: str = ONE, **arguments: Any) -> Any:
        with self.labs.attach(lab) as connection:
            return connection.request(verb, **arguments)

    def look(self, probe: str, zone: str, lab: str = ONE, **arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.labs.run(Job(lab, "probe", probe, zone, arguments, 15.0))
        return found

    # The labs' containers

    def ids(self, lab: str = ONE) -> dict[str, str]:
        """Those that run, by part."""
        wanted = [f"{HOME}={settings(self.paths.home).mark}", f"{LAB}={lab}"]
        return {
            seen["Labels"][PART]: seen["Id"] for seen in self.engine.containers(filters={"label": wanted})
        }

    def seen(self, lab: str = ONE) -> dict[str, dict[str, Any]]:
        """What the engine says of each, by part."""
        return {part: self.engine.inspect_container(found) for part, found in self.ids(lab).items()}

    def sit(self, zone: str, lab: str = ONE) -> str:
        """The part that is the zone's workstation, which is there afterwards."""
        self.labs.terminal(lab, zone, 80, 24).close()
        return f"workstation-{zone}"

    def run(
        self, part: str, command: list[str], lab: str = ONE, user: str = "0", status: int | None = 0
    ) -> str:
        """What the command prints in that container; `status` is what it must end with, None: any."""
        made = self.engine.exec_create(
            self.ids(lab)[part], command, user=user, environment={"PYTHONWARNINGS": ""}
        )
        said: str = self.engine.exec_start(made["Id"]).decode(errors="replace")
        code = self.engine.exec_inspect(made["Id"])["ExitCode"]
        assert status is None or code == status, f"{part}: {command[:2]}: {code}\n{said}"
        return said

    def scout(self, part: str, *tries: tuple[str, list[Any]], lab: str = ONE, user: str = "0") -> list[Any]:
        """What each try found there (`scout`)."""
        said = self.run(part, ["python3", "-c", SCOUT, json.dumps(tries)], lab, user)
        found: list[Any] = json.loads(said.splitlines()[-1])
        return found

    def try_one(self, part: str, verb: str, *arguments: Any, lab: str = ONE, user: str = "0") -> Any:
        return self.scout(part, (verb, list(arguments)), lab=lab, user=user)[0]

    def folder(self, part: str, lab: str = ONE) -> Path:
        """What the part keeps, here."""
        return self.paths.lab(lab) / part

    # The labs' lines

    def addresses(self, lab: str = ONE) -> dict[str, tuple[str, str]]:
        """The zone and the address of each device that is in one zone."""
        devices = self.ask("describe", lab)["devices"]
        return {
            device["id"]: next(iter(device["interfaces"].items()))
            for device in devices
            if len(device["interfaces"]) == 1
        }

    def zones(self) -> list[str]:
        return [zone["id"] for zone in self.ask("describe")["zones"]]

    def late_ms(self, lab: str) -> list[float]:
        """How late each of its scans was since that was last forgotten."""
        late: list[float] = self.ask("lateness", lab)
        assert late
        return late


def percentile_99(late_ms: list[float]) -> float:
    """Of fewer than a hundred it is the greatest."""
    return sorted(late_ms)[min(len(late_ms) - 1, len(late_ms) * 99 // 100)]
