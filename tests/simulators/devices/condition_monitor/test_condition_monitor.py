"""A condition monitor, its broker and someone who listens to all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from simulators.devices import condition_monitor, mqtt_broker
from simulators.devices.condition_monitor import ConditionMonitor
from simulators.devices.mqtt_sensor.window import G_PER_UNIT, RATE_HZ, Window, encode_window
from simulators.errors import InputError
from simulators.plant.assets.motor import Motor, Params
from simulators.plant.site import Site
from simulators.plant.vibration import window
from tests.fakes import ORIGIN_UNIX_S, FakeNetwork, Log, a_context, a_device, a_line, a_tag
from tests.simulators.devices.mqtt_broker.clients import Client, client
from tests.waiting import eventually

HEARD = "plant/pump/vibration/window"
ALARM, INDEX = "small/monitor/pump_motor/alarm", "small/monitor/pump_motor/index"
TAGS = [
    a_tag("Pump.Vibration", "sensor", "plant/pump/vibration", signal="pump_motor.vibration_mm_s", range=(0, 12)),
    a_tag("Pump.BearingAlarm", "monitor", ALARM, "BOOL"),
    a_tag("Pump.BearingIndex", "monitor", INDEX, range=(0, 1000)),
]  # fmt: skip
RULES = """
assets: [pump_motor]
least_rpm: 300
baseline: {windows: 10}
detectors:
  - {feature: envelope_db, method: cusum, k: 1.0, alarm_at: 10, clear_at: 5}
"""


@dataclass(repr=False)
class Bench:
    monitor: ConditionMonitor
    ear: Client
    log: Log
    t_s: float = 0.0

    async def hear(self, windows: int, **damage: float) -> None:
        """Windows of a motor with this damage, ten seconds apart, and the monitor's steps beside."""
        motor = Motor(Site(60.0), Params(rated_rpm=2900), Random(1))
        motor.command = 1.0
        motor.site.step = 1
        motor.step()
        for mode, severity in damage.items():
            setattr(motor, mode, severity)
        for _ in range(windows):
            self.t_s += 10.0
            samples = window(motor, 3, round(self.t_s))
            await self.send(
                encode_window(Window(self.unix_ms, RATE_HZ, G_PER_UNIT, 1, samples, motor.speed_rpm / 60.0))
            )
            self.run(self.t_s)

    async def send(self, payload: bytes) -> None:
        """Publish on the sensor's topic, and wait until the monitor has taken it, or refused it."""
        before = self._taken()
        self.ear.session.publish(HEARD, payload)
        await eventually(lambda: self._taken() > before)

    @property
    def unix_ms(self) -> int:
        return round(1000 * (ORIGIN_UNIX_S + self.t_s))

    def _taken(self) -> int:
        figures = self.monitor.health().figures
        return int(figures["windows"]) + int(figures["refused"])

    def run(self, t_s: float) -> None:
        self.monitor.step(t_s)
        self.monitor.publish(t_s)

    def said(self, topic: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(data) for heard, data in self.ear.heard if heard == topic]


Build = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def network() -> Iterator[FakeNetwork]:
    network = FakeNetwork()
    yield network
    network.close()


@pytest.fixture
def bench(tmp_path: Path, network: FakeNetwork) -> Build:
    @contextlib.asynccontextmanager
    async def build(config: str = RULES) -> AsyncIterator[Bench]:
        line = a_line(
            [
                a_device("broker", "mqtt_broker", "iiot", port=1883, settings={"engine": "embedded"}),
                a_device("sensor", "mqtt_sensor", "iiot", "10.20.2.21"),
                a_device("monitor", "condition_monitor", "iiot", "10.20.2.30"),
            ],
            TAGS,
        )
        server_context = a_context(line, "broker", tmp_path, network)
        server = mqtt_broker.create(server_context, mqtt_broker.parse("", "broker.conf"))
        log = Log()
        context = a_context(line, "monitor", tmp_path, network, log=log)
        monitor = condition_monitor.create(context, condition_monitor.parse(config, "monitor.yaml"))
        await server.start()
        try:
            async with client(server_context, "ear", "small/#") as ear:
                await monitor.start()
                await eventually(lambda: monitor.health().state == "ok")
                yield Bench(monitor, ear, log)
        finally:
            await monitor.stop()
            await server.stop()

    return build


