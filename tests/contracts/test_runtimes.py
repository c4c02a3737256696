"""What every runtime does with a real line: the same words, the same lab, whatever carries it.

A swarm does it in `tests/docker/test_swarm.py`, which has the machines.
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.labs import Job
from lab.paths import Paths
from simulators.errors import InputError, NotFoundError, UsineError
from tests.docker.left import networks_left
from tests.live.conftest import green
from tests.waiting import within

NAME = "one"
SEEN_S, BACK_S = 2.0, 20.0
READ_SET_POINT = bytes.fromhex("0001 0000 0006 01 03 0800 0002")
RUNTIMES = [
    pytest.param("local", marks=pytest.mark.needs("namespaces", "mosquitto")),
    pytest.param("docker", marks=pytest.mark.needs("docker")),
    pytest.param("docker-compact", marks=pytest.mark.needs("docker")),
]


@dataclass
class Site:
    """A supervisor of its own, with one lab."""

    runtime: str
    paths: Paths
    progress: list[dict[str, Any]] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    line: str = "bottling"

    @property
    def labs(self) -> SupervisorClient:
        return SupervisorClient(self.paths)

    def supervise(self) -> None:
        process = ensure_supervisor(self.paths)
        assert process is not None
        self.processes.append(process)

    def start(self, name: str = NAME, seed: int = 1) -> None:
        self.labs.start(self.line, name, seed=seed, progress=self.progress.append, runtime=self.runtime)

    @property
    def engines(self) -> Sequence[str | None]:
        """Where its containers may be; None for the usual one."""
        return (None,)

    def ask(self, verb: str, **arguments: Any) -> Any:
        return self.of(NAME, verb, **arguments)

    def of(self, lab: str, verb: str, **arguments: Any) -> Any:
        with self.labs.attach(lab) as connected:
            return connected.request(verb, **arguments)

    def device(self, name: str) -> dict[str, Any]:
        devices: list[dict[str, Any]] = self.ask("snapshot")["devices"]
        return next(device for device in devices if device["id"] == name)

    def port(self, device: str) -> int:
        return next(int(end["port"]) for end in self.ask("endpoints") if end["device"] == device)

    def zone(self, zone: str) -> str:
        return next(str(z["subnet"]) for z in self.ask("describe")["zones"] if z["id"] == zone)

    def address(self, device: str) -> str:
        found = next(d for d in self.ask("describe")["devices"] if d["id"] == device)
        return str(next(iter(found["interfaces"].values())))

    def look(self, probe: str, zone: str = "control", **arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.labs.run(Job(NAME, "probe", probe, zone, arguments, 15.0))
        return found

    def close(self) -> None:
        with contextlib.suppress(UsineError):
            self.labs.shutdown(labs=True)
        for process in self.processes:
            process.wait(60)


@pytest.fixture(scope="module", params=RUNTIMES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    # Short, for a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ue") as folder:
        made = Site(request.param, Paths(Path(folder)))
        made.supervise()
        made.start()
        yield made
        made.close()


def modbus(port: int, request: bytes = READ_SET_POINT) -> bytes:
    """What the device answers to one request."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(10)
        client.sendall(request)
        return client.recv(260)


def test_a_start_tells_each_device_and_returns_when_all_answer(site: Site) -> None:
    ready = {message["device"] for message in site.progress if message.get("state") == "ok"}
    assert ready == {device["id"] for device in site.ask("snapshot")["devices"]}
    within(BACK_S, lambda: green(site.labs, NAME))
    (status,) = [lab for lab in site.labs.list() if lab.name == NAME]
    assert (status.runtime, status.line, status.state, status.seed) == (
        site.runtime,
        "bottling",
        "running",
        1,
    )
    assert site.ask("snapshot")["enforces_zones"] is True


def test_a_name_that_is_taken_is_refused_and_the_lab_goes_on(site: Site) -> None:
    with pytest.raises(InputError, match=NAME):
        site.start()
    assert site.ask("clock")["t_s"] > 0


