"""Lock-out that spares the process, and the trail of who did what."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes as Codes

from simulators.devices.opcua_plc.config import Lockout
from simulators.devices.opcua_plc.lockout import LockoutTable
from tests.simulators.devices.opcua_plc.bench import LEVEL, OPEN, SECRET, SET_POINT, Bench, served
from tests.simulators.devices.opcua_plc.raw import refused
from tests.waiting import eventually

FLOAT = ua.VariantType.Float
HERE, THERE = "127.0.0.5", "127.0.0.6"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(OPEN, tmp_path) as bench:
        yield bench


async def fail(bench: Bench, user: str, times: int, source: str) -> None:
    for _ in range(times):
        raw = await bench.open(source)
        await raw.create_session()
        with refused(Codes.BadUserAccessDenied, by="fault"):
            await raw.activate(raw.user(user, "wrong"))
        await raw.close()


async def admitted(bench: Bench, user: str, source: str) -> bool:
    raw = await bench.open(source)
    await raw.create_session()
    try:
        await raw.activate(raw.user(user, f"{user}-pass"))
    except Exception:
        return False
    return True


async def test_a_user_is_locked_out_where_the_failures_came_from_and_nowhere_else(bench: Bench) -> None:
    await fail(bench, "run", 2, HERE)
    assert await admitted(bench, "run", HERE), "two of three"
    await fail(bench, "run", 3, HERE)
    assert not await admitted(bench, "run", HERE)
    assert await admitted(bench, "run", THERE)


async def test_spraying_names_locks_the_address(bench: Bench) -> None:
    for name in ("one", "two", "three"):
        await fail(bench, name, 1, HERE)
    assert not await admitted(bench, "build", HERE)
    assert await admitted(bench, "build", THERE)


async def test_the_process_account_is_never_locked_by_anyone(bench: Bench) -> None:
    await fail(bench, "scada", 5, HERE)
    assert await admitted(bench, "scada", HERE), "not even from its own address"
    assert await admitted(bench, "scada", THERE)


async def test_a_lock_out_leaves_the_sessions_that_are_open(bench: Bench) -> None:
    session = await bench.session("run", HERE)
    await fail(bench, "run", 4, HERE)
    assert await session.write(SET_POINT, 300.0, FLOAT) == 0


def test_a_lock_opens_after_its_window_and_is_not_renewed_by_trying() -> None:
    now = [0.0]
    table = LockoutTable(Lockout(attempts=2, window_s=60), lambda: now[0])
    assert [table.fail("a", "u"), table.fail("a", "u")] == [False, True]
    now[0] = 59.9
    assert table.locked("a", "u")
    now[0] = 60.0
    assert not table.locked("a", "u")


def test_slow_failures_do_not_add_up() -> None:
    now = [0.0]
    table = LockoutTable(Lockout(attempts=2, window_s=60), lambda: now[0])
    for now[0] in (0.0, 61.0, 122.0):
        assert not table.fail("a", "u")


def test_the_table_is_bounded() -> None:
    table = LockoutTable(Lockout(attempts=1, window_s=60), lambda: 0.0)
    for number in range(5000):
        table.fail("a", f"user{number}")
    assert len(table._failures) <= 1024
    assert table.locked("a", "anyone"), "the address itself is not forgotten"


async def test_the_trail_says_who_did_what_from_where(bench: Bench) -> None:
    raw = await bench.session("run", HERE)
    await raw.write(SET_POINT, 333.0, FLOAT)
    await raw.write(SECRET, 1.0, FLOAT)
    await raw.call("ns=2;s=plc", "ns=2;s=plc.SetMode", ua.Variant("STOP", ua.VariantType.String))
    await fail(bench, "build", 1, THERE)
    await raw.ask(ua.CloseSessionRequest())
    file = bench.folder / "audit.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    seen = [(row["event"], row["status"], row["address"], row["user"]) for row in rows]
    assert seen == [
        ("open_channel", "Good", HERE, None),
        ("create_session", "Good", HERE, None),
        ("activate_session", "Good", HERE, "run"),
        ("write", "Good", HERE, "run"),
        ("write", "BadUserAccessDenied", HERE, "run"),
        ("call", "BadUserAccessDenied", HERE, "run"),
        ("open_channel", "Good", THERE, None),
        ("create_session", "Good", THERE, None),
        ("activate_session", "BadUserAccessDenied", THERE, "build"),
        ("close_session", "Good", HERE, "run"),
    ]
    assert (rows[3]["node"], rows[3]["value"], rows[3]["before"]) == (SET_POINT, 333.0, 0.0)
    assert file.stat().st_mode & 0o077 == 0
    assert [event for event, _ in bench.log.rows] == [f"opcua_{row['event']}" for row in rows]
    assert "run-pass" not in file.read_text()
    assert "wrong" not in file.read_text()


async def test_the_trail_is_appended_to_across_restarts(bench: Bench) -> None:
    await bench.session("run")
    before = (bench.folder / "audit.jsonl").read_text()
    await bench.device.stop()
    await bench.device.start()
    await bench.session("run")
    assert (bench.folder / "audit.jsonl").read_text().startswith(before)


async def test_without_audit_there_is_no_trail(tmp_path: Path) -> None:
    async with served(OPEN + "audit: false\n", tmp_path) as bench:
        await bench.session("run")
        assert not (bench.folder / "audit.jsonl").exists()
        assert not bench.log.rows


async def test_a_disk_that_refuses_is_said_and_stops_nothing(bench: Bench) -> None:
    (bench.folder / "audit.jsonl").mkdir()
    raw = await bench.session("run")
    assert await raw.write(SET_POINT, 300.0, FLOAT) == 0
    assert bench.device.health().state == "degraded"


async def test_audit_events_reach_whoever_may_watch_them(bench: Bench) -> None:
    told: list[Any] = []

    class Handler:
        def event_notification(self, event: Any) -> None:
            told.append(event)

    client = Client(bench.url)
    client.set_user("guard")
    client.set_password("guard-pass")
    async with client:
        subscription = await client.create_subscription(50, Handler())
        await subscription.subscribe_events(evtypes=ObjectIds.AuditWriteUpdateEventType)
        raw = await bench.session("run")
        await raw.write(SET_POINT, 333.0, FLOAT)
        await eventually(lambda: told)
    assert (told[0].ClientUserId, told[0].Status, told[0].NewValue) == ("run", True, 333.0)
    assert told[0].SourceNode == ua.NodeId.from_string(SET_POINT)


@pytest.mark.parametrize(("user", "code"), [("run", Codes.BadUserAccessDenied), ("guard", Codes.Good)])
async def test_audit_events_are_not_for_everyone(bench: Bench, user: str, code: int) -> None:
    raw = await bench.session(user)
    number = (await raw.subscribe()).SubscriptionId
    result = await raw.monitor(number, "i=2253", AttributeIds.EventNotifier, ua.EventFilter())
    assert result.StatusCode.value == code


async def test_hostile_event_filters_select_nothing(bench: Bench) -> None:
    raw = await bench.session("guard")
    number = (await raw.subscribe(50)).SubscriptionId
    names = ["__class__", "data_types", "internal_properties", "to_event_fields"]
    clauses = []
    for name in names:
        clause = ua.SimpleAttributeOperand()
        clause.BrowsePath = [ua.QualifiedName(name, 0)]
        clauses.append(clause)
    event_filter = ua.EventFilter()
    event_filter.SelectClauses = clauses
    element = ua.ContentFilterElement()
    element.FilterOperator, element.FilterOperands = ua.FilterOperator.Not, [ua.ElementOperand(ua.UInt32(0))]
    looping = ua.EventFilter()
    looping.WhereClause.Elements = [element]
    for one in (event_filter, looping):
        await raw.monitor(number, "i=2253", AttributeIds.EventNotifier, one)
    assert await (await bench.session("run")).write(SET_POINT, 300.0, FLOAT) == 0
    assert (await raw.read(LEVEL)).StatusCode == ua.StatusCode()
