"""An IoT sensor: measures its tags at its period and publishes them; windows beside, if it hears vibration.

Topics: each tag's own address, `…/window` under that of a vibration tag, and `status`, `cmd` and `reply` under
`LINE/SENSOR`. At a speed of ×100 messages leave a hundred times as often; where the socket does not take them,
windows are left out first, then measurements.
"""

import math
import socket
import ssl
import zlib

import msgspec

from simulators.contracts import Context, Health, Vibration
from simulators.devices._mqtt.session import MqttSession, Will
from simulators.devices.mqtt_sensor.commands import Adjustment, obey
from simulators.devices.mqtt_sensor.config import Config
from simulators.devices.mqtt_sensor.telemetry import Telemetry, measured, stamp
from simulators.devices.mqtt_sensor.tls import client_tls
from simulators.devices.mqtt_sensor.window import G_PER_UNIT, RATE_HZ, Window, encode_window
from simulators.errors import InputError, StartError
from simulators.model import Tag
from simulators.os_errors import os_words
from simulators.text import Text

DEFAULT_PORT = 1883
WINDOW_BACKLOG_LIMIT_BYTES = 32 * 1024
OUTBOX_LIMIT, WINDOWS_OUT_LIMIT = 500, 4
FIRST_ANSWER_LIMIT_S = 0.5


