"""Which protocol the port of a device speaks."""

from typing import Literal

SERVICES: dict[str, Literal["modbus", "opcua", "mqtt"]] = {
    "modbus_plc": "modbus",
    "opcua_plc": "opcua",
    "mqtt_broker": "mqtt",
}
