"""What an ordinary client finds and does: folders, types, ranges, units, languages, alarms, two-way values."""

import time
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from simulators.contracts import Fault
from simulators.devices import opcua_plc
from simulators.devices.opcua_plc.alarms import AlarmWatch
from simulators.devices.opcua_plc.iec import WIRE
from simulators.devices.opcua_plc.names import ours
from simulators.errors import StartError
from simulators.model import Alarm, load_line
from simulators.text import Text
from tests.fakes import ORIGIN_UNIX_S, FakeNetwork, a_context, a_tag
from tests.simulators.devices.opcua_plc.bench import (
    ADDRESS,
    ALARM_TEXT,
    COMMAND,
    DELAY,
    HARD,
    LEVEL,
    PORT,
    RUN,
    SET_POINT,
    VALVE,
    Bench,
    served,
)
from tests.waiting import eventually

BOTTLING = Path("scenarios/lines/bottling/line.yaml")
_V = ua.VariantType


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served("", tmp_path) as bench:
        yield bench


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    async with Client(bench.url) as client:
        yield client


async def test_tags_stand_in_the_folder_of_their_group(client: Client) -> None:
    node = await client.nodes.objects.get_child(["2:small", "2:Filler", "2:SetPoint"])
    assert node.nodeid == ours("Filler.SetPoint")
    assert await node.read_data_type_as_variant_type() == _V.Float
    properties: dict[str, Any] = {
        (await p.read_browse_name()).Name: await p.read_value() for p in await node.get_properties()
    }
    assert (properties["EURange"].Low, properties["EURange"].High) == (200, 600)
    assert properties["EngineeringUnits"].UnitId == int.from_bytes(b"MLT", "big")


@pytest.mark.parametrize(("locale", "name"), [("fr", "Niveau haut"), ("en", "High level")])
async def test_names_are_in_the_language_of_the_session(bench: Bench, locale: str, name: str) -> None:
    raw = await bench.session(locale=locale)
    shown = await raw.read(f"{LEVEL}.Alarms.1", AttributeIds.DisplayName)
    assert shown.Value is not None
    assert (shown.Value.Value.Text, shown.Value.Value.Locale) == (name, locale)


async def test_the_image_is_shown_when_it_changes_dated_by_the_lines_clock(
    bench: Bench, client: Client
) -> None:
    node = client.get_node(LEVEL)
    bench.plc.write("%ID0", 42.5)
    assert await node.read_value() == 0.0
    bench.device.publish(12.5)
    bench.device.publish(13.0)
    value = await node.read_data_value()
    assert value.Value is not None
    assert value.Value.Value == 42.5
    assert value.SourceTimestamp == datetime.fromtimestamp(ORIGIN_UNIX_S + 12.5, UTC)


async def test_a_restart_shows_the_image_as_it_is(bench: Bench) -> None:
    bench.plc.write("%ID0", 42.5)
    await bench.device.stop()
    await bench.device.start()
    value = await (await bench.session()).read(LEVEL)
    assert value.Value.Value == 42.5
    assert value.SourceTimestamp.timestamp() >= ORIGIN_UNIX_S


async def test_a_write_is_in_the_image_at_once_and_readable(bench: Bench, client: Client) -> None:
    node = client.get_node(SET_POINT)
    await node.write_value(333.0, _V.Float)
    assert bench.cell("%MD0") == 333.0
    assert await node.read_value() == 333.0


async def test_time_travels_in_milliseconds(bench: Bench, client: Client) -> None:
    await client.get_node(DELAY).write_value(1500.0, _V.Double)
    assert bench.cell("%ML0") == 1_500_000_000
    bench.plc.write("%ML0", 2_500_000)
    bench.device.publish(1.0)
    assert await client.get_node(DELAY).read_value() == 2.5


@pytest.mark.parametrize(("cell", "shown"), [(40_000, 40_000 - 65_536), (-5, -5), (2**40, 0)])
async def test_a_cell_out_of_its_type_wraps_and_still_travels(
    bench: Bench, client: Client, cell: int, shown: int
) -> None:
    bench.plc.write("%MW0", cell)
    bench.device.publish(1.0)
    assert await client.get_node(COMMAND).read_value() == shown


async def test_a_real_beyond_single_precision_still_travels(bench: Bench, client: Client) -> None:
    bench.plc.write("%ID0", 1e300)
    bench.device.publish(1.0)
    assert await client.get_node(LEVEL).read_value() == float("inf")


def test_every_iec_type_has_a_wire_type() -> None:
    from typing import get_args

    from simulators.model import IecType

    assert set(WIRE) == set(get_args(IecType))