class MqttSensor:
    """One sensor and its MQTT client (contracts.Device)."""

    def __init__(self, context: Context, config: Config) -> None:
        self._context = context
        self._config = config
        self._tags = [tag for tag in context.line.tags_of(context.spec.id) if tag.signal]
        self._signals = [str(tag.signal) for tag in self._tags]
        self._heard_assets = {tag.id: asset for tag in self._tags if (asset := _heard(context, tag))}
        self._topics = {tag.id: tag.address for tag in self._tags}
        self._root = config.topic or f"{_root(context, self._tags)}/{context.spec.id}"
        self._place = _broker(context, config)
        self._encoder = msgspec.json.Encoder()
        # Sensors were not switched on together: they do not all speak at the same step.
        self._phase = zlib.crc32(context.spec.id.encode()) % 997 / 997
        self._session: MqttSession | None = None
        self._killed = False
        self._begin()

    def _begin(self) -> None:
        self._adjustment = Adjustment(self._config.period_s, self._config.window_period_s)
        self._heard: dict[str, Vibration] = {}
        self._turn: dict[str, int] = {}
        self._outbox: list[tuple[str, bytes]] = []
        self._windows_out: list[tuple[str, bytes]] = []
        self._sequence = self._windows = self._left_out = self._windows_left_out = 0

    async def start(self) -> None:
        """Return once the broker has answered, or has not: the sensor then keeps trying."""
        await self.stop()
        self._killed = False
        self._begin()
        try:
            session = self._session = self._connection()
        except (OSError, ssl.SSLError) as error:
            device = self._context.spec.id
            why = os_words(error)
            raise StartError(
                f"{device} : certificat ou clé inutilisable ({why.fr}) ; vérifiez tls.cert et tls.key",
                f"{device}: certificate or key cannot be used ({why.en}); check tls.cert and tls.key",
            ) from error
        if self._config.commands.enabled:
            session.subscribe(f"{self._root}/cmd", self._config.qos)
        await session.start()
        await session.settled(FIRST_ANSWER_LIMIT_S)

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.publish(f"{self._root}/status", b"offline", retain=True)
            await session.stop()

    def kill(self) -> None:
        """Fall silent without a goodbye: the broker publishes the will, the host restarts the sensor."""
        self._killed = True
        if self._session is not None:
            self._session.abort()

    @property
    def period_s(self) -> float:
        """The time between two measurements, whether of values or of windows."""
        return min(self._adjustment.period_s, self._adjustment.window_period_s)

    def step(self, t_s: float) -> None:
        if self._session is None or self._killed:
            return
        if self._heard_assets and self._due("window", t_s, self._adjustment.window_period_s):
            self._listen(t_s)
        if self._due("value", t_s, self._adjustment.period_s):
            self._measure(t_s)

    def publish(self, t_s: float) -> None:  # noqa: ARG002 -- what was measured carries its own date
        session = self._session
        if session is None:
            return
        for topic, payload in self._outbox:
            if not session.publish(topic, payload, self._config.qos, self._config.retain):
                self._left_out += 1
        for topic, payload in self._windows_out:
            if self._congested(session) or not session.publish(topic, payload, self._config.qos):
                self._windows_left_out += 1
        self._outbox.clear()
        self._windows_out.clear()

    def health(self) -> Health:
        session = self._session
        if session is None:
            return Health("stopped")
        figures: dict[str, float | int | str] = {
            "messages": self._sequence,
            "left_out": self._left_out,
            "windows_left_out": self._windows_left_out,
            "connections": session.connections,
        }
        if self._killed:
            return Health("failed", Text(fr="arrêté de force", en="killed"), figures)
        if not session.connected:
            why, where = session.last_error or "…", "{}:{}".format(*self._place)
            return Health(
                "degraded",
                Text(
                    fr=f"non connecté au courtier {where} : {why}",
                    en=f"not connected to broker {where}: {why}",
                ),
                figures,
            )
        if self._congested(session):
            detail = Text(
                fr=f"le réseau ne suit pas : {self._windows_left_out} fenêtres laissées",
                en=f"the network does not keep up: {self._windows_left_out} windows left out",
            )
            return Health("degraded", detail, figures)
        return Health("ok", figures=figures)

    def _due(self, what: str, t_s: float, period_s: float) -> bool:
        """Once a turn of a clock of fixed origin; also after time went back (a reset)."""
        turn = math.floor(t_s / period_s + self._phase)
        if turn == self._turn.get(what):
            return False
        self._turn[what] = turn
        return True

    def _measure(self, t_s: float) -> None:
        if self._adjustment.mute:
            return
        moment = stamp(self._context.clock.unix_s(t_s))
        for tag, raw in zip(self._tags, self._context.field.read(self._signals), strict=True):
            value, quality = measured(tag, raw, self._adjustment.offset.get(tag.id, 0.0))
            self._sequence += 1
            heard = self._heard.get(tag.id)
            message = Telemetry(moment, tag.id, value, tag.unit, quality, self._sequence)
            if heard is not None:
                message.rms_g, message.peak_g = round(heard.rms_g, 5), round(heard.peak_g, 5)
                message.kurtosis = round(heard.kurtosis, 3)
            self._post(tag.address, self._encoder.encode(message))

    def _listen(self, t_s: float) -> None:
        unix_ms = round(self._context.clock.unix_s(t_s) * 1000)
        for tag_id, asset in self._heard_assets.items():
            if self._adjustment.mute or self._session is None:
                continue
            full = len(self._windows_out) >= WINDOWS_OUT_LIMIT or self._congested(self._session)
            if full or not self._session.connected:
                self._windows_left_out += 1
                continue
            heard = self._heard[tag_id] = self._context.field.vibration(asset)
            self._windows += 1
            turning_hz = max(0.0, float(self._context.field.read([speed_signal(asset)])[0]) / 60.0)
            window = Window(unix_ms, RATE_HZ, G_PER_UNIT, self._windows, heard.samples, turning_hz)
            self._windows_out.append((f"{self._topics[tag_id]}/window", encode_window(window)))

    @staticmethod
    def _congested(session: MqttSession) -> bool:
        return session.backlog_bytes > WINDOW_BACKLOG_LIMIT_BYTES

    def _post(self, topic: str, payload: bytes) -> None:
        if len(self._outbox) < OUTBOX_LIMIT:
            self._outbox.append((topic, payload))
        else:
            self._left_out += 1

    def _command(self, topic: str, payload: bytes) -> None:
        refusal = obey(payload, self._config.commands, [tag.id for tag in self._tags], self._adjustment)
        self._context.log("sensor_command", refused=refusal, payload=payload[:200].decode(errors="replace"))
        if self._session is not None:
            answer = msgspec.json.encode({"ok": not refusal, "error": refusal})
            self._session.publish(topic.removesuffix("cmd") + "reply", answer)

    def _state(self, connected: bool) -> None:
        if connected and self._session is not None:
            self._session.publish(f"{self._root}/status", b"online", retain=True)

    def _connection(self) -> MqttSession:
        config, context = self._config, self._context
        tls = config.tls
        return MqttSession(
            self._connect,
            config.client_id or context.spec.id,
            config.username,
            config.password,
            None if tls is None else client_tls(context.folder, tls),
            self._command,
            server_hostname=tls.server_name or self._place[0] if tls else None,
            will=Will(f"{self._root}/status", b"offline", retain=True),
            on_state=self._state,
            log=context.log,
        )

    async def _connect(self) -> socket.socket:
        spec = self._context.spec
        return await self._context.network.connect(spec.zone, spec.address, *self._place)


def _heard(context: Context, tag: Tag) -> str | None:
    """The asset whose vibration the tag measures: the settings say, or the tag's signal does."""
    setting = context.spec.settings.get("vibration")
    asset, _, quantity = str(tag.signal).partition(".")
    if not quantity.startswith("vibration"):
        return None
    return str(setting["asset"]) if isinstance(setting, dict) and "asset" in setting else asset


def speed_signal(asset: str) -> str:
    """The signal of a machine's shaft speed (rpm): the sensor that hears the machine has a pick-up for it."""
    return f"{asset}.speed_rpm"


def _root(context: Context, tags: list[Tag]) -> str:
    return tags[0].address.partition("/")[0] if tags else context.line.id


def _broker(context: Context, config: Config) -> tuple[str, int]:
    """Raises: InputError: the line has no broker and the configuration names none."""
    brokers = context.line.devices_of("mqtt_broker")
    address = config.broker.address or (brokers[0].address if brokers else None)
    if address is None:
        raise InputError(
            f"{context.spec.id} : la ligne n'a pas de courtier ; donnez broker.address",
            f"{context.spec.id}: the line has no broker; give broker.address",
        )
    own = next((broker.port for broker in brokers if broker.address == address), None)
    return address, config.broker.port or own or DEFAULT_PORT
