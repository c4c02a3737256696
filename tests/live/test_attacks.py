"""Attacks on a real line: labels against the wire, bounds, and the plant as it was."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from lab.attacks.contract import Label
from lab.attacks.engine import attacks
from lab.connection import SupervisorClient
from lab.detection.rules import alerts, merged
from lab.labs import Job
from simulators.errors import InputError
from tests.live.conftest import NAME
from tests.waiting import within

pytestmark = pytest.mark.needs("namespaces")
SIZE = {"count": 5, "rate_per_s": 5.0}
NEAR_S = 1.0  # labels match the first and the last malicious frame
SOURCE = "10.20.1.199"
SCAN = """
title: Knock
name: knock
detection:
  closed: {log: conn, conn_state: REJ}
  condition: closed
---
title: Scan
correlation: {type: value_count, rules: [knock], group-by: [id.orig_h], timespan: 60s, condition: {field: id.resp_p, gte: 3}}
tags: [attack.t0846.001]
"""


def run(labs: SupervisorClient, name: str, **arguments: Any) -> Label:
    heard: list[dict[str, Any]] = []
    attack = attacks()[name]
    labs.run(Job(NAME, "attack", name, attack.zone, arguments, 30.0), heard.append)
    return msgspec.convert([m["label"] for m in heard if "label" in m][-1], Label)


def rows(labs: SupervisorClient, **wanted: Any) -> list[dict[str, Any]]:
    with labs.attach(NAME) as lab:
        return list(lab.request("events", limit=5000, **wanted)["events"])


@pytest.fixture(autouse=True)
def as_it_was(labs: SupervisorClient) -> Iterator[None]:
    yield
    with labs.attach(NAME) as lab:
        assert lab.request("record", zones=[])["zones"] == []


def recorded(labs: SupervisorClient) -> int:
    """All zones are recorded; the cursor from here."""
    with labs.attach(NAME) as lab:
        assert "control" in lab.request("record")["zones"]
        return int(lab.request("events", limit=1)["cursor"])


@pytest.mark.parametrize("name", sorted(attacks()))
def test_the_label_is_what_the_wire_saw(labs: SupervisorClient, name: str) -> None:
    since = recorded(labs)
    tag = {"tag": "Pump.FlowSetPoint", "undo": False} if name == "unauthorized_write" else {}
    before = _value(labs, "Pump.FlowSetPoint")
    label = run(labs, name, source=SOURCE, **SIZE, **tag)
    seen = within(5.0, lambda: _whole([r for r in rows(labs, after=since) if r["id.orig_h"] == SOURCE]))
    assert (label.attack, label.technique, label.source) == (name, attacks()[name].technique, SOURCE)
    assert min(row["ts"] for row in seen) == pytest.approx(label.start_unix_s, abs=NEAR_S)
    assert max(row["ts"] + row.get("duration", 0.0) for row in seen) == pytest.approx(
        label.end_unix_s, abs=NEAR_S
    )
    targets = {row["id.resp_h"] for row in seen}
    assert targets == {"10.20.1.10"}
    if tag:
        _write(labs, "Pump.FlowSetPoint", before)


def test_undone_the_set_point_is_what_it_was(labs: SupervisorClient) -> None:
    recorded(labs)
    before = _value(labs, "Pump.FlowSetPoint")
    run(labs, "unauthorized_write", tag="Pump.FlowSetPoint", value=before - 5.0, **SIZE)
    assert within(5.0, lambda: _value(labs, "Pump.FlowSetPoint") == before)
    assert {row["func"] for row in rows(labs, log="modbus_detailed", contains="WRITE_MULTIPLE")}
    run(labs, "unauthorized_write", tag="Pump.FlowSetPoint", value=before - 5.0, undo=False, **SIZE)
    assert within(5.0, lambda: _value(labs, "Pump.FlowSetPoint") == before - 5.0)
    _write(labs, "Pump.FlowSetPoint", before)


def test_a_foreign_address_is_refused_before_anything_is_sent(labs: SupervisorClient) -> None:
    with pytest.raises(InputError, match=r"192\.0\.2\.7"):
        run(labs, "port_scan", source="192.0.2.7")


def test_rules_speak_of_an_attack_and_of_nothing_before_it(labs: SupervisorClient) -> None:
    since = recorded(labs)
    label = run(labs, "port_scan", source=SOURCE, count=8, rate_per_s=10.0)
    found = within(5.0, lambda: alerts(SCAN, rows(labs, after=since)))
    assert label.start_unix_s - NEAR_S < found[0].unix_s < label.end_unix_s + NEAR_S
    assert merged(found)[0].technique == "T0846.001"


def _whole(seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Once a connection has ended, and so the table holds all of it."""
    ends = [row for row in seen if row["log"] == "conn"]
    return seen if ends else []


def _value(labs: SupervisorClient, tag: str) -> float:
    with labs.attach(NAME) as lab:
        seen = lab.request("snapshot")["tags"][tag]
    return float(seen["shown"])


def _write(labs: SupervisorClient, tag: str, value: float) -> None:
    with labs.attach(NAME) as lab:
        lab.request("write", tag=tag, value=value)
    within(5.0, lambda: _value(labs, tag) == value)
