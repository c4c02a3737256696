"""The audit probe judges by what it did itself: here a log that has all of it, a part, or nothing."""

from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import pytest

from lab.labs import Job
from lab.probes.contract import Finding, Inside, probe
from simulators.errors import TimeLimitError
from simulators.model import Line
from tests.lab.probes.opcua.place import LINE

NEAR, FAR = "10.20.1.250", "10.20.4.250"
ASKED = {
    "device": "plc",
    "policy": "None",
    "account": {"user": "build", "password": "build-pass"},
    "tag": "Filler.SetPoint",
    "account_zone": "control",
    "stranger_zone": "enterprise",
}
LOG_IN = {"event": "opcua_activate_session", "user": "build", "address": NEAR, "status": "Good"}
WRITE = {"event": "opcua_write", "user": "build", "address": NEAR, "node": "ns=2;s=Filler.SetPoint", "status": "Good"}  # fmt: skip
STRANGER = {"event": "opcua_activate_session", "address": FAR, "status": "BadUserAccessDenied"}


@dataclass
class Recorder:
    """A lab and the runner of its jobs, whose log keeps what `keeps` names of what is done."""

    keeps: tuple[str, ...]
    answers: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    line: Line = LINE
    lab_name: str = "lab"

    @property
    def lab(self) -> "Recorder":
        return self

    @property
    def labs(self) -> "Recorder":
        return self

    def run(self, job: Job) -> dict[str, Any]:
        observed = self.answers.get(job.name, "allowed" if job.name == "opcua.write" else "rejected")
        if observed == "late":
            raise TimeLimitError("trop tard", "too late")
        if job.name == "opcua.raw_session":
            assert job.zone == "enterprise"
            self._keep("stranger", {**STRANGER, "user": job.arguments["identities"][0]["user"]})
        else:
            assert (job.zone, job.arguments["user"]) == ("control", "build")
            self._keep("log_in", LOG_IN)
            self._keep("write", WRITE)
        return {"observed": observed}

    def request(self, verb: str, **arguments: Any) -> list[dict[str, Any]]:
        assert (verb, arguments["device"]) == ("logs", "plc")
        return self.rows

    def _keep(self, name: str, row: dict[str, Any]) -> None:
        if name in self.keeps:
            self.rows.append({"unix_s": 2.0, **row})


def look(recorder: Recorder) -> Finding:
    chosen = probe("opcua.audit")
    asked = msgspec.convert(ASKED, chosen.arguments)
    return cast("Any", chosen.look)(cast("Inside", recorder), asked)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("keeps", "observed", "found"),
    [
        (("stranger", "log_in", "write"), "recorded", 3),
        (("stranger", "log_in"), "partly", 2),
        (("write",), "partly", 1),
        ((), "missing", 0),
    ],
)
def test_what_the_log_keeps(keeps: tuple[str, ...], observed: str, found: int) -> None:
    seen = look(Recorder(keeps))
    assert (seen.observed, seen.figures) == (observed, {"found": found, "expected": 3})


def test_what_was_in_the_log_before_proves_nothing() -> None:
    old = [{"unix_s": 1.0, **row} for row in (LOG_IN, WRITE, {**STRANGER, "user": "probe-1"})]
    assert look(Recorder((), rows=old)).observed == "missing"


@pytest.mark.parametrize(
    ("answers", "observed"),
    [
        ({"opcua.write": "denied"}, "not_done"),
        ({"opcua.write": "silent"}, "silent"),
        ({"opcua.raw_session": "late"}, "silent"),
    ],
)
def test_nothing_is_concluded_from_what_did_not_happen(answers: dict[str, str], observed: str) -> None:
    assert look(Recorder(("stranger", "log_in", "write"), answers)).observed == observed
