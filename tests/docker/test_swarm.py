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
from lab.runtimes.docker.engine import HOME, LAB, PART, ROLE, Engine, Seen
from lab.runtimes.docker.settings import settings
from lab.runtimes.swarm.machines import ENCRYPTED_VARIABLE, SOCKET_VARIABLE
from simulators.errors import InputError
from tests.contracts import test_runtimes as contract
from tests.contracts.test_runtimes import NAME, Site, modbus
from tests.docker.left import networks_left
from tests.docker.short_line import short_line
from tests.docker.swarm import SOCKET, EngineHere, two_machines
from tests.live.conftest import green
from tests.waiting import within

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
            made = SwarmSite("swarm", Paths(home), line=short_line(Path(folder)), machines=machines)
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
        return {seen.labels[LAB] for seen in self.running(machine)}

    def parts(self, machine: EngineHere, lab: str) -> set[str]:
        """What of a lab is on a machine."""
        return {seen.labels[PART] for seen in self.running(machine) if seen.labels[LAB] == lab}

    def running(self, machine: EngineHere) -> list[Seen]:
        with Engine(machine.url) as engine:
            there = engine.containers({HOME: "", ROLE: "line"})
        return [seen for seen in there if seen.state == "running"]


def forgotten(engine: Engine, lab: str) -> bool:
    return not engine.networks({HOME: "", LAB: lab})


def found_address(site: Site, lab: str, device: str) -> str:
    found = next(d for d in site.of(lab, "describe")["devices"] if d["id"] == device)
    return str(next(iter(found["interfaces"].values())))


def read(port: int) -> bool:
    """Whether a register of the PLC there can be read. The first connection makes a container on the machine: where two
    engines share the processors with all else, it may be cut before, and a client then tries again.
    """
    try:
        return modbus(port)[7:8] == b"\x03"
    except OSError:
        return False


# First, on the lab that the site has.
globals().update({name: test for name, test in vars(contract).items() if name.startswith("test_")})


def test_a_spread_lab_is_one_lab_on_both_machines_and_leaves_nothing(site: SwarmSite) -> None:
    name, begun = "wide", time.monotonic()
    site.labs.start(site.line, name, seed=1, runtime="swarm", spread=True)
    ready_s = time.monotonic() - begun
    (status,) = [lab for lab in site.labs.list() if lab.name == name]
    assert len(status.machines) == 2
    parts = [site.parts(machine, name) for machine in site.machines]
    away = next(there for there in parts if "plant" not in there)
    assert {"scada", "historian", "broker", "hall_sensor"} <= away
    assert sorted(d["id"] for d in site.of(name, "describe")["devices"]) == sorted(
        set.union(*parts) - {"plant"}
    )
    assert not set.intersection(*parts)
    # SCADA reads the PLCs by the gateway, sensors are heard by their broker, all over the machines.
    within(WELL_S, partial(green, site.labs, name))
    assert site.of(name, "snapshot")["enforces_zones"] is True
    port = next(end["port"] for end in site.of(name, "endpoints") if end["device"] == "plc1")
    within(WELL_S, partial(read, port))
    for zone in ("iiot", "enterprise"):
        found = site.labs.run(Job(name, "probe", "mqtt.connect", zone, {"device": "broker"}, 15.0))
        assert found["observed"] == "accepted"
    arguments = {"device": "broker", "source": found_address(site, name, "pump_sensor")}
    with pytest.raises(InputError, match="pump_sensor"):
        site.labs.run(Job(name, "probe", "mqtt.connect", "iiot", arguments, 15.0))
    with site.labs.terminal(name, "iiot", 80, 24) as end:
        end.settimeout(20)
        assert end.recv(1)
    begun = time.monotonic()
    site.labs.stop(name, forget=True)
    print(json.dumps({"ready_s": round(ready_s, 1), "stopped_s": round(time.monotonic() - begun, 1)}))  # noqa: T201
    for machine in site.machines:
        with Engine(machine.url) as engine:
            assert not engine.containers({HOME: "", LAB: name})
            # A worker forgets a network by itself, a moment after its last container there.
            within(WELL_S, partial(forgotten, engine, name))


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
        within(WELL_S, partial(read, port))
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
    within(WELL_S, partial(read, port))


def test_a_lab_that_is_stopped_leaves_nothing_on_its_machine(swarm: SwarmSite) -> None:
    (manager, _other) = swarm.machines
    assert "here" in swarm.names(manager)
    swarm.labs.stop("here", forget=True)
    with Engine(manager.url) as engine:
        assert not engine.containers({HOME: "", LAB: "here"})
        assert not networks_left(engine, {HOME: "", LAB: "here"})
