"""SCADA: polls the PLCs, listens to the sensors, raises alarms, sends operators' commands, feeds the historian."""

from simulators.devices.scada.config import SCHEMA, Config, parse
from simulators.devices.scada.station import Scada

KIND = "scada"
create = Scada

__all__ = ["KIND", "SCHEMA", "Config", "Scada", "create", "parse"]
