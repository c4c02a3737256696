"""The PLC's own state in registers from 30000 on.

| input register | holds |
|---|---|
| 30000 | mode: 0 STOP, 1 RUN, 2 PROGRAM |
| 30001 | fault: 0 none, 1 other, 2 division by zero, 3 index, range or domain, 4 watchdog or endless loop |
| 30002 | line of the program where the fault is, 0 if unknown |
| 30004–30005 | last scan, µs |
| 30006–30007 | longest scan, µs |
| 30008–30009 | scans done |
| 30010–30011 | overruns |
| 30012–30013 | uptime, s |
| 30016–30023 | first 16 bytes of the program's SHA-256 |

32-bit values stand high word first. Holding register 30000 is the mode too, and writing it changes the mode
(ATT&CK for ICS T0858) unless the configuration says `mode_register: read_only`.
"""

import struct

from simulators.contracts import Diagnostics, FaultKind, Mode, Plc
from simulators.devices.modbus_plc.tables import Written

ORIGIN = 30_000
COUNT = 24
MODES: tuple[Mode, ...] = ("STOP", "RUN", "PROGRAM")
_LAYOUT = struct.Struct(">4H5L2H16s")
_CODES: dict[FaultKind, int] = {"other": 1, "division": 2, "range": 3, "watchdog": 4}


def registers(diagnostics: Diagnostics) -> bytes:
    """The `COUNT` input registers from `ORIGIN`."""
    d = diagnostics
    numbers = (d.scan_last_us, d.scan_max_us, d.scan_count, d.overruns, d.uptime_s)
    try:
        digest = bytes.fromhex(d.program_sha256)[:16]
    except ValueError:
        digest = b""
    return _LAYOUT.pack(
        MODES.index(d.mode),
        _CODES[d.cause.kind] if d.cause is not None else 0,
        min(d.cause.line, 0xFFFF) if d.cause is not None else 0,
        0,
        *(int(number) & 0xFFFFFFFF for number in numbers),
        0,
        0,
        digest,
    )


class Status:
    """Those registers of one PLC, read when asked for."""

    def __init__(self, plc: Plc, mode_writable: bool) -> None:
        self._plc = plc
        self._mode_writable = mode_writable

    def read_inputs(self, start: int, count: int) -> bytes | None:
        if not ORIGIN <= start <= start + count <= ORIGIN + COUNT:
            return None
        first = 2 * (start - ORIGIN)
        return registers(self._plc.diagnostics())[first : first + 2 * count]

    def read_mode(self, start: int, count: int) -> bytes | None:
        return self.read_inputs(start, count) if (start, count) == (ORIGIN, 1) else None

    def write_mode(self, start: int, data: bytes) -> Written:
        if (start, len(data)) != (ORIGIN, 2) or not self._mode_writable:
            return Written.NO_ADDRESS
        code = int.from_bytes(data, "big")
        if code >= len(MODES):
            return Written.BAD_VALUE
        self._plc.set_mode(MODES[code])
        return Written.DONE
