"""A condition monitor on the network: windows in, features and alarms out, all over MQTT.

Topics under `LINE/MONITOR`: `ASSET/features` (JSON, after each window), `ASSET/alarm` and `ASSET/index` (telemetry as
sensors send it, so that SCADA shows them as tags), `status`, and `cmd`, which takes `{"acknowledge": "ASSET"}` and
`{"learn": "ASSET"}` (`all` for every machine). It judges a window when it hears it; nothing is revised later.
"""

import hashlib
import math
import socket
import ssl
from typing import Any

import msgspec

from simulators.contracts import Context, Health
from simulators.devices._mqtt.session import MqttSession, Will
from simulators.devices.condition_monitor.config import Config
from simulators.devices.condition_monitor.machine import Machine
from simulators.devices.condition_monitor.wiring import broker_of, heard_on, meaning, topics_of
from simulators.devices.mqtt_sensor.telemetry import Telemetry, stamp
from simulators.devices.mqtt_sensor.tls import client_tls
from simulators.devices.mqtt_sensor.window import decode_window
from simulators.errors import InputError, StartError
from simulators.model import Tag
from simulators.os_errors import os_words
from simulators.plc.image import Value
from simulators.snapshot import Quality
from simulators.text import Text

FIRST_ANSWER_LIMIT_S = 0.5
# Without a window for so long (simulated), a machine's index and alarm are no longer good.
SILENT_AFTER_S = 60.0
COMMAND_LIMIT_BYTES = 1024


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    acknowledge: str | None = None
    learn: str | None = None


