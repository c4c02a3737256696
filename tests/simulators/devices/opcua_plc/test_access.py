"""Roles on tags and methods, by every way in: read, write, subscription, history, call; and no bypass."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes as Codes

from tests.simulators.devices.opcua_plc.bench import (
    COMMAND,
    LEVEL,
    OPEN,
    RUN,
    SECRET,
    SET_POINT,
    VALVE,
    Bench,
    served,
)
from tests.simulators.devices.opcua_plc.raw import Raw, refused

V = ua.VariantType
ALL = ["watch", "run", "build", "guard", "scada", None]
WRITERS = {"run", "build", "scada"}
GOOD, DENIED = Codes.Good, Codes.BadUserAccessDenied


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(OPEN, tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("user", ALL)
async def test_the_role_matrix(bench: Bench, user: str | None) -> None:
    raw = await bench.session(user)
    engineer = user == "build"
    assert (await raw.read(LEVEL)).StatusCode == ua.StatusCode()
    assert (await raw.read(SECRET)).StatusCode == ua.StatusCode(ua.UInt32(GOOD if engineer else DENIED))
    assert await raw.write(SET_POINT, 300.0, V.Float) == (GOOD if user in WRITERS else DENIED)
    assert await raw.write(SECRET, 1.0, V.Float) == (GOOD if engineer else DENIED)
    assert await raw.write(VALVE, True, V.Boolean) == Codes.BadNotWritable
    stop = ua.Variant("STOP", V.String)
    assert await raw.call("ns=2;s=plc", "ns=2;s=plc.SetMode", stop) == (GOOD if engineer else DENIED)
    assert await raw.call("ns=2;s=plc", "ns=2;s=plc.Restart") == (GOOD if engineer else DENIED)
    acknowledged = await raw.call("ns=2;s=plc", "ns=2;s=plc.AcknowledgeFault")
    assert acknowledged == (Codes.BadNothingToDo if user in WRITERS else DENIED)
    assert (bench.plc.mode, bench.cell("%MD0")) == ("RUN", 300.0 if user in WRITERS else 0.0)


@pytest.mark.parametrize("user", ["run", "build"])
async def test_a_subscription_shows_no_more_than_a_read(bench: Bench, user: str) -> None:
    raw = await bench.session(user)
    number = (await raw.subscribe()).SubscriptionId
    result = await raw.monitor(number, SECRET)
    assert result.StatusCode.value == (GOOD if user == "build" else DENIED)


async def test_a_subscription_loses_what_its_session_may_no_longer_read(bench: Bench) -> None:
    raw = await bench.session("build")
    number = (await raw.subscribe(50)).SubscriptionId
    await raw.monitor(number, SECRET)
    assert await notices(raw) == [(GOOD, 0.0)]
    await raw.activate(raw.user("watch", "watch-pass"))
    bench.plc.write("%MD9", 42.0)
    bench.device.publish(1.0)
    assert await notices(raw) == [(DENIED, None)]


async def notices(raw: Raw) -> list[tuple[int, Any]]:
    """What the next notification that is not a keep-alive says."""
    while True:
        message = (await raw.publish()).NotificationMessage
        if message.NotificationData:
            items = message.NotificationData[0].MonitoredItems
            return [(item.Value.StatusCode.value, item.Value.Value.Value) for item in items]


async def test_history_shows_no_more_than_a_read(bench: Bench) -> None:
    for user, code in (("run", DENIED), ("build", Codes.BadHistoryOperationUnsupported)):
        raw = await bench.session(user)
        request = ua.HistoryReadRequest()
        request.Parameters.HistoryReadDetails = ua.ReadRawModifiedDetails()
        wanted = ua.HistoryReadValueId()
        wanted.NodeId = ua.NodeId.from_string(SECRET)
        request.Parameters.NodesToRead = [wanted]
        assert (await raw.ask(request)).Results[0].StatusCode.value == code


@pytest.mark.parametrize(("read", "code"), [("[]", Codes.BadNotReadable), ("[engineer]", DENIED)])
async def test_the_read_bit_is_kept(tmp_path: Path, read: str, code: int) -> None:
    async with served(OPEN.replace("{read: [engineer]", f"{{read: {read}"), tmp_path) as bench:
        raw = await bench.session("run")
        value = await raw.read(SECRET)
        assert (value.StatusCode, value.Value) == (ua.StatusCode(ua.UInt32(code)), ua.Variant())
        level = (await raw.read(SECRET, AttributeIds.AccessLevel)).Value
        assert level is not None
        assert bool(level.Value & 1) is (read != "[]")


@pytest.mark.parametrize(("user", "mask"), [("watch", 1), ("run", 3), ("build", 3)])
async def test_the_users_access_level_is_the_sessions(bench: Bench, user: str, mask: int) -> None:
    raw = await bench.session(user)
    shown = (await raw.read(SET_POINT, AttributeIds.UserAccessLevel)).Value
    assert shown == ua.Variant(mask, V.Byte)
    executable = (await raw.read("ns=2;s=plc.SetMode", AttributeIds.UserExecutable)).Value
    assert executable == ua.Variant(user == "build", V.Boolean)


async def test_even_an_engineer_may_not_change_the_address_space_nor_the_standard_nodes(bench: Bench) -> None:
    raw = await bench.session("build")
    for request in (ua.AddNodesRequest(), ua.DeleteNodesRequest(), ua.AddReferencesRequest(),
                    ua.DeleteReferencesRequest(), ua.TransferSubscriptionsRequest()):  # fmt: skip
        with refused(Codes.BadServiceUnsupported, by="fault"):
            await raw.ask(request)
    for node in (
        "i=2255",
        "i=2261",
        f"{SET_POINT}.EURange",
        f"{LEVEL}.Alarms.1",
        "ns=2;s=plc.Diagnostics.Mode",
    ):
        assert await raw.write(node, "owned", V.String) == Codes.BadNotWritable
    assert await raw.write("ns=2;s=No.Such", 1.0, V.Float) == Codes.BadNodeIdUnknown


@pytest.mark.parametrize(
    "attribute", [AttributeIds.AccessLevel, AttributeIds.DisplayName, AttributeIds.UserAccessLevel]
)
async def test_only_values_are_written(bench: Bench, attribute: AttributeIds) -> None:
    raw = await bench.session("build")
    request = ua.WriteRequest()
    wanted = ua.WriteValue()
    wanted.NodeId, wanted.AttributeId = ua.NodeId.from_string(SET_POINT), attribute
    wanted.Value = ua.DataValue(ua.Variant(300.0, V.Float))
    request.Parameters.NodesToWrite = [wanted]
    assert (await raw.ask(request)).Results[0].value == Codes.BadNotWritable


@pytest.mark.parametrize(
    ("node", "value", "kind", "code"),
    [
        (SET_POINT, 199.9, V.Float, Codes.BadOutOfRange),
        (SET_POINT, 600.5, V.Float, Codes.BadOutOfRange),
        (SET_POINT, float("nan"), V.Float, Codes.BadOutOfRange),
        (SET_POINT, float("inf"), V.Float, Codes.BadOutOfRange),
        (SET_POINT, 300.0, V.Double, Codes.BadTypeMismatch),
        (SET_POINT, 300, V.Int16, Codes.BadTypeMismatch),
        (SET_POINT, [300.0], V.Float, Codes.BadTypeMismatch),
        (SET_POINT, None, V.Null, Codes.BadTypeMismatch),
        (SET_POINT, "300", V.String, Codes.BadTypeMismatch),
        (COMMAND, 4, V.Int16, Codes.BadOutOfRange),
        (COMMAND, True, V.Boolean, Codes.BadTypeMismatch),
        (COMMAND, 3, V.Int16, GOOD),
        (RUN, True, V.Boolean, GOOD),
        (SET_POINT, 600.0, V.Float, GOOD),
    ],
)
async def test_a_write_is_checked_for_type_and_range(
    bench: Bench, node: str, value: Any, kind: ua.VariantType, code: int
) -> None:
    before = list(bench.plc.image.cells)
    raw = await bench.session("run")
    assert await raw.write(node, value, kind) == code
    assert (bench.plc.image.cells != before) is (code == GOOD)


async def test_a_number_that_is_none_is_refused_even_without_a_range(bench: Bench) -> None:
    raw = await bench.session("build")
    for value in (float("nan"), float("inf")):
        assert await raw.write(SECRET, value, V.Float) == Codes.BadOutOfRange


@pytest.mark.parametrize(
    ("owner", "method", "arguments", "code"),
    [
        ("ns=2;s=plc", "ns=2;s=plc.SetMode", [], Codes.BadArgumentsMissing),
        ("ns=2;s=plc", "ns=2;s=plc.SetMode", [ua.Variant(1, V.Int32)], Codes.BadInvalidArgument),
        ("ns=2;s=plc", "ns=2;s=plc.Restart", [ua.Variant("RUN", V.String)], Codes.BadTooManyArguments),
        ("ns=2;s=small", "ns=2;s=plc.Restart", [], Codes.BadMethodInvalid),
        ("i=2253", "i=11492", [ua.Variant(1, V.UInt32)], Codes.BadMethodInvalid),
    ],
)
async def test_a_call_is_checked(
    bench: Bench, owner: str, method: str, arguments: list[ua.Variant], code: int
) -> None:
    raw = await bench.session("build")
    assert await raw.call(owner, method, *arguments) == code
    assert bench.plc.mode == "RUN"


async def test_method_rights_are_configurable(tmp_path: Path) -> None:
    async with served(OPEN + "  methods: {SetMode: [operator]}\n", tmp_path) as bench:
        stop = ua.Variant("STOP", V.String)
        assert await (await bench.session("build")).call("ns=2;s=plc", "ns=2;s=plc.SetMode", stop) == DENIED
        assert await (await bench.session("run")).call("ns=2;s=plc", "ns=2;s=plc.SetMode", stop) == GOOD


async def test_a_session_touches_no_subscription_but_its_own(bench: Bench) -> None:
    victim, other = await bench.session("build"), await bench.session("run")
    number = (await victim.subscribe(50)).SubscriptionId
    await other.subscribe()
    item = await victim.monitor(number, LEVEL)
    foreign = [number, 1]
    with refused(Codes.BadSubscriptionIdInvalid, by="fault"):
        await other.monitor(number, LEVEL)
    for request in (ua.ModifySubscriptionRequest(), ua.RepublishRequest(), ua.DeleteMonitoredItemsRequest(),
                    ua.ModifyMonitoredItemsRequest(), ua.SetMonitoringModeRequest()):  # fmt: skip
        request.Parameters.SubscriptionId = number
        with refused(Codes.BadSubscriptionIdInvalid, by="fault"):
            await other.ask(request)
    delete = ua.DeleteSubscriptionsRequest()
    delete.Parameters.SubscriptionIds = foreign
    mode = ua.SetPublishingModeRequest()
    mode.Parameters.SubscriptionIds = foreign
    results = (await other.ask(delete)).Results + (await other.ask(mode)).Parameters.Results
    assert [result.value for result in results] == [Codes.BadSubscriptionIdInvalid] * 4
    assert item.StatusCode.is_good()
    assert await notices(victim) == [(GOOD, 0.0)]


async def test_subscriptions_and_items_are_capped(tmp_path: Path) -> None:
    limits = "sessions: {subscriptions: 3, subscriptions_per_session: 2, monitored_items: 1}\n"
    async with served(OPEN + limits, tmp_path) as bench:
        raw, other = await bench.session("run"), await bench.session("watch")
        number = (await raw.subscribe()).SubscriptionId
        await raw.subscribe()
        with refused(Codes.BadTooManySubscriptions):
            await raw.subscribe()
        await other.subscribe()
        third = await bench.session("build")
        with refused(Codes.BadTooManySubscriptions):
            await third.subscribe()
        await raw.monitor(number, LEVEL)
        with refused(Codes.BadTooManyMonitoredItems):
            await raw.monitor(number, SET_POINT)


@pytest.mark.parametrize(
    ("asked_ms", "given_ms"), [(0, 50), (-1, 50), (float("nan"), 50), (1e12, 3_600_000), (250, 250)]
)
async def test_a_subscription_is_never_faster_than_the_server_will(
    bench: Bench, asked_ms: float, given_ms: float
) -> None:
    raw = await bench.session("run")
    assert (await raw.subscribe(asked_ms)).RevisedPublishingInterval == given_ms


async def test_no_user_is_an_administrator_of_the_library(bench: Bench) -> None:
    from asyncua.crypto.permission_rules import UserRole

    for user in ALL:
        await bench.session(user)
    server = bench.device._server
    assert server is not None
    assert {session.user.role for session in server._external_sessions.values()} == {UserRole.User}
