"""An IoT sensor that publishes telemetry and vibration windows over MQTT."""

from simulators.devices.mqtt_sensor.config import SCHEMA, Config, parse
from simulators.devices.mqtt_sensor.device import MqttSensor
from simulators.devices.mqtt_sensor.window import decode_window

KIND = "mqtt_sensor"
create = MqttSensor

__all__ = ["KIND", "SCHEMA", "Config", "MqttSensor", "create", "decode_window", "parse"]
