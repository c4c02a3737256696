"""A condition monitor: hears the sensors' vibration windows over MQTT, and says when a bearing wears."""

from simulators.devices.condition_monitor.config import SCHEMA, Config, parse
from simulators.devices.condition_monitor.device import ConditionMonitor

KIND = "condition_monitor"
create = ConditionMonitor

__all__ = ["KIND", "SCHEMA", "ConditionMonitor", "Config", "create", "parse"]
