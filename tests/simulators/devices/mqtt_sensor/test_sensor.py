"""What a sensor publishes, what it obeys, and what it does when nobody listens."""

import asyncio
import itertools
import struct
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices import mqtt_sensor
from simulators.devices.mqtt_sensor import decode_window
from simulators.devices.mqtt_sensor.commands import Adjustment, obey
from simulators.devices.mqtt_sensor.config import Commands
from simulators.devices.mqtt_sensor.window import Window, encode_window
from simulators.errors import InputError
from tests.fakes import ORIGIN_UNIX_S, FakeNetwork, a_context, a_device, a_line
from tests.simulators.devices.mqtt_broker.pki import authority, signed_by
from tests.simulators.devices.mqtt_sensor.conftest import TAGS, Build
from tests.waiting import eventually

TEMPERATURE, VIBRATION = "plant/pump/temperature", "plant/pump/vibration"


@pytest.mark.parametrize(
    "engine", ["embedded", pytest.param("mosquitto", marks=pytest.mark.needs("mosquitto"))]
)
async def test_a_measurement_a_second_and_a_window_every_ten(bench: Build, engine: str) -> None:
    async with bench(engine=engine) as line:
        line.field.values.update({"pump_motor.vibration_mm_s": 1.25, "pump_motor.temperature_c": 20.0})
        line.run(30.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 30)
        temperatures = line.messages(TEMPERATURE)
        stamps = [datetime.fromisoformat(each["t"]).timestamp() - ORIGIN_UNIX_S for each in temperatures]
        assert all(abs(later - sooner - 1.0) < 0.002 for sooner, later in itertools.pairwise(stamps))
        assert temperatures[0].items() >= {
            "tag": "Pump.Temperature", "value": 41.0, "unit": "°C", "quality": "good"
        }.items()  # fmt: skip
        numbers = sorted(each["seq"] for topic in (TEMPERATURE, VIBRATION) for each in line.messages(topic))
        assert numbers == list(range(1, 61))
        windows = [decode_window(data) for topic, data in line.ear.heard if topic == f"{VIBRATION}/window"]
        # The first one at once, then at the sensor's own place in every ten seconds.
        assert [each.sequence for each in windows] == [1, 2, 3, 4]
        assert (windows[0].rate_hz, windows[0].samples == line.field.heard.samples) == (12_800, True)
        assert windows[2].unix_ms - windows[1].unix_ms == 10_000
        heard = line.messages(VIBRATION)[-1]
        assert heard["rms_g"] == pytest.approx(1000 * 16 / 32768, abs=1e-4)
        assert heard["kurtosis"] == pytest.approx(1.0)
        assert line.sensor.health().state == "ok"


async def test_time_that_goes_back_is_measured_again(bench: Build) -> None:
    async with bench() as line:
        line.run(30.0)
        line.run(2.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 32)


@pytest.mark.parametrize(
    ("raw", "value", "quality"),
    [(20.0, 41.0, "good"), (float("nan"), None, "bad"), (-25.0, -49.0, "bad"), (True, True, "good")],
)
async def test_the_quality_says_what_the_element_says(
    bench: Build, raw: float, value: float | None, quality: str
) -> None:
    async with bench() as line:
        line.field.values["pump_motor.temperature_c"] = raw
        line.run(1.0)
        said = await eventually(lambda: line.messages(TEMPERATURE))
        assert (said[0]["value"], said[0]["quality"]) == (value, quality)


async def test_birth_will_and_goodbye(bench: Build) -> None:
    async with bench() as line:

        def said() -> list[bytes]:
            return [data for topic, data in line.ear.heard if topic == "plant/pump_sensor/status"]

        await eventually(lambda: said() == [b"online"])
        line.sensor.kill()  # type: ignore[attr-defined]
        await eventually(lambda: said()[1:2] == [b"offline"])
        assert line.sensor.health().state == "failed"
        await line.sensor.stop()
        await line.sensor.start()
        await eventually(lambda: said()[2:3] == [b"online"])
        await line.sensor.stop()
        await eventually(lambda: said()[3:] == [b"offline"])


async def test_it_waits_for_its_broker_and_comes_back(bench: Build) -> None:
    async with bench() as line:
        await line.broker.stop()
        await eventually(lambda: line.sensor.health().state == "degraded")
        line.run(5.0)
        assert line.sensor.health().figures["left_out"] == 10  # five times two measurements
        await line.broker.start()
        await eventually(lambda: line.sensor.health().state == "ok")
        await eventually(lambda: line.ear.session.connected)
        await asyncio.sleep(0.05)
        line.run(6.0, from_s=5.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 1)


async def test_anyone_may_command_the_weak_sensor(bench: Build) -> None:
    async with bench() as line:
        line.ear.session.publish(
            "plant/pump_sensor/cmd", b'{"period_s": 2, "offset": {"Pump.Temperature": 5}}'
        )
        await eventually(lambda: line.messages("plant/pump_sensor/reply") == [{"ok": True, "error": ""}])
        line.run(20.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 10)
        assert line.messages(TEMPERATURE)[0]["value"] == 6.0