async def test_a_tag_with_a_gain_has_its_range_in_raw_units(tmp_path: Path) -> None:
    tags = [a_tag("Tank.Level", "plc", "%MW0", "INT", range=(0, 100), gain=0.1, writable=True)]
    async with served("writes: {range_check: true}\npolicies: [None]\nidentities: {anonymous: engineer}", tmp_path, tags) as bench:  # fmt: skip
        raw = await bench.session()
        span = await raw.read("ns=2;s=Tank.Level.EURange")
        assert span.Value is not None
        assert (span.Value.Value.Low, span.Value.Value.High) == (0, 1000)
        assert await raw.write("ns=2;s=Tank.Level", 1000, _V.Int16) == 0
        assert await raw.write("ns=2;s=Tank.Level", 1001, _V.Int16) == StatusCodes.BadOutOfRange


async def test_an_alarm_is_a_boolean_beside_its_tag(bench: Bench, client: Client) -> None:
    alarm = client.get_node(f"{LEVEL}.Alarms.1")
    for level, active in ((79.0, False), (81.0, True), (76.0, True), (74.0, False)):
        bench.plc.write("%ID0", level)
        bench.device.publish(1.0)
        assert await alarm.read_value() is active
    assert (await client.get_node(f"{LEVEL}.Alarms.1.Text").read_value()).Text in (
        ALARM_TEXT.fr,
        ALARM_TEXT.en,
    )


def test_an_alarm_waits_for_its_delay_without_a_change() -> None:
    watch = AlarmWatch(Alarm(when="below", limit=10, delay_s=5, text=ALARM_TEXT))
    assert [watch.evaluate(3, t) for t in (0.0, 4.9, 5.0, 9.0)] == [False, False, True, False]
    assert watch.evaluate(10, 10.0)
    assert not watch.active


async def test_the_delay_of_an_alarm_passes_while_nothing_changes(tmp_path: Path) -> None:
    alarm = Alarm(when="true", delay_s=2, text=ALARM_TEXT)
    tags = [a_tag("Tank.Full", "plc", "%MX0.0", "BOOL", alarms=[alarm])]
    async with served("", tmp_path, tags) as bench, Client(bench.url) as client:
        bench.plc.write("%MX0.0", True)
        node = client.get_node("ns=2;s=Tank.Full.Alarms.1")
        states = []
        for t_s in (1.0, 2.0, 3.0):
            bench.device.publish(t_s)
            states.append(await node.read_value())
        assert states == [False, False, True]


async def test_a_subscription_tells_the_last_value_once_an_interval(bench: Bench, client: Client) -> None:
    told: list[Any] = []

    class Handler:
        def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
            told.append(value)

    subscription = await client.create_subscription(100, Handler())
    await subscription.subscribe_data_change(client.get_node(LEVEL))
    await eventually(lambda: told == [0.0])
    for step in range(1, 6):
        bench.plc.write("%ID0", float(step))
        bench.device.publish(step / 10)
    await eventually(lambda: told == [0.0, 5.0])


async def test_a_deadband_keeps_small_changes_to_itself(bench: Bench) -> None:
    raw = await bench.session()
    number = (await raw.subscribe(50)).SubscriptionId
    change = ua.DataChangeFilter()
    change.Trigger, change.DeadbandType = ua.DataChangeTrigger.StatusValue, ua.UInt32(ua.DeadbandType.Percent)
    change.DeadbandValue = ua.Double(10)
    assert (await raw.monitor(number, LEVEL, event_filter=change)).StatusCode.is_good()
    shown = []
    for level in (5.0, 50.0):
        await raw.publish()
        bench.plc.write("%ID0", level)
        bench.device.publish(level)
    answer = await raw.publish()
    for notice in answer.NotificationMessage.NotificationData:
        shown += [item.Value.Value.Value for item in notice.MonitoredItems]
    assert shown == [50.0]


async def test_identification_and_diagnostics_are_the_plcs(bench: Bench, client: Client) -> None:
    bench.plc.mode, bench.plc.scan_count = "STOP", 7
    bench.plc.cause = Fault("division", 3, Text(fr="la division", en="division"))
    values = {name: await client.get_node(f"ns=2;s=plc.Diagnostics.{name}").read_value()
              for name in ("Mode", "Fault", "ScanCount", "ScanMax", "Overruns", "Uptime")}  # fmt: skip
    assert values == {"Mode": "STOP", "Fault": "division", "ScanCount": 7, "ScanMax": 900, "Overruns": 2, "Uptime": 70_000}  # fmt: skip
    assert await client.get_node("ns=2;s=plc.Identification.SerialNumber").read_value() == "small-plc"


async def test_its_health_has_the_plcs_figures_and_says_why_the_program_does_not_run(bench: Bench) -> None:
    health = bench.device.health()
    assert (health.state, health.detail) == ("ok", None)
    assert health.figures.items() >= {
        "mode": "RUN", "scan_last_us": 150, "scan_max_us": 900, "overruns": 2, "uptime_s": 70_000,
        "program_sha256": "ab" * 32,
    }.items()  # fmt: skip
    bench.plc.mode = "STOP"
    assert bench.device.health().detail == Text(
        fr="l'automate est en mode STOP", en="the PLC is in mode STOP"
    )
    bench.plc.cause = Fault("division", 3, Text(fr="p.st:3 : division", en="p.st:3: division"))
    assert bench.device.health().state == "degraded"
    assert "p.st:3: division" in str(bench.device.health().detail and bench.device.health().detail.en)  # type: ignore[union-attr]


