"""The MQTT broker: Mosquitto where it is installed, an embedded one elsewhere, of one configuration."""

from typing import Any

from simulators.contracts import Context, Device
from simulators.devices.mqtt_broker.config import Config, check_addresses, check_embedded, parse_config
from simulators.devices.mqtt_broker.mosquitto import Mosquitto, mosquitto_path

KIND = "mqtt_broker"
SCHEMA: dict[str, Any] | None = None


def parse(text: str, name: str) -> Config:
    """A `mosquitto.conf` and the files it names, as one text; empty, the broker is open to all.

    Raises:
        InputError: names file, line and remedy.
    """
    return parse_config(text, name, embedded=mosquitto_path() is None)


def create(context: Context, config: Config) -> Device:
    """The broker; `settings: {engine: embedded}` does without Mosquitto even where it is installed.

    Raises:
        InputError: the configuration asks for another device's address, or for what only Mosquitto does
            where it is not there.
    """
    check_addresses(config, context.spec.address)
    program = None if context.spec.settings.get("engine") == "embedded" else mosquitto_path()
    if program is not None:
        return Mosquitto(context, config, program)
    check_embedded(config)
    from simulators.devices.mqtt_broker.embedded import EmbeddedBroker

    return EmbeddedBroker(context, config)
