"""Which devices SCADA talks to, with what access: from the line and the configuration."""

from collections.abc import Awaitable, Callable, Iterable
from socket import socket

from simulators.contracts import Context
from simulators.devices.scada.board import Board
from simulators.devices.scada.config import Config, ModbusAccess, MqttAccess, OpcuaAccess
from simulators.devices.scada.credentials import tls_context
from simulators.devices.scada.modbus import ModbusSource
from simulators.devices.scada.mqtt import MqttSource
from simulators.devices.scada.opcua import OpcuaSource
from simulators.devices.scada.source import Link, Source
from simulators.document import PlaceError
from simulators.model import Device, Line

MODBUS, OPCUA, BROKER, SENSOR = "modbus_plc", "opcua_plc", "mqtt_broker", "mqtt_sensor"
MONITOR = "condition_monitor"
PORTS = {MODBUS: 502, OPCUA: 4840, BROKER: 1883}
STALE_PERIODS = 3
# A condition monitor speaks with each window, and gives a sign of life in between (at most every 20 s).
MONITOR_PERIOD_S = 10.0


def sources_of(context: Context, config: Config, board: Board) -> list[Source]:
    """One source per PLC and broker of the line.

    Raises:
        PlaceError: the configuration names a device or a file that is not there.
    """
    line = context.line
    _check("modbus", config.modbus.devices, line.devices_of(MODBUS))
    _check("opcua", config.opcua.devices, line.devices_of(OPCUA))
    _check("mqtt", config.mqtt.devices, line.devices_of(BROKER))
    return [
        *(_modbus(context, config, board, device) for device in line.devices_of(MODBUS)),
        *(_opcua(context, config, board, device) for device in line.devices_of(OPCUA)),
        *(_mqtt(context, config, board, device) for device in line.devices_of(BROKER)[:1]),
    ]


def stale_after_s(line: Line, config: Config) -> dict[str, float]:
    """Tag → seconds without news after which it is stale."""
    periods = {
        MODBUS: config.modbus.period_s,
        OPCUA: config.opcua.period_s,
        SENSOR: config.mqtt.period_s,
        MONITOR: max(MONITOR_PERIOD_S, config.mqtt.period_s),
    }
    kinds = {device.id: device.kind for device in line.devices}
    return {tag.id: STALE_PERIODS * periods.get(kinds[tag.device], 1.0) for tag in line.tags}


def _modbus(context: Context, config: Config, board: Board, device: Device) -> ModbusSource:
    access = config.modbus.devices.get(device.id, ModbusAccess())
    return ModbusSource(
        Link(device.id, context.log),
        context.line.tags_of(device.id),
        _connect(context, device, access.port),
        board,
        context.clock,
        period_s=config.modbus.period_s,
        unit=access.unit,
        timeout_s=access.timeout_s,
        at_once=access.requests_at_once,
        tls=tls_context(context.folder, access.tls, ("modbus", "devices", device.id, "tls"))
        if access.tls
        else None,
        server_name=access.tls.server_name if access.tls else None,
    )


def _opcua(context: Context, config: Config, board: Board, device: Device) -> OpcuaSource:
    access = config.opcua.devices.get(device.id, OpcuaAccess())
    return OpcuaSource(
        Link(device.id, context.log),
        context.line.tags_of(device.id),
        _connect(context, device, access.port),
        board,
        context.clock,
        period_s=config.opcua.period_s,
        address=device.address,
        port=access.port or device.port or PORTS[OPCUA],
        folder=context.folder,
        access=access,
    )


def _mqtt(context: Context, config: Config, board: Board, device: Device) -> MqttSource:
    access = config.mqtt.devices.get(device.id, MqttAccess())
    sensors = {sensor.id for sensor in context.line.devices_of(SENSOR, MONITOR)}
    return MqttSource(
        Link(device.id, context.log),
        [tag for tag in context.line.tags if tag.device in sensors],
        _connect(context, device, access.port),
        board,
        context.clock,
        client_id=access.client_id or context.spec.id,
        user=access.user,
        password=access.password,
        tls=tls_context(context.folder, access.tls, ("mqtt", "devices", device.id, "tls"))
        if access.tls
        else None,
        server_name=access.tls.server_name if access.tls else None,
    )


def _connect(context: Context, device: Device, port: int | None) -> Callable[[], Awaitable[socket]]:
    spec, target = context.spec, port or device.port or PORTS[device.kind]
    return lambda: context.network.connect(spec.zone, spec.address, device.address, target)


def _check(section: str, named: Iterable[str], devices: list[Device]) -> None:
    known = [device.id for device in devices]
    for name in named:
        if name not in known:
            choices = ", ".join(known) or "–"
            raise PlaceError(
                (section, "devices", name),
                f"{name} n'est pas de ce protocole ; choisissez parmi : {choices}",
                f"{name} does not speak it; choose one of: {choices}",
            )