async def test_methods_drive_the_plc(bench: Bench, client: Client) -> None:
    plc = client.get_node("ns=2;s=plc")
    for method, mode in ((("2:SetMode", "STOP"), "STOP"), (("2:Restart",), "RUN")):
        await plc.call_method(*method)
        assert bench.plc.mode == mode
    with pytest.raises(ua.uaerrors.UaStatusCodeError, match="BadInvalidArgument"):
        await plc.call_method("2:SetMode", "FLY")
    with pytest.raises(ua.uaerrors.UaStatusCodeError, match="BadNothingToDo"):
        await plc.call_method("2:AcknowledgeFault")
    bench.plc.cause = Fault("division", 3, Text(fr="p.st:3 : division", en="division"))
    await plc.call_method("2:SetMode", "STOP")
    await plc.call_method("2:AcknowledgeFault")
    assert bench.plc.mode == "RUN"


@pytest.mark.parametrize(
    ("node", "writable"), [(SET_POINT, True), (RUN, True), (VALVE, True), (LEVEL, False)]
)
async def test_the_weak_default_lets_anyone_write_all_but_inputs(
    client: Client, node: str, writable: bool
) -> None:
    levels = await client.get_node(node).get_access_level()
    assert (ua.AccessLevel.CurrentWrite in levels) is writable


async def test_endpoints_echo_the_way_by_which_the_client_came(bench: Bench) -> None:
    raw = await bench.open()
    raw_url = {}
    for asked in ("opc.tcp://127.0.0.1:4999", "opc.tcp://plc-door.example:4840/x", "opc.tcp://a@evil:1",
                  "http://127.0.0.1:80", "opc.tcp://bad host:1", "opc.tcp://h:99999", ""):  # fmt: skip
        request = ua.GetEndpointsRequest()
        request.Parameters.EndpointUrl = ua.String(asked)
        answer = await raw.ask(request)
        assert answer.Endpoints[0].Server.DiscoveryUrls == [answer.Endpoints[0].EndpointUrl]
        raw_url[asked] = answer.Endpoints[0].EndpointUrl
    own = f"opc.tcp://{ADDRESS}:{PORT}"
    assert list(raw_url.values()) == [
        "opc.tcp://127.0.0.1:4999",
        "opc.tcp://plc-door.example:4840",
        *[own] * 5,
    ]


async def test_the_port_taken_is_said_with_its_remedy(bench: Bench, tmp_path: Path) -> None:
    second = opcua_plc.create(bench.device._context, opcua_plc.parse("", "x"))
    with pytest.raises(StartError, match=str(PORT)) as caught:
        await second.start()
    assert "stop the other program" in caught.value.text.en


async def test_it_keeps_its_certificate_across_restarts(tmp_path: Path) -> None:
    async with served(HARD, tmp_path) as bench:
        first = (bench.folder / "own_certificate.pem").read_bytes()
        await bench.device.stop()
        await bench.device.start()
        assert (bench.folder / "own_certificate.pem").read_bytes() == first
        await bench.device.stop()
        (bench.folder / "own_key.pem").write_text("not a key")
        with pytest.raises(StartError, match="own_key"):
            await bench.device.start()
        (bench.folder / "own_key.pem").unlink()
        await bench.device.start()
        assert (bench.folder / "own_certificate.pem").read_bytes() != first
        assert (bench.folder / "own_key.pem").stat().st_mode & 0o077 == 0


async def test_its_memory_start_and_idle_publish_stay_small(tmp_path: Path) -> None:
    """Budgets: 1.5 MiB and 30 ms a server of the bottling line, 60 µs to see that nothing changed."""
    opcua_plc.preload()
    line, network = load_line(BOTTLING), FakeNetwork()
    context, config = a_context(line, "plc2", tmp_path, network), opcua_plc.parse("", "weak")
    best_s = 1.0  # of the processor's time: the machine may have other things to do
    for _ in range(5):
        began_s = time.process_time()
        device = opcua_plc.create(context, config)
        await device.start()
        best_s = min(best_s, time.process_time() - began_s)
        await device.stop()
    assert best_s < 0.030
    tracemalloc.start()
    device = opcua_plc.create(context, config)
    await device.start()
    assert tracemalloc.get_traced_memory()[0] < 1.5 * 2**20
    tracemalloc.stop()
    device.publish(0.1)
    laps = []
    for _ in range(200):
        began_s = time.perf_counter()
        device.publish(0.2)
        laps.append(time.perf_counter() - began_s)
    assert min(laps) < 60e-6
    await device.stop()
    network.close()
