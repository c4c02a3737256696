"""From what an operator types to what a PLC keeps, and back."""

import math

from simulators.errors import InputError
from simulators.model import Tag
from simulators.plc.image import Value

Raw = bool | int | float
# IEC 61131-3 table 10. TIME is kept in nanoseconds.
LIMITS: dict[str, tuple[int, int]] = {
    **{name: (-(1 << bits - 1), (1 << bits - 1) - 1) for name, bits in
       (("SINT", 8), ("INT", 16), ("DINT", 32), ("LINT", 64), ("TIME", 64))},
    **{name: (0, (1 << bits) - 1) for name, bits in
       (("USINT", 8), ("BYTE", 8), ("UINT", 16), ("WORD", 16),
        ("UDINT", 32), ("DWORD", 32), ("ULINT", 64), ("LWORD", 64))},
}  # fmt: skip


def engineering(tag: Tag, raw: Raw) -> Value:
    """Engineering value = raw · gain + offset; bits and unscaled numbers as they are."""
    if tag.type == "BOOL":
        return bool(raw)
    if tag.gain == 1 and tag.offset == 0:
        return raw
    return raw * tag.gain + tag.offset


def raw_of(tag: Tag, value: Raw) -> Raw:
    """What the PLC keeps where the engineering value is `value`: rounded where it keeps whole numbers."""
    if tag.type == "BOOL":
        return bool(value)
    raw = value if tag.gain == 1 and tag.offset == 0 else (value - tag.offset) / tag.gain
    return float(raw) if tag.type in {"REAL", "LREAL"} else round(raw)


def checked(tag: Tag, value: object) -> Raw:
    """`value` (engineering) if an operator may give it to `tag`.

    Raises:
        InputError: the tag is not writable, or the value is not of its type or range; says what is.
    """
    if not tag.writable:
        raise InputError(
            f"{tag.id} ne s'écrit pas ; choisissez une consigne ou une commande",
            f"{tag.id} is not writable; choose a set point or a command",
        )
    if tag.type == "BOOL":
        if not isinstance(value, bool):
            raise _wrong(tag, value, "vrai ou faux", "true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(tag, value, "un nombre", "a number")
    _check_range(tag, value)
    if tag.type in LIMITS:
        _check_whole(tag, value)
    return value


def _check_whole(tag: Tag, value: float) -> None:
    if tag.gain == 1 and value - tag.offset != round(value - tag.offset):
        raise _wrong(tag, value, "un nombre entier", "a whole number")
    low, high = LIMITS[tag.type]
    if not low <= raw_of(tag, value) <= high:
        limits = sorted((low * tag.gain + tag.offset, high * tag.gain + tag.offset))
        raise _wrong(tag, value, *_between(tag, limits[0], limits[1]))


def _check_range(tag: Tag, value: float) -> None:
    if tag.states and f"{value:g}" not in tag.states:
        fr = ", ".join(f"{state} ({text.fr})" for state, text in tag.states.items())
        en = ", ".join(f"{state} ({text.en})" for state, text in tag.states.items())
        raise _wrong(tag, value, f"l'un de : {fr}", f"one of: {en}")
    if tag.range is not None and not tag.range[0] <= value <= tag.range[1]:
        raise _wrong(tag, value, *_between(tag, *tag.range))


def _between(tag: Tag, low: float, high: float) -> tuple[str, str]:
    unit = f" {tag.unit}" if tag.unit else ""
    return f"une valeur de {low:g} à {high:g}{unit}", f"a value from {low:g} to {high:g}{unit}"


def _wrong(tag: Tag, value: object, fr: str, en: str) -> InputError:
    return InputError(f"{tag.id} : {value} refusé ; donnez {fr}", f"{tag.id}: {value} refused; give {en}")
