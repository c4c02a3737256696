"""A broker of each engine, as the broker's own tests start it."""

from tests.simulators.devices.mqtt_broker.conftest import engine, network, start

__all__ = ["engine", "network", "start"]
