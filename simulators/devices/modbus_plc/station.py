"""Carries requests out: one PLC's units, identity, counters and listen-only state."""

from simulators.contracts import Plc
from simulators.devices.modbus_plc import identity, pdu
from simulators.devices.modbus_plc.counters import Counters
from simulators.devices.modbus_plc.pdu import Refusal, Request, Touch
from simulators.devices.modbus_plc.tables import Written
from simulators.devices.modbus_plc.units import Unit


class Station:
    """What stands behind every connection."""

    def __init__(self, plc: Plc, units: dict[int, Unit], objects: identity.Objects) -> None:
        self.units = units
        self.counters = Counters()
        self.listen_only = False
        self._plc = plc
        self._objects = objects

    def execute(self, number: int, request: Request) -> bytes | None:
        """The response PDU; None where the specification wants silence.

        Raises:
            Refusal: 02 or 03, nothing was changed.
        """
        unit, function = self.units[number], request.function
        if function == pdu.DIAGNOSTICS:
            return self._diagnostics(request)
        if function == pdu.ENCAPSULATED:
            return identity.answer(self._objects, request.data[0], request.data[1])
        if function == pdu.SERVER_ID:
            return self._server_id()
        if function == pdu.READ_WRITE:
            return _read_write(unit, request)
        if function == pdu.MASK_WRITE:
            return _mask_write(unit, request)
        touch = request.touches[0]
        return _write(unit, request, touch) if touch.write else _read(unit, function, touch)

    def _diagnostics(self, request: Request) -> bytes | None:
        sub, data = request.sub, request.data
        if sub == pdu.LISTEN_ONLY:
            self.listen_only = True
            return None
        if sub == pdu.RESTART:
            silent, self.listen_only = self.listen_only, False
            self.counters.clear()
            if silent:
                return None
        elif sub == pdu.CLEAR:
            self.counters.clear()
        elif sub == pdu.CLEAR_OVERRUN:
            self.counters.overruns = 0
        elif sub in pdu.COUNTERS:
            data = self.counters.of(sub).to_bytes(2, "big")
        return bytes((pdu.DIAGNOSTICS,)) + sub.to_bytes(2, "big") + data

    def _server_id(self) -> bytes:
        running = 0xFF if self._plc.diagnostics().mode == "RUN" else 0x00
        words = b" ".join(self._objects[n] for n in (0, 1, 2) if n in self._objects)
        body = words + bytes((running,))
        return bytes((pdu.SERVER_ID, len(body))) + body


def _read(unit: Unit, function: int, touch: Touch) -> bytes:
    read = unit.read_bits if function in pdu.READ_BITS else unit.read_registers
    data = _there(read(touch.table, touch.start, touch.size))
    return bytes((function, len(data))) + data


def _write(unit: Unit, request: Request, touch: Touch) -> bytes:
    if touch.table == "coil":
        _done(unit.write_bits(touch.start, touch.size, request.data))
    else:
        _done(unit.write_registers(touch.start, request.data))
    head = bytes((request.function,)) + touch.start.to_bytes(2, "big")
    if request.function == 5:
        return head + (b"\xff\x00" if request.data != b"\x00" else b"\x00\x00")
    return head + (request.data if request.function == 6 else touch.size.to_bytes(2, "big"))


def _mask_write(unit: Unit, request: Request) -> bytes:
    touch = request.touches[0]
    present = int.from_bytes(_there(unit.read_registers(touch.table, touch.start, 1)), "big")
    both, either = (int.from_bytes(half, "big") for half in (request.data[:2], request.data[2:]))
    fresh = present & both | either & ~both & 0xFFFF
    _done(unit.write_registers(touch.start, fresh.to_bytes(2, "big")))
    return bytes((pdu.MASK_WRITE,)) + touch.start.to_bytes(2, "big") + request.data


def _read_write(unit: Unit, request: Request) -> bytes:
    write, read = request.touches
    _there(unit.read_registers(read.table, read.start, read.size))
    _done(unit.write_registers(write.start, request.data))
    data = _there(unit.read_registers(read.table, read.start, read.size))
    return bytes((pdu.READ_WRITE, len(data))) + data


def _there(data: bytes | None) -> bytes:
    if data is None:
        raise Refusal(pdu.ILLEGAL_ADDRESS)
    return data


def _done(written: Written) -> None:
    if written is not Written.DONE:
        raise Refusal(written.value)