async def test_a_fault_raises_the_alarm_and_a_sound_machine_does_not(bench: Build) -> None:
    async with bench() as line:
        await line.hear(40)
        await eventually(lambda: len(line.said("small/monitor/pump_motor/features")) == 40)
        sound = line.said("small/monitor/pump_motor/features")
        assert [each["learnt"] for each in sound] == [False] * 9 + [True] * 31
        assert not any(each["alarm"] for each in sound)
        await line.hear(10, bearing_outer=0.2)
        await eventually(lambda: line.said(ALARM)[-1]["value"] is True)
        report = line.said("small/monitor/pump_motor/features")[-1]
        assert report["asset"] == "pump_motor"
        assert report["features"]["envelope_db"] > 20.0
        assert report["shaft_rpm"] == pytest.approx(2900.0)
        assert report["unix_s"] == pytest.approx(ORIGIN_UNIX_S + 500.0)
        assert len(report["version"]) == 12
        assert line.said(INDEX)[-1].items() >= {"value": 200.0, "unit": "", "quality": "good"}.items()


async def test_a_panel_is_told_features_baseline_and_alarm(bench: Build) -> None:
    async with bench() as line:
        await line.hear(12)
        await line.hear(8, bearing_outer=0.2)
        seen = line.monitor.history()
        assert (seen["assets"], seen["asset"], seen["learnt"]) == (["pump_motor"], "pump_motor", True)
        assert len(seen["features"]["rms_g"]) == len(seen["alarm"]) == len(seen["index"]) == 20
        assert seen["alarm"][0] == [ORIGIN_UNIX_S + 10.0, False]
        assert seen["alarm"][-1][1] is True
        assert set(seen["baseline"]["envelope_db"]) == {"mean", "sigma", "windows"}
        with pytest.raises(InputError, match="pump_motor"):
            line.monitor.history("filler_motor")


async def test_as_delivered_it_watches_nothing_and_says_that_it_lives(bench: Build) -> None:
    async with bench("") as line:
        await eventually(lambda: line.said(ALARM) and line.said(INDEX))
        line.ear.session.publish(HEARD, b"whatever")
        for second in range(1, 31):
            line.run(float(second))
        await eventually(lambda: len(line.said(ALARM)) == 1 + 4)
        assert {each["value"] for each in line.said(ALARM)} == {False}
        assert {each["quality"] for each in line.said(ALARM)} == {"good"}
        assert line.monitor.health().figures["windows"] == 0
        assert line.monitor.history()["assets"] == []
        assert [data for topic, data in line.ear.heard if topic.endswith("/status")] == [b"online"]


async def test_what_is_no_window_of_now_is_refused_and_changes_nothing(bench: Build) -> None:
    async with bench() as line:
        await line.hear(12)
        before = line.monitor.history()
        now = encode_window(Window(line.unix_ms, RATE_HZ, G_PER_UNIT, 1, bytes(25_600), 48.0))
        early = encode_window(Window(line.unix_ms - 5000, RATE_HZ, G_PER_UNIT, 1, bytes(25_600), 48.0))
        long = encode_window(Window(line.unix_ms + 9000, RATE_HZ, G_PER_UNIT, 1, bytes(400_000), 48.0))
        for payload in (b"", b"UEV1", b"\x00" * 5000, now, early, long):
            await line.send(payload)
        assert line.monitor.history() == before
        assert line.monitor.health().figures["refused"] == 6
        await line.hear(1)
        assert len(line.monitor.history()["alarm"]) == 13


