"""Read device identification (function 43/14), of this device alone."""

import unicodedata

from simulators.devices.modbus_plc.config import Identity
from simulators.devices.modbus_plc.pdu import ENCAPSULATED, ILLEGAL_ADDRESS, PDU_MAX, Refusal
from simulators.model import Device

_LAST = {1: 0x02, 2: 0x06, 3: 0x06}  # basic, regular, extended (of which there are no objects here)
_ONE = 4
_CONFORMITY = 0x82  # regular identification, by stream and one by one
_HEAD = 7

Objects = dict[int, bytes]


def objects(identity: Identity, device: Device, line_id: str) -> Objects:
    """Object number → ASCII, empty objects left out."""
    words = (
        identity.vendor_name,
        identity.product_code,
        identity.revision,
        identity.vendor_url,
        identity.product_name if identity.product_name is not None else device.name.en,
        identity.model_name,
        identity.application if identity.application is not None else f"{line_id}/{device.id}",
    )
    return {number: ascii_of(text) for number, text in enumerate(words) if text or number <= 2}


def ascii_of(text: str) -> bytes:
    """At most 64 ASCII bytes; accents are dropped."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore")[:64]


def answer(known: Objects, read_code: int, first: int) -> bytes:
    """The response PDU; says where to go on when not all fits.

    Raises:
        Refusal: 02, the one object asked for does not exist.
    """
    if read_code == _ONE:
        if first not in known:
            raise Refusal(ILLEGAL_ADDRESS)
        return _pdu(read_code, 0, 0, [(first, known[first])])
    numbers = [number for number in sorted(known) if number <= _LAST[read_code]]
    if first in numbers:  # an unknown object restarts at the beginning (specification, 6.21)
        numbers = numbers[numbers.index(first) :]
    room = PDU_MAX - _HEAD
    fitting: list[tuple[int, bytes]] = []
    for number in numbers:
        room -= 2 + len(known[number])
        if room < 0:
            return _pdu(read_code, 0xFF, number, fitting)
        fitting.append((number, known[number]))
    return _pdu(read_code, 0, 0, fitting)


def _pdu(read_code: int, more: int, following: int, found: list[tuple[int, bytes]]) -> bytes:
    head = bytes((ENCAPSULATED, 14, read_code, _CONFORMITY, more, following, len(found)))
    return head + b"".join(bytes((number, len(text))) + text for number, text in found)
