"""Jobs in the zones of a real lab: probes and attacks run there, see what is there, and never outlive who asked."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.connection import SupervisorClient
from lab.labs import Job
from lab.probes.contract import Finding
from simulators.errors import InputError, NotFoundError, TimeLimitError, UsineError
from tests.live.conftest import SUPERVISORS, Command
from tests.waiting import within

NAME = "jobs"
LIMIT_S = 8.0
DENY = """
default: deny
rules:
  - {from: scada, to: plc1, protocol: modbus, action: allow}
  - {from: scada, to: plc2, protocol: opcua, action: allow}
  - {from: scada, to: broker, protocol: mqtt, action: allow}
"""

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture(scope="module")
def fast(labs: SupervisorClient) -> Iterator[SupervisorClient]:
    """A supervisor with a second lab, which runs fifty times as fast."""
    labs.start("bottling", NAME, seed=11, speed=50)
    yield labs
    labs.stop(NAME, forget=True)


def look(labs: SupervisorClient, name: str, zone: str = "control", **arguments: Any) -> Finding:
    return msgspec.convert(labs.run(Job(NAME, "probe", name, zone, arguments, LIMIT_S)), Finding)


def jobs_of_supervisor() -> list[int]:
    """The processes that the supervisor forked and that lead no lab: those named by no handle."""
    parent = SUPERVISORS[-1].pid
    children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    known = {status.pid for status in SupervisorClient(_paths()).list()}
    return [pid for pid in children if pid not in known]


def _paths() -> Any:
    from lab.paths import default_paths

    return default_paths()


@pytest.fixture(autouse=True)
def own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USINE_HOME", str(home))


def test_probes_see_the_devices_from_their_zones(fast: SupervisorClient) -> None:
    assert look(fast, "modbus.session", device="plc1").observed == "accepted"
    assert look(fast, "modbus.read", device="plc1", tag="RawTank.Level").figures["value"] > 0
    assert (
        look(fast, "mqtt.canary", "iiot", device="broker", topic="a/b", filter="a/#").observed == "delivered"
    )
    assert look(fast, "reach.tcp", "enterprise", device="plc2").observed == "open"
    assert look(fast, "tls.handshake", "iiot", device="broker", port=8883).observed == "unreachable"
    swept = look(fast, "reach.sweep", device="plc1", ports="1-1024", allowed=[502])
    assert (swept.observed, swept.figures["open"]) == ("only_allowed", 1)


def test_a_trivial_job_is_quick(fast: SupervisorClient) -> None:
    """Some 25 ms on a quiet machine; the bound tells a fork from an interpreter that imports it all, on a busy one."""
    taken_s = []
    for _ in range(5):
        begun_s = time.monotonic()
        look(fast, "reach.tcp", device="plc1")
        taken_s.append(time.monotonic() - begun_s)
    assert min(taken_s) < 1.0


def test_a_closed_gateway_refuses_and_the_legitimate_way_stays_open(fast: SupervisorClient) -> None:
    with fast.attach(NAME) as lab:
        lab.request("configure", device="gateway", text=DENY)
        try:
            assert look(fast, "reach.tcp", "enterprise", device="plc1").observed == "refused"
            assert look(fast, "modbus.session", "supervision", device="plc1").observed in {
                "unreachable",
                "closed",
            }
            own = look(fast, "modbus.session", "supervision", device="plc1", source="scada")
            assert own.observed == "accepted"
            assert look(fast, "reach.tcp", "control", device="plc1").observed == "open"
        finally:
            lab.request("factory", device="gateway")
        assert look(fast, "reach.tcp", "enterprise", device="plc1").observed == "open"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.99.0.1", "192.0.2.1"])
def test_what_is_outside_the_lab_is_refused(fast: SupervisorClient, host: str) -> None:
    with pytest.raises(InputError, match=r"10\.20\.1\.0/24"):
        look(fast, "reach.tcp", host=host, port=80)


def test_what_is_no_job_is_refused(fast: SupervisorClient) -> None:
    with pytest.raises(NotFoundError, match=r"reach\.tcp"):
        look(fast, "reach.tpc", device="plc1")
    with pytest.raises(InputError, match="wait_s"):
        look(fast, "reach.tcp", dvice="plc1")
    with pytest.raises(NotFoundError, match="supervision"):
        look(fast, "reach.tcp", "kitchen", device="plc1")
    with pytest.raises(NotFoundError):
        fast.run(Job("nowhere", "probe", "reach.tcp", "control"))


class Asked(threading.Thread):
    """A flood of ten seconds, asked for and waited for beside the test."""

    def __init__(self, labs: SupervisorClient, limit_s: float = 15.0) -> None:
        super().__init__(daemon=True)
        self._labs, self._limit_s = labs, limit_s
        self.error: UsineError | None = None

    def run(self) -> None:
        arguments = {"device": "plc1", "seconds": 10, "connections": 1, "source": "10.20.1.251"}
        try:
            self._labs.run(Job(NAME, "probe", "modbus.flood", "control", arguments, self._limit_s))
        except UsineError as error:
            self.error = error


def entered(pid: int) -> None:
    """Wait until the job has left the host's network."""
    host = Path("/proc/self/ns/net").readlink()
    within(5, lambda: Path(f"/proc/{pid}/ns/net").readlink() != host)


