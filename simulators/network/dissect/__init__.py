"""Decoders of the line's protocols: one file each, from a flow's bytes to rows of events.

A decoder is made for one flow. `feed(from_client, data)` gives the rows of what is whole now; `lost(from_client)`
says that bytes are missing, after which it begins again at the next segment. It never raises, whatever it is
fed, and keeps a bounded number of bytes. The columns have the names that Zeek and its ICS parsers give them.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

from simulators.network.dissect.modbus import ModbusDecoder
from simulators.network.dissect.mqtt import MqttDecoder
from simulators.network.dissect.opcua import OpcuaDecoder
from simulators.network.dissect.row import Row


class Decoder(Protocol):
    """One flow's protocol."""

    LOG: ClassVar[str]

    def feed(self, from_client: bool, data: bytes) -> list[Row]: ...

    def lost(self, from_client: bool) -> None: ...


DECODERS: dict[str, Callable[[], Decoder]] = {
    "modbus": ModbusDecoder,
    "opcua": OpcuaDecoder,
    "mqtt": MqttDecoder,
}