def test_ordinary_clients_reach_the_line(site: Site) -> None:
    assert modbus(site.port("plc1"))[7:9] == b"\x03\x04"
    with socket.create_connection(("127.0.0.1", site.port("broker")), 10) as client:
        client.sendall(bytes.fromhex("100e 0004 4d515454 04 02 000a 0002 7473"))
        assert client.recv(4) == b"\x20\x02\x00\x00"


def test_the_plant_moves_and_a_fault_shows(site: Site) -> None:
    before = site.ask("clock")["t_s"]
    site.ask("fault", asset="pump", mode="wear", severity=0.7)
    within(5, lambda: site.ask("clock")["t_s"] > before + 1)
    (pump,) = [asset for asset in site.ask("snapshot")["assets"] if asset["id"] == "pump"]
    assert pump["faults"] == {"wear": pytest.approx(0.7, abs=0.01)}, "wear goes on by itself"
    site.ask("fault", asset="pump", mode="wear", severity=0.0)


def test_an_operators_command_goes_over_the_wire(site: Site) -> None:
    site.ask("write", tag="Pasteuriser.SetPoint", value=72.5)
    within(5, lambda: site.ask("snapshot")["tags"]["Pasteuriser.SetPoint"]["truth"] == 72.5)
    within(5, lambda: site.ask("snapshot")["tags"]["Pasteuriser.SetPoint"]["shown"] == 72.5)


def test_speed_and_pause(site: Site) -> None:
    site.ask("speed", speed=10)
    before = site.ask("clock")["t_s"]
    time.sleep(1.0)
    assert site.ask("clock")["t_s"] > before + 7
    site.ask("pause")
    stands = site.ask("snapshot")["t_s"]
    time.sleep(0.4)
    assert site.ask("snapshot")["t_s"] <= stands + 0.2
    site.ask("resume")
    site.ask("speed", speed=1)
    within(BACK_S, lambda: green(site.labs, NAME))


def test_a_configuration_is_checked_applied_and_undone(site: Site) -> None:
    with pytest.raises(UsineError, match=r"plc1\.yaml"):
        site.ask("configure", device="plc1", text="nonsense: true\n")
    before = site.ask("config", device="plc1")
    site.ask("configure", device="plc1", text=before["text"] + "\n# looked at\n")
    after = site.ask("config", device="plc1")
    assert after["text"].endswith("# looked at\n")
    assert len(after["versions"]) == len(before["versions"]) + 1
    site.ask("factory", device="plc1")
    within(BACK_S, lambda: green(site.labs, NAME))


def test_a_program_is_downloaded_and_its_errors_have_their_line(site: Site) -> None:
    source = site.ask("plc_upload", device="plc2")["source"]
    with pytest.raises(UsineError, match=r"plc2\.st:2"):
        site.ask("plc_download", device="plc2", source="PROGRAM main\nx := ;\nEND_PROGRAM")
    changed = site.ask("plc_download", device="plc2", source=source + "\n(* changed *)\n")
    assert site.ask("plc_status", device="plc2")["program_sha256"] == changed["sha256"]
    site.ask("plc_download", device="plc2", source=source)


def test_a_capture_sees_what_crosses_and_what_stays_in_a_zone(site: Site) -> None:
    site.ask("capture_start")
    time.sleep(2.5)
    taken = site.ask("capture_stop")
    assert taken["frames"] > 20
    logs = {row["log"] for row in taken["events"]}
    assert {"modbus_detailed", "mqtt"} <= logs
    broker = site.address("broker")
    pairs = {(row["id.orig_h"], row["id.resp_h"]) for row in taken["events"] if row["log"] == "mqtt"}
    assert (site.address("scada"), broker) in pairs, "between zones, by the gateway"
    assert (site.address("hall_sensor"), broker) in pairs, "inside a zone"


def test_a_probe_looks_from_inside_a_zone_and_from_no_other_place(site: Site) -> None:
    assert site.look("modbus.read", device="plc1", tag="Pasteuriser.SetPoint")["observed"] == "accepted"
    assert (
        site.look("modbus.read", "enterprise", device="plc1", tag="RawTank.Level")["observed"] == "accepted"
    )
    with pytest.raises(InputError, match=r"192\.0\.2\.1"):
        site.look("modbus.read", device="plc1", tag="RawTank.Level", source="192.0.2.1")


