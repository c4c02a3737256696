"""Modbus/TCP requests and answers as `modbus_detailed` rows."""

from typing import ClassVar

from simulators.network.cutter import Garbage
from simulators.network.dissect.row import Row
from simulators.network.modbus import NAMES, Access, Frame, Stream, access, bits, values

PENDING_MAX = 256  # requests without an answer


class ModbusDecoder:
    """Addresses of an answer are those of its request. `values` are the words or bits, comma-separated."""

    LOG: ClassVar[str] = "modbus_detailed"

    def __init__(self) -> None:
        self._streams = {True: Stream(), False: Stream()}
        self._pending: dict[int, Frame] = {}

    def feed(self, from_client: bool, data: bytes) -> list[Row]:
        try:
            frames = self._streams[from_client].feed(data)
        except Garbage as garbage:
            self.lost(from_client)
            frames = list(garbage.before)
        return [self._request(frame) if from_client else self._answer(frame) for frame in frames]

    def lost(self, from_client: bool) -> None:
        self._streams[from_client].forget()

    def _request(self, frame: Frame) -> Row:
        self._pending.pop(frame.transaction, None)
        self._pending[frame.transaction] = frame
        if len(self._pending) > PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        row = _row(frame, "REQUEST", frame.function)
        _place(row, access(frame.pdu))
        _put_values(row, _written(frame.pdu))
        return row

    def _answer(self, frame: Frame) -> Row:
        request = self._pending.pop(frame.transaction, None)
        row = _row(frame, "RESPONSE", frame.function & 0x7F)
        asked = access(request.pdu) if request else Access(None, None)
        _place(row, asked)
        if frame.function & 0x80:
            row["exception_code"] = frame.pdu[1] if len(frame.pdu) > 1 else None
        else:
            count = asked.read[1] if asked.read else 0
            _put_values(row, _read_back(frame.pdu, count))
        return row


def _row(frame: Frame, direction: str, function: int) -> Row:
    name = NAMES.get(function, f"unknown-{function}")
    return {
        "tid": frame.transaction,
        "unit": frame.unit,
        "func": name,
        "function_code": function,
        "request_response": direction,
    }


def _place(row: Row, asked: Access) -> None:
    # A request that reads and writes (function 23) is placed by what it changes.
    place = asked.write or asked.read
    if place is not None:
        row["address"], row["quantity"] = place


def _written(pdu: bytes) -> list[int]:
    function = pdu[0]
    if function == 5:
        return [int(pdu[3:4] == b"\xff")] if len(pdu) >= 5 else []
    if function == 6:
        return values(pdu, 3)[:1]
    if function == 15:
        return bits(pdu, 6, int.from_bytes(pdu[3:5], "big"))
    if function == 16:
        return values(pdu, 6)
    if function == 22:
        return values(pdu, 3)
    return values(pdu, 10) if function == 23 else []


def _read_back(pdu: bytes, count: int) -> list[int]:
    function = pdu[0]
    if function in {1, 2}:
        return bits(pdu, 2, count or 2000)
    return values(pdu, 2) if function in {3, 4, 23} else []


def _put_values(row: Row, found: list[int]) -> None:
    if found:
        row["values"] = ",".join(map(str, found))
        row["value"] = found[0]
