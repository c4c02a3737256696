"""A PLC that serves its process image over Modbus TCP, and Modbus/TCP Security where configured.

Requests are decoded and answered by this package alone, not by pymodbus' server: of that one the transport, the
framer, the decoder and the identity each have a fault that a lab meets (pipelined requests, unknown units and
functions, listen only, one identity per process), and none bounds the work of one client in a turn of the loop.
"""

from simulators.devices.modbus_plc.config import SCHEMA, Config, parse
from simulators.devices.modbus_plc.device import ModbusPlc, create

KIND = "modbus_plc"

__all__ = ["KIND", "SCHEMA", "Config", "ModbusPlc", "create", "parse"]