async def test_time_that_goes_back_begins_anew(bench: Build) -> None:
    async with bench() as line:
        await line.hear(20)
        line.t_s = 0.0
        await line.hear(3)
        assert line.monitor.history()["learnt_windows"] == 3


async def test_a_machine_that_falls_silent_is_no_longer_good(bench: Build) -> None:
    async with bench() as line:
        await line.hear(3)
        line.run(95.0)
        await eventually(lambda: line.said(ALARM)[-1]["quality"] == "bad")
        line.t_s = 100.0
        await line.hear(1)
        await eventually(lambda: line.said(ALARM)[-1]["quality"] == "good")


async def test_somebody_acknowledges_a_latched_alarm_over_mqtt(bench: Build) -> None:
    async with bench(RULES + "latch: true\n") as line:
        await line.hear(12)
        await line.hear(8, bearing_outer=0.2)
        await line.hear(40)
        assert line.monitor.history()["alarm"][-1][1] is True
        line.ear.session.publish("small/monitor/cmd", b'{"explode": "all"}')
        line.ear.session.publish("small/monitor/cmd", b'{"acknowledge": "all"}')
        await eventually(lambda: line.said(ALARM)[-1]["value"] is False)
        line.ear.session.publish("small/monitor/cmd", b'{"learn": "pump_motor"}')
        await eventually(lambda: line.monitor.history()["learnt_windows"] == 0)
        assert len(line.log.events("monitor_command")) == 2


async def test_it_waits_for_its_broker(bench: Build, network: FakeNetwork) -> None:
    async with bench() as line:
        line.monitor._session.abort()  # type: ignore[union-attr]
        assert line.monitor.health().state == "degraded"
        await eventually(lambda: line.monitor.health().state == "ok")
        await line.hear(1)


async def test_its_answers_do_not_choke_it(bench: Build) -> None:
    """It publishes from within what it hears: what was sent must not count as waiting for ever."""
    async with bench() as line:
        await line.hear(30)
        await eventually(lambda: len(line.said("small/monitor/pump_motor/features")) == 30)
        await asyncio.sleep(0)
        session = line.monitor._session
        assert session is not None
        assert session.backlog_bytes == 0


def test_a_machine_that_no_sensor_hears_is_refused(tmp_path: Path, network: FakeNetwork) -> None:
    devices = [a_device("broker", "mqtt_broker", "iiot", port=1883), a_device("sensor", "mqtt_sensor", "iiot"),
               a_device("monitor", "condition_monitor", "iiot", "10.20.2.30")]  # fmt: skip
    context = a_context(a_line(devices, TAGS), "monitor", tmp_path, network)
    with pytest.raises(InputError, match="pump_motor"):
        condition_monitor.create(context, condition_monitor.parse("assets: [mixer]", "monitor.yaml"))


@pytest.mark.parametrize(
    "tag", [a_tag("A.B", "monitor", "x/pump_motor/alarm"), a_tag("A.B", "monitor", "alarm", "BOOL")]
)
def test_a_tag_that_it_could_not_fill_is_refused(tmp_path: Path, network: FakeNetwork, tag: Any) -> None:
    devices = [a_device("broker", "mqtt_broker", "iiot", port=1883),
               a_device("monitor", "condition_monitor", "iiot", "10.20.2.30")]  # fmt: skip
    with pytest.raises(InputError, match="/alarm \\(BOOL\\)"):
        condition_monitor.create(
            a_context(a_line(devices, [tag]), "monitor", tmp_path, network), condition_monitor.parse("", "x")
        )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("assets: [pump_motor]\ndetectors:\n  - {feature: rms, method: sigma, alarm_at: 3}\n", 3),
        ("baseline: {windows: 2}\n", 1),
        ("assets: [pump_motor, pump_motor]\n", 1),
        ("detectors:\n  - {feature: rms_g, method: sigma, alarm_at: 3, clear_at: 5}\n", 2),
        ("password: x\n", 1),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_by_line(text: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        condition_monitor.parse(text, "monitor.yaml")
    assert f"monitor.yaml:{line}:" in caught.value.text.en
