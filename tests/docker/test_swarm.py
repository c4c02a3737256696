"""Labs over a swarm of two real engines.

They pass the runtimes' contract suite; they are placed, reached, and started again elsewhere when their machine is lost.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lab.labs import Job
from lab.paths import Paths
from lab.runtimes.docker.engine import HOME, LAB, ROLE, Engine
from lab.runtimes.docker.settings import settings
from lab.runtimes.swarm.machines import ENCRYPTED_VARIABLE, SOCKET_VARIABLE
from tests.contracts import test_runtimes as contract
from tests.contracts.test_runtimes import NAME, Site, modbus
from tests.docker.left import networks_left
from tests.docker.swarm import SOCKET, EngineHere, two_machines
from tests.live.conftest import green, within

pytestmark = [pytest.mark.needs("docker", "dockerd", "ip"), pytest.mark.timeout(420)]
WELL_S, BACK_S = 40.0, 150.0


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The contract suite's: a supervisor whose engine manages two machines, and a lab on one of them."""
    with tempfile.TemporaryDirectory(prefix="us") as folder, pytest.MonkeyPatch.context() as patch:
        home = Path(folder) / "home"
        with two_machines(Path(folder), settings(home)) as machines:
            patch.setenv("DOCKER_HOST", machines[0].url)
            patch.setenv(SOCKET_VARIABLE, SOCKET)
            # The kernels of small machines have no IPsec.
            patch.setenv(ENCRYPTED_VARIABLE, os.environ.get(ENCRYPTED_VARIABLE, "0"))
            made = SwarmSite("swarm", Paths(home), machines=machines)
            made.supervise()
            try:
                made.start()
                yield made
            finally:
                made.close()


@dataclass
class SwarmSite(Site):
    """`machines` are the swarm's; the first manages."""

    machines: tuple[EngineHere, ...] = ()

    @property
    def engines(self) -> Sequence[str]:
        return [machine.url for machine in self.machines]

    def names(self, machine: EngineHere) -> set[str]:
        """The labs whose containers are on a machine."""
        with Engine(machine.url) as engine:
            return {
                seen.labels[LAB]
                for seen in engine.containers({HOME: "", ROLE: "line"})
                if seen.state == "running"
            }


# First, on the lab that the site has.
globals().update({name: test for name, test in vars(contract).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def swarm(site: SwarmSite) -> SwarmSite:
    """With a lab on each machine, and no other."""
    site.labs.stop(NAME, forget=True)
    for name in ("here", "there"):
        site.start(name)
    return site


def test_labs_are_spread_over_the_machines_each_whole_on_one(swarm: SwarmSite) -> None:
    assert [swarm.names(machine) for machine in swarm.machines] in (
        [{"here"}, {"there"}],
        [{"there"}, {"here"}],
    )
    for name in ("here", "there"):
        within(WELL_S, partial(green, swarm.labs, name))
        assert swarm.of(name, "snapshot")["enforces_zones"] is True


def test_ordinary_clients_probes_and_terminals_reach_a_lab_on_either_machine(swarm: SwarmSite) -> None:
    for name in ("here", "there"):
        port = next(end["port"] for end in swarm.of(name, "endpoints") if end["device"] == "plc1")
        assert modbus(port)[7] == 3
        arguments = {"device": "plc1", "tag": "Pasteuriser.SetPoint"}
        found = swarm.labs.run(Job(name, "probe", "modbus.read", "control", arguments, 15.0))
        assert found["figures"]["value"] == pytest.approx(72.0)
        with swarm.labs.terminal(name, "control", 80, 24) as end:
            end.settimeout(20)
            assert end.recv(1)


def test_a_machine_is_lost_and_its_labs_are_started_on_the_other(swarm: SwarmSite) -> None:
    manager, other = swarm.machines
    (name,) = swarm.names(other)
    port = next(end["port"] for end in swarm.of(name, "endpoints") if end["device"] == "plc1")
    other.lose()
    begun = time.monotonic()
    within(BACK_S, lambda: name in swarm.names(manager) and green(swarm.labs, name))
    print(json.dumps({"back_s": round(time.monotonic() - begun, 1)}))  # noqa: T201 -- for who looks
    (status,) = [lab for lab in swarm.labs.list() if lab.name == name]
    assert (status.state, status.restarts) == ("running", 1)
    # Said, and reached by the same port.
    assert other.address in swarm.paths.supervisor_log.read_text(encoding="utf-8")
    assert "lost" in swarm.paths.supervisor_log.read_text(encoding="utf-8")
    assert modbus(port)[7] == 3


def test_a_lab_that_is_stopped_leaves_nothing_on_its_machine(swarm: SwarmSite) -> None:
    (manager, _other) = swarm.machines
    assert "here" in swarm.names(manager)
    swarm.labs.stop("here", forget=True)
    with Engine(manager.url) as engine:
        assert not engine.containers({HOME: "", LAB: "here"})
        assert not networks_left(engine, {HOME: "", LAB: "here"})
