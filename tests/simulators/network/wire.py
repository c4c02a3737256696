"""A small Modbus server for scenes, and what tshark makes of a capture."""

import asyncio
import json
import struct
import subprocess
from pathlib import Path
from typing import Any, cast

from simulators.network.modbus import Stream, access


def request(pdu: str, transaction: int = 1, unit: int = 1) -> bytes:
    """A Modbus/TCP request whose function and data are given in hexadecimal."""
    data = bytes.fromhex(pdu)
    return struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data


class Registers(asyncio.Protocol):
    """Holding register n is n; above 99 there is none; what is written is echoed and forgotten."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._stream = Stream()

    def data_received(self, data: bytes) -> None:
        for frame in self._stream.feed(data):
            wanted = access(frame.pdu)
            first, count = wanted.read or wanted.write or (0, 0)
            if first + count > 100:
                answer = bytes((frame.function | 0x80, 2))
            elif wanted.read:
                words = struct.pack(f">{count}H", *range(first, first + count))
                answer = bytes((frame.function, len(words))) + words
            else:
                answer = frame.pdu[:5]
            self._transport.write(
                struct.pack(">HHHB", frame.transaction, 0, len(answer) + 1, frame.unit) + answer
            )


def decoded(pcap: bytes, folder: Path, *fields: str, only: str = "") -> list[dict[str, Any]]:
    """What tshark reads: per frame the fields that it has, as lists of strings."""
    path = folder / "capture.pcap"
    path.write_bytes(pcap)
    command = [
        "tshark",
        "-r",
        str(path),
        "-T",
        "json",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    ]
    command += [part for field in (*fields, "frame.number") for part in ("-e", field)]
    output = subprocess.run([*command, "-Y", only or "frame"], capture_output=True, check=True, timeout=50)
    complaints = [
        line for line in output.stderr.decode().splitlines() if line and "Running as user" not in line
    ]
    assert complaints == []
    return [packet["_source"]["layers"] for packet in json.loads(output.stdout or "[]")]


def warnings(pcap: bytes, folder: Path) -> list[dict[str, Any]]:
    """The frames in which tshark sees a fault: a warning, an error, a bad checksum or a malformed one.

    Resets and the modbus exceptions are what the line did, not faults of the capture.
    """
    faulty = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || _ws.expert.severity >= 0x600000"
    faulty += " || tcp.analysis.flags"
    found = decoded(pcap, folder, "_ws.expert.message", "_ws.col.Info", only=faulty)
    return [frame for frame in found if not _expected(frame)]


def _expected(frame: dict[str, Any]) -> bool:
    messages = frame.get("_ws.expert.message", [])
    return bool(messages) and all("reset (RST)" in m or "Exception" in m for m in messages)