class ConditionMonitor:
    """The monitor and its MQTT client (contracts.Device)."""

    def __init__(self, context: Context, config: Config) -> None:
        """Raises: PlaceError: a machine that no sensor hears."""
        self._context = context
        self._config = config
        self._tags = [(tag, meaning(tag)[0]) for tag in context.line.tags_of(context.spec.id)]
        self._root = f"{context.line.id}/{context.spec.id}"
        self._place = broker_of(context, config)
        version = hashlib.sha256(msgspec.json.encode(config.watch)).hexdigest()[:12]
        self._machines = {
            asset: Machine(asset, topic, config.watch, version)
            for asset, topic in topics_of(config.assets, heard_on(context.line)).items()
        }
        self._by_topic = {machine.topic: machine for machine in self._machines.values()}
        self._encoder = msgspec.json.Encoder()
        self._session: MqttSession | None = None
        self._begun_s: float | None = None
        self._turn = -1
        self._t_s = 0.0
        self._sequence = self._windows = self._refused = 0

    async def start(self) -> None:
        """Return once the broker has answered, or has not: the monitor then keeps trying."""
        await self.stop()
        self._begun_s, self._turn = None, -1
        for machine in self._machines.values():
            machine.forget()
        try:
            session = self._session = self._connection()
        except (OSError, ssl.SSLError) as error:
            device = self._context.spec.id
            why = os_words(error)
            raise StartError(
                f"{device} : certificat ou clé inutilisable ({why.fr}) ; vérifiez tls.cert et tls.key",
                f"{device}: certificate or key cannot be used ({why.en}); check tls.cert and tls.key",
            ) from error
        for topic in self._by_topic:
            session.subscribe(topic)
        if self._machines:
            session.subscribe(f"{self._root}/cmd")
        await session.start()
        await session.settled(FIRST_ANSWER_LIMIT_S)

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.publish(f"{self._root}/status", b"offline", retain=True)
            await session.stop()

    def step(self, t_s: float) -> None:
        if self._begun_s is None or t_s < self._t_s:
            self._begun_s = t_s
        self._t_s = t_s

    def publish(self, t_s: float) -> None:
        """A sign of life, with every tag, at its own pace."""
        turn = math.floor(t_s / self._config.heartbeat_s)
        if turn != self._turn and self._session is not None and self._session.connected:
            self._turn = turn
            self._beat()

    def health(self) -> Health:
        session = self._session
        if session is None:
            return Health("stopped")
        figures: dict[str, float | int | str] = {
            "machines": len(self._machines),
            "windows": self._windows,
            "refused": self._refused,
            "connections": session.connections,
        }
        if session.connected:
            return Health("ok", figures=figures)
        why, where = session.last_error or "…", "{}:{}".format(*self._place)
        return Health(
            "degraded",
            Text(
                fr=f"non connecté au courtier {where} : {why}", en=f"not connected to broker {where}: {why}"
            ),
            figures,
        )

    def history(self, asset: str | None = None) -> dict[str, Any]:
        """What it lately heard and said of `asset` (the first it watches), and which it watches.

        Raises:
            InputError: `asset` is not watched; says which are.
        """
        watched = list(self._machines)
        if asset is None and not watched:
            return {"assets": [], "asset": None, "features": {}, "index": [], "alarm": [], "baseline": {},
                    "learnt": False, "learnt_windows": 0, "wanted_windows": 0}  # fmt: skip
        chosen = asset or watched[0]
        if chosen not in self._machines:
            known = ", ".join(watched) or "–"
            raise InputError(
                f"{chosen} n'est pas surveillé ; surveillés : {known}",
                f"{chosen} is not watched; watched: {known}",
            )
        return {"assets": watched, "asset": chosen, **self._machines[chosen].history()}

    def _heard(self, topic: str, payload: bytes) -> None:
        machine = self._by_topic.get(topic)
        if machine is None:
            self._command(payload)
            return
        try:
            state = machine.hear(decode_window(payload))
        except ValueError:
            state = None
        if state is None:
            self._refused += 1
            return
        self._windows += 1
        self._say(f"{self._root}/{machine.asset}/features", self._encoder.encode(machine.report()))
        self._tell(machine.asset)

    def _command(self, payload: bytes) -> None:
        """Anyone who may publish on `cmd` is obeyed: who may is the broker's affair."""
        try:
            order = msgspec.json.decode(payload[:COMMAND_LIMIT_BYTES], type=_Order)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        for name in (order.acknowledge, order.learn):
            for machine in self._machines.values():
                if name in (machine.asset, "all"):
                    (machine.acknowledge if name == order.acknowledge else machine.forget)()
                    self._tell(machine.asset)
        self._context.log("monitor_command", acknowledge=order.acknowledge, learn=order.learn)

    def _state(self, connected: bool) -> None:
        if connected:
            self._say(f"{self._root}/status", b"online", retain=True)
            self._beat()

    def _beat(self) -> None:
        for tag, asset in self._tags:
            self._post(tag, asset)

    def _tell(self, asset: str) -> None:
        for tag, of in self._tags:
            if of == asset:
                self._post(tag, asset)

    def _post(self, tag: Tag, asset: str) -> None:
        machine = self._machines.get(asset)
        state = machine.monitor.state if machine is not None else None
        value: Value = False if tag.type == "BOOL" else 0.0
        if state is not None:
            value = state.alarm if tag.type == "BOOL" else round(state.index_pct, 1)
        self._sequence += 1
        moment = stamp(self._context.clock.unix_s(self._t_s))
        message = Telemetry(moment, tag.id, value, tag.unit, self._quality(machine), self._sequence)
        # Kept by the broker: who subscribes between two signs of life is told at once.
        self._say(tag.address, self._encoder.encode(message), retain=True)

    def _quality(self, machine: Machine | None) -> Quality:
        """Bad where a machine is watched and nothing has been heard of it for long."""
        if machine is None or self._begun_s is None:
            return "good"
        heard_s = machine.monitor.state.unix_s - self._context.clock.origin_unix_s
        silent_s = self._t_s - max(self._begun_s, heard_s)
        return "bad" if silent_s > SILENT_AFTER_S else "good"

    def _say(self, topic: str, payload: bytes, retain: bool = False) -> None:
        if self._session is not None:
            self._session.publish(topic, payload, retain=retain)

    def _connection(self) -> MqttSession:
        config, context = self._config, self._context
        tls = config.tls
        return MqttSession(
            self._connect,
            config.client_id or context.spec.id,
            config.username,
            config.password,
            None if tls is None else client_tls(context.folder, tls),
            self._heard,
            server_hostname=tls.server_name or self._place[0] if tls else None,
            will=Will(f"{self._root}/status", b"offline", retain=True),
            on_state=self._state,
            log=context.log,
        )

    async def _connect(self) -> socket.socket:
        spec = self._context.spec
        return await self._context.network.connect(spec.zone, spec.address, *self._place)
