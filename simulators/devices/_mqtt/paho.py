"""paho's client, without what it brings along to find a proxy for HTTP: no lab has one, and every sensor would pay 1.3 MiB."""

import sys
from types import ModuleType

_UNUSED = "urllib.request"

_absent = _UNUSED not in sys.modules
if _absent:
    sys.modules[_UNUSED] = ModuleType(_UNUSED)
try:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode
finally:
    # Whoever asks for it later gets the true one.
    if _absent:
        del sys.modules[_UNUSED]

__all__ = [
    "CallbackAPIVersion",
    "Client",
    "ConnectFlags",
    "DisconnectFlags",
    "MQTTErrorCode",
    "MQTTMessage",
    "Properties",
    "ReasonCode",
]
