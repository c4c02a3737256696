"""OPC UA probes in the zones of a real lab: weak as delivered, then with plc2 hardened in part."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from lab.catalog import find_line
from lab.connection import SupervisorClient
from lab.exercises.observe import Grader
from lab.labs import Job
from lab.probes.contract import Finding, probe
from tests.live.conftest import NAME, green
from tests.waiting import within

AUDITED = """\
policies: [None]
identities:
  clear_passwords: true
  users:
    - {name: scada, password: scada, role: operator}
    - {name: build, password: build-pass, role: engineer}
audit: %s
"""
SCADA = "opcua: {devices: {plc2: {user: scada, password: scada}}}"


def observed(labs: SupervisorClient, name: str, zone: str, **arguments: Any) -> str:
    answer = labs.run(Job(NAME, "probe", name, zone, {"device": "plc2", **arguments}))
    return msgspec.convert(answer, Finding).observed


@pytest.fixture
def hardened(labs: SupervisorClient) -> Iterator[SupervisorClient]:
    """plc2 with accounts, put back as delivered at the end."""
    with labs.attach(NAME) as lab:
        former = {device: lab.request("config", device=device)["text"] for device in ("scada", "plc2")}
        lab.request("configure", device="scada", text=SCADA)
        lab.request("configure", device="plc2", text=AUDITED % "true")
        yield labs
        for device, text in former.items():
            lab.request("configure", device=device, text=text)
    within(15, lambda: green(labs))


def test_from_every_zone_as_delivered(labs: SupervisorClient) -> None:
    for zone in ("control", "supervision", "enterprise"):
        assert observed(labs, "opcua.session", zone) == "accepted"
    assert observed(labs, "opcua.endpoints", "control") == "weak"
    assert observed(labs, "opcua.call", "enterprise", method="SetMode") == "allowed"


def test_the_audit_trail_is_found_or_missed(hardened: SupervisorClient) -> None:
    assert observed(hardened, "opcua.raw_session", "enterprise", policy="None", identities=[{}]) == "rejected"
    chosen = probe("opcua.audit")
    asked = msgspec.convert(
        {"device": "plc2", "policy": "None", "account": {"user": "build", "password": "build-pass"},
         "tag": "Filler.SetPoint", "account_zone": "control", "stranger_zone": "enterprise"},
        chosen.arguments,
    )  # fmt: skip
    with hardened.attach(NAME) as lab:
        inside = Grader(find_line("bottling"), lab, NAME, hardened, "", {}, 0)
        look: Any = chosen.look
        assert look(inside, asked).observed == "recorded"
        lab.request("configure", device="plc2", text=AUDITED % "false")
        assert look(inside, asked).observed == "missing"
