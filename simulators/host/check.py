"""Whether what a container holds is well: what a device says of itself, and what its own port answers; a line's plant; its ways in."""

import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from simulators.errors import UsineError

NOTE_VARIABLE = "USINE_NOTE"
DEFAULT_NOTE = "/tmp/usine-note.json"  # noqa: S108 -- a container's own
FRESH_S = 15.0
ANSWER_LIMIT_S = 3.0
# Modbus: read device identification (FC 43/14). OPC UA: Hello (OPC 10000-6 §7.1.2.3). MQTT: CONNECT, protocol level 4.
MODBUS = bytes.fromhex("0001 0000 0005 01 2b0e0100")
OPCUA = b"HELF" + struct.pack("<IIIIIIi", 32, 0, 65535, 65535, 0, 0, -1)
MQTT = bytes.fromhex("1012 0004 4d515454 04 02 000a 0006") + b"health"
QUESTIONS = {"modbus_plc": (MODBUS, b""), "opcua_plc": (OPCUA, b"ACK"), "mqtt_broker": (MQTT, b"\x20")}


class _Health(msgspec.Struct):
    state: str


class _Status(msgspec.Struct):
    kind: str
    health: _Health


class _Seen(msgspec.Struct):
    """What of `note.Note` a check asks: it is made every few seconds in each container, and starts in half the time."""

    status: _Status
    address: str
    port: int | None
    unix_s: float


def note_path() -> Path:
    """Where the note is."""
    return Path(os.environ.get(NOTE_VARIABLE, DEFAULT_NOTE))


def check(path: Path | None = None) -> bool:
    """Whether the note is fresh and good, and the device's own port, if it has one, answers in its protocol.

    A device that was told to refuse strangers, or to listen elsewhere, is believed.
    """
    try:
        note = msgspec.json.decode((path or note_path()).read_bytes(), type=_Seen)
    except (OSError, msgspec.MsgspecError):
        return False
    if time.time() - note.unix_s > FRESH_S or note.status.health.state not in {"ok", "degraded"}:
        return False
    question = QUESTIONS.get(note.status.kind)
    return question is None or note.port is None or _answers(note.address, note.port, *question)


def check_line(path: Path, environment: Mapping[str, str]) -> bool:
    """Whether the line of the plan at `path` answers on its control channel, and its clock with it."""
    # Here, for a device's own check is often made.
    from simulators.host.plan import Plan, with_secrets

    try:
        plan = with_secrets(msgspec.json.decode(path.read_bytes(), type=Plan), environment)
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(ANSWER_LIMIT_S)
            asked.connect(plan.control)
            asked.sendall(plan.token.encode() + b'\n{"id":1,"verb":"clock","arguments":{}}\n')
            with asked.makefile("rb") as said:
                answer = msgspec.json.decode(said.readline())
    except (OSError, msgspec.MsgspecError):
        return False
    return isinstance(answer, dict) and "result" in answer


def check_ways(environment: Mapping[str, str]) -> bool:
    """Whether each way in is open; what it leads to has a check of its own."""
    from simulators.host.ways import WAYS_VARIABLE, ways_of

    try:
        for port in ways_of(environment.get(WAYS_VARIABLE, "")):
            socket.create_connection(("127.0.0.1", port), ANSWER_LIMIT_S).close()
    except (OSError, UsineError):
        return False
    return True


def check_socket(path: Path) -> bool:
    """Whether somebody serves the Unix socket."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(ANSWER_LIMIT_S)
        try:
            asked.connect(str(path))
        except OSError:
            return False
    return True


def _answers(address: str, port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection((address, port), ANSWER_LIMIT_S) as asked:
            asked.sendall(question)
            said = asked.recv(64)
    except TimeoutError:
        return False
    except OSError:
        return True
    return not said or said.startswith((answer, b"ERR"))
