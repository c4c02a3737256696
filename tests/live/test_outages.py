"""What is killed is seen within 2 s, restarted, and everything reconnects by itself; no acknowledged row is lost."""

import os
import re
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.bench.process import descendants
from lab.connection import SupervisorClient
from lab.labs import LabStatus
from lab.paths import Paths
from lab.supervisor.fleet import CRASHES_MAX
from simulators.errors import UsineError
from tests.live.conftest import NAME, SUPERVISORS, Command, green, kill, supervise
from tests.waiting import within

SEEN_S, BACK_S = 2.0, 15.0
DEVICES = ["plc1", "plc2", "broker", "pump_sensor", "hall_sensor", "scada", "historian", "gateway"]


def device(client: SupervisorClient, name: str) -> dict[str, Any]:
    with client.attach(NAME) as lab:
        devices: list[dict[str, Any]] = lab.request("snapshot")["devices"]
    return next(found for found in devices if found["id"] == name)


@pytest.mark.parametrize("name", DEVICES)
def test_a_killed_device_comes_back_and_all_reconnect(labs: SupervisorClient, name: str) -> None:
    within(BACK_S, lambda: green(labs))
    before = device(labs, name)["restarts"]
    with labs.attach(NAME) as lab:
        lab.request("kill", device=name)
    within(SEEN_S, lambda: device(labs, name)["restarts"] > before, every_s=0.02)
    within(BACK_S, lambda: green(labs))


def test_a_killed_broker_process_comes_back(labs: SupervisorClient) -> None:
    within(BACK_S, lambda: green(labs))
    before = device(labs, "broker")["restarts"]
    (status,) = [found for found in labs.list() if found.name == NAME]
    assert status.pid is not None
    brokers = [pid for pid in descendants(status.pid) if "mosquitto" in Path(f"/proc/{pid}/comm").read_text()]
    assert len(brokers) == 1
    kill(brokers[0])
    within(SEEN_S, lambda: device(labs, "broker")["restarts"] > before, every_s=0.02)
    within(BACK_S, lambda: green(labs))


def acknowledged(client: SupervisorClient) -> float:
    """Up to when the historian says that its rows are safe; 0 before the first commit."""
    return float(device(client, "historian")["health"]["figures"]["acknowledged_unix_s"])


def test_a_killed_lab_comes_back_on_the_same_ports_with_its_history(
    labs: SupervisorClient, lab: Command, home: Path
) -> None:
    within(BACK_S, lambda: green(labs))
    ports = lab.json("endpoints", NAME)
    (status,) = [found for found in labs.list() if found.name == NAME]
    assert status.pid is not None
    until = within(5, lambda: acknowledged(labs))
    kill(status.pid)

    def restarted() -> bool:
        (found,) = [s for s in labs.list() if s.name == NAME]
        return found.restarts > status.restarts

    within(SEEN_S, restarted, every_s=0.02)
    within(BACK_S, lambda: green(labs))
    assert lab.json("endpoints", NAME) == ports
    newest = newest_before(home, until)
    assert newest == pytest.approx(until, abs=0.01)
    said = Paths(home).supervisor_log.read_text()
    line = rf"{NAME} \(pid {status.pid}\) ?: \w+ \(SIGKILL\), .*{status.restarts + 1}\)$"
    assert re.search(line, said, re.MULTILINE)
    # What came before the death is remembered, with the death itself.
    events = [(event["device"], event["event"]) for event in lab.json("logs", NAME, "-n", "2000")]
    died = events.index(("supervisor", "lab_ended"))
    assert died > 0
    assert died < len(events) - 1


def test_a_lab_that_fails_or_is_stopped_keeps_its_journal_readable(
    labs: SupervisorClient, lab: Command
) -> None:
    name = lab.json("start", "bottling", "--name", "doomed", "--seed", "3")["name"]
    try:
        for _ in range(CRASHES_MAX + 1):
            pid = within(BACK_S, lambda: ready(labs, name))
            kill(pid)
            within(SEEN_S, partial(replaced, labs, name, pid))
        assert found(labs, name).state == "failed"
        lab("status", name, status=3)
        again = f"lab start bottling --name {name} --seed 3"
        assert f"lab {name} has failed ({CRASHES_MAX + 1} × SIGKILL); see 'lab logs {name}', " in lab.err
        assert f"'{again}'" in lab.err
        assert "lab_ended how=SIGKILL then=given up" in lab("logs", name)
        assert f"{name} is not running" in lab.out
        assert {event["device"] for event in lab.json("logs", name, "plc1")} <= {"plc1", "host"}
        assert lab.json(*again.split()[1:])["state"] == "running"
    finally:
        lab("stop", name)
    assert lab.json("logs", name)
    lab("logs", name, "nothing", status=3)
    assert "choose one of: " in lab.err
    lab("stop", name, "--forget")
    lab("logs", name, status=3)


def found(client: SupervisorClient, name: str) -> LabStatus:
    (status,) = [each for each in client.list() if each.name == name]
    return status


def replaced(client: SupervisorClient, name: str, pid: int) -> bool:
    return found(client, name).pid != pid


def ready(client: SupervisorClient, name: str) -> int | None:
    status = found(client, name)
    return status.pid if status.state == "running" else None


def newest_before(home: Path, until: float) -> float:
    """The date of the newest row of the historian that is not after `until`."""
    newest = 0.0
    for path in (home / "labs" / NAME / "historian").glob("history*.sqlite"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = [
                row[0] for row in database.execute("select name from sqlite_master where type = 'table'")
            ]
            table = next(
                t for t in tables if "t" in [c[1] for c in database.execute(f"pragma table_info({t})")]
            )
            question = f"select max(t) from {table} where t <= ?"
            (found,) = database.execute(question, (round(until * 1000),)).fetchone()
        newest = max(newest, (found or 0) / 1000)
    return newest


def test_labs_outlive_their_supervisor_and_the_next_one_adopts_them(
    labs: SupervisorClient, home: Path
) -> None:
    within(BACK_S, lambda: green(labs))
    (status,) = [found for found in labs.list() if found.name == NAME]
    assert status.pid is not None
    kill(SUPERVISORS[-1].pid)
    within(5, lambda: not labs.running())
    os.kill(status.pid, 0)
    supervise(Paths(home))
    (adopted,) = labs.list()
    assert (adopted.name, adopted.pid, adopted.state) == (NAME, status.pid, "running")
    assert green(labs)
    kill(status.pid)
    within(SEEN_S, lambda: labs.list()[0].pid != status.pid)
    within(BACK_S, lambda: green(labs))


def test_a_lab_that_cannot_start_says_why_and_leaves_nothing(labs: SupervisorClient, home: Path) -> None:
    blocked = Paths(home).lab("blocked")
    blocked.write_text("a file where the lab's folder should be")
    begun = time.monotonic()
    with pytest.raises(UsineError, match="blocked"):
        labs.start("bottling", "blocked")
    assert time.monotonic() - begun < 10
    assert [found.name for found in labs.list()] == [NAME]
    blocked.unlink()