async def test_a_sensor_that_takes_no_commands_takes_none(bench: Build) -> None:
    async with bench("commands: {enabled: false}") as line:
        line.ear.session.publish("plant/pump_sensor/cmd", b'{"mute": true}', 1)
        await eventually(lambda: ("plant/pump_sensor/cmd", b'{"mute": true}') in line.ear.heard)
        line.run(3.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 3)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b'{"token": "t", "period_s": 2}', ""),
        (b'{"token": "x", "period_s": 2}', "not authorised"),
        (b'{"period_s": 2}', "not authorised"),
        (b'{"token": "t", "mute": true}', "not permitted"),
        (b'{"token": "t"}', "not permitted"),
        (b'{"token": "t", "period_s": 0.001}', "value out of range"),
        (b'{"token": "t", "period_s": 1e999}', "not understood"),
        (b'{"token": "t", "offset": {"Other.Tag": 1}}', "value out of range"),
        (b'{"token": "t", "boom": 1}', "not understood"),
        (b"\xff\x00", "not understood"),
        (b"[" * 3000, "not understood"),
        (b" " * 5000, "too long"),
    ],
)
def test_commands_may_be_limited(payload: bytes, why: str) -> None:
    adjustment = Adjustment(1.0, 10.0)
    rules = Commands(allowed=("period_s", "offset"), token="t")
    assert obey(payload, rules, ["Pump.Temperature"], adjustment) == why
    assert adjustment.period_s == (1.0 if why else 2.0)


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_command_breaks_the_sensor(payload: bytes) -> None:
    obey(payload, Commands(), ["Pump.Temperature"], Adjustment(1.0, 10.0))


async def test_windows_are_left_out_first_when_the_network_does_not_keep_up(bench: Build) -> None:
    async with bench("window_period_s: 0.1") as line:
        line.ear.session.abort()
        # The broker runs on this loop: as long as nothing is awaited, it reads nothing.
        line.run(100.0)
        health = line.sensor.health()
        assert health.state == "degraded"
        assert int(health.figures["windows_left_out"]) > 600  # those beyond four a wake-up are 600
        assert health.figures["left_out"] == 0
        await eventually(lambda: line.sensor.health().state == "ok")


async def test_mutual_tls_with_a_user_of_its_certificate(bench: Build, tmp_path: Path) -> None:
    plant = authority("plant")
    server, own = signed_by(plant, "broker", "10.20.2.10"), signed_by(plant, "pump")
    broker = (
        "per_listener_settings true\nlistener 1883\nallow_anonymous true\n"
        "listener 8883\ncertfile s.crt\nkeyfile s.key\ncafile ca.crt\nrequire_certificate true\n"
        "use_identity_as_username true\nacl_file acl\n#file: acl\nuser pump\ntopic write plant/pump/temperature\n"
        f"#file: s.crt\n{server.cert_pem}#file: s.key\n{server.key_pem}#file: ca.crt\n{plant.cert_pem}"
    )
    config = "broker: {port: 8883}\ntls:\n" + "".join(
        f"  {key}: |\n" + "".join(f"    {row}\n" for row in pem.splitlines())
        for key, pem in (("ca", plant.cert_pem), ("cert", own.cert_pem), ("key", own.key_pem))
    )
    async with bench(config, broker) as line:
        line.run(3.0)
        await eventually(lambda: len(line.messages(TEMPERATURE)) == 3)
        assert line.messages(VIBRATION) == [], "the access list lets the temperature through and nothing else"
    stranger = authority("stranger")
    async with bench(config.replace(_pem(plant.cert_pem), _pem(stranger.cert_pem)), broker) as line:
        assert line.sensor.health().state == "degraded"
        assert "CERTIFICATE_VERIFY_FAILED" in str(line.sensor.health().detail)


def _pem(text: str) -> str:
    return "".join(f"    {row}\n" for row in text.splitlines())


async def test_a_refused_password_is_said(bench: Build) -> None:
    broker = "allow_anonymous false\npassword_file p\n#file: p\npump:right\near:ear\n"
    async with bench("username: pump\npassword: wrong", broker, user="ear", password="ear") as line:
        health = line.sensor.health()
        assert health.state == "degraded"
        assert "Not authorized" in str(health.detail)
    async with bench("username: pump\npassword: right", broker, user="ear", password="ear") as line:
        assert line.sensor.health().state == "ok"


@pytest.mark.parametrize(
    "text",
    [
        "\nperiod_s: 0.01",
        "\nqos: 2",
        "\ntopic: a/#",
        "\npassword: x",
        "\nbroker: {port: 0}",
        "\ntls: {cert: x}",
        "\ntls: {ca: x}",
        "\ncommands: {allowed: [explode]}",
        "\nperiode: 1",
    ],
)
def test_a_bad_configuration_names_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml:[12]"):
        mqtt_sensor.parse(text, "mine.yaml")


def test_a_line_without_a_broker_is_a_clear_error(tmp_path: Path, network: FakeNetwork) -> None:
    line = a_line([a_device("pump_sensor", "mqtt_sensor", "iiot")], TAGS)
    with pytest.raises(InputError, match=r"broker\.address"):
        mqtt_sensor.create(a_context(line, "pump_sensor", tmp_path, network), mqtt_sensor.parse("", "x"))


@given(
    unix_ms=st.integers(0, 2**63),
    sequence=st.integers(0, 2**32 - 1),
    samples=st.lists(st.integers(-32768, 32767)),
)
@settings(max_examples=50, deadline=None)
def test_a_window_is_read_as_it_was_written(unix_ms: int, sequence: int, samples: list[int]) -> None:
    window = Window(unix_ms, 12_800, 0.5, sequence, struct.pack(f"<{len(samples)}h", *samples))
    assert decode_window(encode_window(window)) == window


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda data: b"UEV1" + data))
@settings(max_examples=100, deadline=None)
def test_what_is_no_window_is_refused(payload: bytes) -> None:
    try:
        window = decode_window(payload)
    except ValueError:
        return
    assert len(window.samples) % 2 == 0