def test_a_job_past_its_limit_is_ended_with_all_it_started(fast: SupervisorClient) -> None:
    asked = Asked(fast, limit_s=0.5)
    begun_s = time.monotonic()
    asked.start()
    asked.join(10)
    assert isinstance(asked.error, TimeLimitError)
    assert time.monotonic() - begun_s < 5
    within(3, lambda: jobs_of_supervisor() == [])


def test_a_job_is_inside_its_zone_without_the_orchestrators_files_and_ends_with_who_asked(
    fast: SupervisorClient, home: Path
) -> None:
    wire = fast._open()
    arguments = {"device": "plc1", "seconds": 10, "connections": 1}
    job = Job(NAME, "probe", "modbus.flood", "control", arguments, 15.0)
    wire.send({"id": 1, "verb": "run", "arguments": msgspec.to_builtins(job)})
    (pid,) = within(5, jobs_of_supervisor)
    entered(pid)
    inside = Path(f"/proc/{pid}/root{home}")
    within(5, lambda: list(inside.iterdir()) == [])
    assert list(home.iterdir()) != []
    wire.close()
    within(3, lambda: jobs_of_supervisor() == [])


def test_an_attack_is_labelled_and_leaves_with_its_command(fast: SupervisorClient, lab: Command) -> None:
    heard: list[dict[str, Any]] = []
    fast.run(Job(NAME, "attack", "port_scan", "control", {}, 30.0), heard.append)
    labels = [message["label"] for message in heard if "label" in message]
    assert labels[0]["end_unix_s"] == 0.0
    assert labels[-1]["end_unix_s"] > labels[-1]["start_unix_s"]
    assert "port_scan" in lab("attacks")
    assert lab.json("attack", NAME, "port_scan")["label"]["technique"] == labels[0]["technique"]


def test_the_commands_of_authors(fast: SupervisorClient, lab: Command) -> None:
    seen = lab.json(
        "probe", NAME, "modbus.read", "--zone", "control", "--arg", "device=plc1", "--arg", "tag=Pump.Flow"
    )
    assert seen["observed"] == "accepted"
    assert lab.json("probe", NAME, "process.tag", "--arg", "tag=Pump.Flow")["observed"] == "read"
    assert {"modbus.session", "process.window"} <= {probe["name"] for probe in lab.json("probes")}
    assert "write name=value" in " ".join(
        lab.json("probe", NAME, "reach.tcp", "--arg", "plc1", status=2)["error"]["en"].split()
    )


def test_a_checkpoint_brings_everything_back(fast: SupervisorClient, lab: Command) -> None:
    within(20, lambda: look_at_time(fast) > 420)
    taken = lab.json("checkpoint", NAME)
    with fast.attach(NAME) as inside:
        before = {tag: inside.request("snapshot")["tags"][tag]["truth"] for tag in ("Filler.RateSetPoint",)}
        source = inside.request("plc_upload", device="plc2")["source"]
        inside.request("write", tag="Filler.RateSetPoint", value=20)
        inside.request("plc_mode", device="plc1", mode="STOP")
        inside.request("plc_download", device="plc2", source=source + "\n(* changed *)\n")
        inside.request("configure", device="gateway", text=DENY)
        inside.request("fault", asset="filler", mode="dosing_drift", severity=1.0)
        reached_s = look_at_time(fast)
        back = lab.json("restore", NAME)
        assert back == taken
        seen = inside.request("snapshot")
        assert taken["t_s"] - 1e-6 <= seen["t_s"] < reached_s + 50
        assert seen["tags"]["Filler.RateSetPoint"]["truth"] == before["Filler.RateSetPoint"]
        assert inside.request("plc_status", device="plc1")["mode"] == "RUN"
        assert inside.request("plc_upload", device="plc2")["source"] == source
        assert (
            "deny" not in inside.request("config", device="gateway")["text"].split("default: ")[-1].split()[0]
        )
        assert not any(asset["faults"] for asset in seen["assets"])
    whole = lab.json("probe", NAME, "process.window", "--arg", "window_s=60")
    assert whole["figures"]["throughput_pct"] == pytest.approx(100, abs=2)
    assert lab.json("restore", "bottling", status=3)["error"]


def look_at_time(labs: SupervisorClient) -> float:
    with labs.attach(NAME) as lab:
        return float(lab.request("clock")["t_s"])


def test_no_job_outlives_its_lab(fast: SupervisorClient) -> None:
    """It is told that its lab ended, or saw its devices go first."""
    asked = Asked(fast)
    asked.start()
    entered(within(5, jobs_of_supervisor)[0])
    fast.stop(NAME)
    asked.join(5)
    assert not asked.is_alive()
    assert asked.error is None or isinstance(asked.error, NotFoundError)
    within(3, lambda: jobs_of_supervisor() == [])