def test_a_denied_zone_is_kept_out_and_the_rest_goes_on(site: Site) -> None:
    rules = (
        "default: deny\nrules:\n"
        "  - {from: supervision, to: control, action: allow}\n"
        "  - {from: supervision, to: iiot, action: allow}\n"
    )
    site.ask("configure", device="gateway", text=rules)
    try:
        denied = site.look("modbus.session", "enterprise", device="plc1")
        assert denied["observed"] in {"refused", "unreachable", "closed"}
        assert site.look("modbus.session", "supervision", device="plc1")["observed"] == "accepted"
        within(BACK_S, lambda: green(site.labs, NAME))
    finally:
        site.ask("factory", device="gateway")
    within(BACK_S, lambda: site.look("modbus.session", "enterprise", device="plc1")["observed"] == "accepted")


def test_an_attack_comes_from_the_address_that_it_claims_and_is_in_the_event_table(site: Site) -> None:
    site.ask("record", zones=["control"])
    stranger = site.zone("control").replace("0/24", "77")
    begun = site.ask("clock")["unix_s"]
    arguments = {"source": stranger, "target": "plc1", "count": 3}
    label = site.labs.run(
        Job(NAME, "attack", "rogue_master", "control", arguments, 60.0), site.progress.append
    )
    assert label is None

    def seen() -> bool:
        rows = site.ask("events", since_ts=begun - 2, log="modbus_detailed", limit=2000)["events"]
        return any(row["id.orig_h"] == stranger for row in rows)

    within(10, seen)
    with pytest.raises(InputError, match=r"8\.8\.8\.8"):
        site.labs.run(Job(NAME, "attack", "rogue_master", "control", {"source": "8.8.8.8"}, 10.0))


@pytest.mark.parametrize("name", ["plc1", "broker", "scada", "hall_sensor", "historian", "gateway"])
def test_a_killed_device_is_seen_restarted_and_all_reconnect(site: Site, name: str) -> None:
    within(BACK_S, lambda: green(site.labs, NAME))
    before = site.device(name)["restarts"]
    site.ask("kill", device=name)
    within(SEEN_S, lambda: site.device(name)["restarts"] > before, every_s=0.02)
    within(BACK_S, lambda: green(site.labs, NAME))


def test_a_checkpoint_is_brought_back(site: Site) -> None:
    site.ask("write", tag="Pasteuriser.SetPoint", value=73.0)
    within(5, lambda: site.ask("snapshot")["tags"]["Pasteuriser.SetPoint"]["truth"] == 73.0)
    taken = site.ask("checkpoint")
    site.ask("write", tag="Pasteuriser.SetPoint", value=75.0)
    within(5, lambda: site.ask("snapshot")["tags"]["Pasteuriser.SetPoint"]["truth"] == 75.0)
    restored = site.ask("restore")
    assert restored["t_s"] == taken["t_s"]
    within(5, lambda: site.ask("snapshot")["tags"]["Pasteuriser.SetPoint"]["truth"] == 73.0)


def test_a_reset_begins_again(site: Site) -> None:
    within(30, lambda: site.ask("clock")["t_s"] > 5)
    site.ask("reset")
    assert site.ask("clock")["t_s"] < 5
    within(BACK_S, lambda: green(site.labs, NAME))


def test_a_supervisor_that_died_finds_its_labs_again(site: Site) -> None:
    ports = {device: site.port(device) for device in ("plc1", "plc2", "broker")}
    site.ask(
        "configure",
        device="hall_sensor",
        text=site.ask("config", device="hall_sensor")["text"] + "\n# mine\n",
    )
    t_s = site.ask("clock")["t_s"]
    supervisor = site.processes[-1]
    supervisor.kill()
    supervisor.wait(10)
    site.supervise()
    within(BACK_S, lambda: [lab.state for lab in site.labs.list() if lab.name == NAME] == ["running"])
    assert site.ask("clock")["t_s"] >= t_s
    assert {device: site.port(device) for device in ports} == ports
    assert site.ask("config", device="hall_sensor")["text"].endswith("# mine\n")
    within(BACK_S, lambda: _answers(ports["plc1"]))
    assert site.look("modbus.session", device="plc1")["observed"] == "accepted"
    within(BACK_S, lambda: green(site.labs, NAME))


