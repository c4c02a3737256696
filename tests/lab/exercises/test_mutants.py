"""A grader that is broken on purpose must make an author's test fail: each mutant here breaks one thing, and is seen.

Graders, probes, solutions and the OPC UA server are the real ones; only the hidden runs are light, and what a lab would show
beside them is given.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.detection import findings, judge, score
from lab.exercises.expect import outcomes
from lab.exercises.verify import Trial
from lab.maintenance import score as cost
from lab.maintenance.hidden import computed
from lab.maintenance.life import Life
from lab.probes import maintenance
from lab.probes.maintenance import Run
from simulators.analytics.config import Watch
from simulators.devices.opcua_plc.access import Access, Identity
from simulators.devices.opcua_plc.channel import HardenedConnection
from simulators.devices.opcua_plc.identities import Gate
from simulators.devices.opcua_plc.lockout import LockoutTable
from simulators.devices.opcua_plc.trust import TrustStore
from tests.lab.detection.test_judge import LINE, POOL
from tests.lab.exercises.grading import BEARING, HARDENING, ROGUE, graded_by, out_of_bounds, text_of
from tests.lab.probes.opcua.place import HARD, SECURE, SITE, USERS, look
from tests.lab.probes.opcua.test_probes import LOCKOUT, MATRIX, TRUSTED
from tests.lab.probes.stage import FakeConnection, Within
from tests.simulators.devices.opcua_plc.bench import Bench, served


async def right(*_arguments: Any) -> bool:
    """Whatever the password."""
    return True


Patch = Callable[[pytest.MonkeyPatch], None]
# Whose alarms ring in the lab itself, as they must: 20 points that hidden runs do not decide.
LIVE = {"reference": 20.0, "bare_threshold": 20.0, "no_hysteresis": 20.0, "one_product": 20.0}


def put(place: object, name: str, value: Any) -> Patch:
    """Break one thing."""
    return lambda patch: patch.setattr(place, name, value)


@pytest.fixture(scope="module")
def lives() -> list[Life]:
    """Those of `lab verify` on its first seed."""
    return computed(Trial(BEARING, BEARING.tests[0], 1).check_seed)


def bearing_wrong(lives: list[Life], patch: pytest.MonkeyPatch) -> list[str]:
    patch.setattr(maintenance._hidden, "lives", lambda *_a, **_k: lives)
    wrong = []
    for test in BEARING.tests:
        if test.solution == "none":
            continue
        text = text_of(BEARING, test.solution, ".yaml")
        connection = FakeConnection({"config": lambda _text=text, **_: {"text": _text}})
        found = maintenance.run(Within(LINE, connection), Run())
        earned = graded_by(BEARING, "maintenance.run", found.figures) + LIVE.get(test.solution, 0.0)
        if out_of_bounds(test, earned):
            wrong.append(f"{test.solution} {earned:g}")
    return wrong


def without_hysteresis(watch: Watch, life: Life) -> Any:
    from lab.maintenance.replay import replay

    bare = [msgspec.structs.replace(each, clear_at=None) for each in watch.detectors]
    return replay(msgspec.structs.replace(watch, detectors=tuple(bare)), life)


BEARING_MUTANTS: dict[str, Patch] = {
    "false alarms count for nothing": put(cost, "false_callouts", lambda *_: 0),
    "chatter is not graded": put(cost, "chatter", lambda *_: 1.0),
    "hysteresis does nothing": put(maintenance, "replay", without_hysteresis),
    "every failure is announced": put(cost, "lead_h", lambda machine, rules: machine.failure_h and rules.lead_cap_h),
    "no failure is announced": put(cost, "lead_h", lambda *_: None),
    "call-outs cost nothing, failures nothing": put(cost, "naive_cost", lambda *_: 1e6),
}  # fmt: skip


def test_the_bearing_alarm_is_graded_as_its_author_says(
    lives: list[Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bearing_wrong(lives, monkeypatch) == []


@pytest.mark.parametrize("mutant", BEARING_MUTANTS)
def test_a_broken_bearing_grader_is_seen(
    mutant: str, lives: list[Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    BEARING_MUTANTS[mutant](monkeypatch)
    assert bearing_wrong(lives, monkeypatch)


def test_a_baseline_on_one_product_is_no_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """On machines where it cries seldom, nothing but its baseline holds its lead back."""
    lives = computed(Trial(BEARING, BEARING.tests[0], 4).check_seed)
    assert not [each for each in bearing_wrong(lives, monkeypatch) if each.startswith("one_product")]
    monkeypatch.setattr(maintenance, "stands_for", lambda *_: True)
    assert [each for each in bearing_wrong(lives, monkeypatch) if each.startswith("one_product")]


def rogue_wrong() -> list[str]:
    """The steps that hidden runs decide; the live one is given to the reference."""
    wrong = []
    for test in ROGUE.tests:
        if test.solution == "none":
            continue
        judged = judge.judge(text_of(ROGUE, test.solution, ".yml"), POOL, LINE, 2.0)
        figures = findings._figures(judged, POOL)
        earned = graded_by(ROGUE, "detection.run", figures) + (10.0 if test.solution == "reference" else 0.0)
        if out_of_bounds(test, earned):
            wrong.append(f"{test.solution} {earned:g}")
    return wrong


ROGUE_MUTANTS: dict[str, Patch] = {
    "false alarms count for nothing": put(score, "_hit", lambda *_: True),
    "any technique will do": put(judge, "names", lambda *_: True),
    "no technique is the right one": put(judge, "names", lambda *_: False),
    "time in alarm is free, and so are false alarms": lambda patch: (
        patch.setattr(score, "SHARE", 1e3), patch.setattr(score, "_hit", lambda *_: True),
    )[0],
    "alerts find nothing": put(score, "_delay", lambda *_: None),
    "no rule speaks": put(judge, "alerts", lambda *_: []),
}  # fmt: skip


def test_the_rogue_scan_is_graded_as_its_author_says() -> None:
    assert rogue_wrong() == []


@pytest.mark.parametrize("mutant", ROGUE_MUTANTS)
def test_a_broken_detection_grader_is_seen(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ROGUE_MUTANTS[mutant](monkeypatch)
    assert rogue_wrong()


LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("opcua.raw_session", {"policy": "None", "identities": [{}, USERS["run"]]}),
    (
        "opcua.raw_session",
        {"policy": SECURE, "site": SITE, "identities": [{}, {"user": "run", "password": "run"}]},
    ),
    ("opcua.role_matrix", {**TRUSTED, "rows": MATRIX}),
    ("opcua.certificates", {"site": SITE, **USERS["run"]}),
    ("opcua.lockout", {**TRUSTED, **LOCKOUT}),
]
HARDENING_MUTANTS: dict[str, Patch] = {
    # Two things, for each guards the other.
    "policies that are not offered are served, and passwords in clear": lambda patch: (
        patch.setattr(HardenedConnection, "configured", True),
        patch.setattr(Gate, "_password", lambda _self, _claim, token: token.Password.decode()),
    )[0],
    "the trust list is ignored": put(TrustStore, "check_client", lambda *_: None),
    "revocations are ignored": put(TrustStore, "_check_revocation", lambda *_: None),
    "dates of certificates are ignored": put(TrustStore, "_check_dates", lambda *_: None),
    "the application is not checked": put(TrustStore, "check_application", lambda *_: None),
    "nobody is locked out": put(LockoutTable, "locked", lambda *_: False),
    "everybody is locked out": put(LockoutTable, "locked", lambda *_: True),
    "each role reads and writes all": put(Access, "mask", lambda *_: 3),
    "each role calls all": put(Access, "may_call", lambda *_: True),
    "any password is right": put(Gate, "_right", right),
    "an anonymous is anybody": put(
        Gate, "_admit_anonymous", lambda *_: Identity(name="run", duty="operator")
    ),
}


async def unexpected(bench: Bench) -> list[str]:
    """The probes of the hardening exercise that do not see what it expects of a hardened server."""
    checks = {check.probe: check for step in HARDENING.steps for check in step.checks}
    seen = [(name, (await look(bench, name, **given)).observed) for name, given in LOOKS]
    return [f"{name} {saw}" for name, saw in seen if saw not in outcomes(checks[name].expect)]


async def test_a_hardened_server_is_graded_as_the_author_says(tmp_path: Path) -> None:
    async with served(HARD, tmp_path) as bench:
        assert await unexpected(bench) == []


@pytest.mark.parametrize("mutant", HARDENING_MUTANTS)
async def test_a_broken_server_is_seen(mutant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HARDENING_MUTANTS[mutant](monkeypatch)
    async with served(HARD, tmp_path) as bench:
        assert await unexpected(bench)