def _answers(port: int) -> bool:
    try:
        return modbus(port)[7:8] == b"\x03"
    except OSError:
        return False


def test_the_lab_that_died_comes_back_with_its_trainees_configuration(site: Site) -> None:
    ports = {device: site.port(device) for device in ("plc1", "broker")}
    kill_lab: Callable[[], None] = KILLERS[site.runtime](site)
    kill_lab()
    within(SEEN_S + 1, lambda: not _green_now(site), every_s=0.02)
    within(60, lambda: _green_now(site))
    assert {device: site.port(device) for device in ports} == ports
    assert site.ask("config", device="hall_sensor")["text"].endswith("# mine\n")


def _green_now(site: Site) -> bool:
    with contextlib.suppress(UsineError):
        return green(site.labs, NAME)
    return False


def _kill_process(site: Site) -> Callable[[], None]:
    import os
    import signal

    (status,) = [lab for lab in site.labs.list() if lab.name == NAME]
    assert status.pid is not None
    pid = status.pid
    return lambda: os.kill(pid, signal.SIGKILL)


def _kill_container(part: str) -> Callable[[Site], Callable[[], None]]:
    def killer(site: Site) -> Callable[[], None]:
        from lab.runtimes.docker.engine import LAB, PART, Engine, address

        where = []
        for url in site.engines:
            with Engine(url) as engine:
                found = engine.containers({**_labels(site), LAB: NAME, PART: part})
            where += [(url or address(), seen.id) for seen in found]
        ((url, container),) = where
        return lambda: _docker_kill(url, container)

    return killer


def _docker_kill(url: str, container: str) -> None:
    import docker

    with contextlib.closing(docker.APIClient(base_url=url)) as engine:
        engine.kill(container)


KILLERS: dict[str, Callable[[Site], Callable[[], None]]] = {
    "local": _kill_process,
    "docker": _kill_container("plant"),
    "docker-compact": _kill_container("line"),
    "swarm": _kill_container("plant"),
}


def test_two_labs_do_not_meet(site: Site) -> None:
    site.start("two", seed=2)
    try:
        with site.labs.attach("two") as other:
            other.request(
                "configure", device="plc1", text=other.request("config", device="plc1")["text"] + "\n# two\n"
            )
            assert other.request("snapshot")["seed"] == 2
        assert "# two" not in site.ask("config", device="plc1")["text"]
        assert site.ask("snapshot")["seed"] == 1
    finally:
        site.labs.stop("two", forget=True)


def test_stopping_is_done_when_nothing_is_left_and_again_is_no_error(site: Site) -> None:
    site.labs.stop(NAME)
    assert NAME not in {lab.name for lab in site.labs.list()}
    site.labs.stop(NAME)
    assert leftovers(site) == []
    with pytest.raises(NotFoundError):
        site.ask("clock")
    with pytest.raises(NotFoundError):
        site.labs.stop("never-there")


def leftovers(site: Site) -> list[str]:
    """What an engine still has of this site."""
    if site.runtime == "local":
        return []
    from lab.runtimes.docker.engine import Engine

    left = []
    for url in site.engines:
        with Engine(url) as engine:
            left += [seen.name for seen in engine.containers(_labels(site))]
            left += networks_left(engine, _labels(site))
    return left


def _labels(site: Site) -> dict[str, str]:
    """What its labs' containers and networks bear."""
    from lab.runtimes.docker.engine import HOME, LAB
    from lab.runtimes.docker.settings import settings

    # The machines of a swarm are the test's own, and their homes are called otherwise.
    return {HOME: "", LAB: ""} if site.runtime == "swarm" else {HOME: settings(site.paths.home).mark}


def test_started_again_it_has_its_trainees_configuration(site: Site) -> None:
    site.start()
    assert site.ask("config", device="hall_sensor")["text"].endswith("# mine\n")
    assert json.loads(json.dumps(site.ask("describe")))["id"] == "bottling"
    within(BACK_S, lambda: green(site.labs, NAME))
