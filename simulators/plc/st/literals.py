"""What a literal of Structured Text is worth."""

import re

from simulators.plc.st.moments import calendar, duration
from simulators.plc.st.runtime import single
from simulators.plc.st.types import ANY_INT, ANY_REAL, DATE, DT, NAMED, TIME, Elementary, Text, Type

Constant = bool | int | float | str
_ESCAPES = {"L": "\n", "N": "\n", "P": "\f", "R": "\r", "T": "\t"}
_ESCAPE = re.compile(r"\$([0-9A-Fa-f]{2}|.)")


class BadLiteralError(ValueError):
    """Words that say what is wrong with a literal, in both languages."""

    def __init__(self, fr: str, en: str) -> None:
        super().__init__(fr, en)
        self.fr, self.en = fr, en


def number(text: str) -> tuple[Type, Constant]:
    """`12`, `1_000`, `16#FF`, `1.5e3` → type and value.

    Raises:
        BadLiteralError: digits that the base does not have, or out of range.
    """
    digits = text.replace("_", "")
    if "#" in digits:
        return ANY_INT, _based(digits)
    if "." in digits or "e" in digits.lower():
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise BadLiteralError(f"{text} dépasse LREAL", f"{text} is beyond LREAL")
        return ANY_REAL, value
    if len(digits) > 20:
        raise BadLiteralError(f"{text} dépasse 64 bits", f"{text} is beyond 64 bits")
    return ANY_INT, _fits64(int(digits), text)


def _based(digits: str) -> int:
    radix, _, body = digits.partition("#")
    try:
        if radix not in ("2", "8", "10", "16") or len(body) > 64:
            raise ValueError
        return _fits64(int(body, int(radix)), digits)
    except ValueError as error:
        if isinstance(error, BadLiteralError):
            raise
        raise BadLiteralError(
            f"{digits} n'est pas un nombre ; écrivez par exemple 2#1010, 8#17 ou 16#FF",
            f"{digits} is not a number; write for example 2#1010, 8#17 or 16#FF",
        ) from None


def _fits64(value: int, text: str) -> int:
    if value >= 1 << 64:
        raise BadLiteralError(f"{text} dépasse 64 bits", f"{text} is beyond 64 bits")
    return value


def string(text: str) -> str:
    """`'it$'s'` → the characters between the quotes, `$` escapes replaced."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code, 16)) if len(code) == 2 else _ESCAPES.get(code.upper(), code)

    return _ESCAPE.sub(replace, text[1:-1])


def typed(text: str) -> tuple[Type, Constant] | None:
    """`INT#5`, `T#1m2s`, `BOOL#1`, `DT#2026-01-31-12:00:00` → type and value; None: not an elementary type.

    Raises:
        BadLiteralError: the value is not one of that type.
    """
    prefix, _, body = text.partition("#")
    of = {"t": TIME, "lt": TIME, "d": DATE}.get(prefix.lower()) or NAMED.get(prefix.lower())
    if of is None:
        return None
    if isinstance(of, Text):
        return of, string(body if body[:1] in "'\"" else f"'{body}'")
    assert isinstance(of, Elementary)
    try:
        return of, _value(of, body)
    except BadLiteralError:
        raise
    except (ValueError, OverflowError):
        raise BadLiteralError(
            f"{text} n'est pas une valeur de {of}", f"{text} is not a value of {of}"
        ) from None


def _value(of: Elementary, body: str) -> Constant:
    if of is TIME:
        return duration(body)
    if of.kind in ("date", "tod", "dt"):
        return calendar(of.kind, body)
    if of.kind == "bool":
        return {"true": True, "1": True, "false": False, "0": False}[body.lower()] if body.lower() in (
            "true", "1", "false", "0") else _refuse()  # fmt: skip
    negative = body.startswith("-")
    _, value = number(body.lstrip("+-"))
    value = -value if negative and not isinstance(value, str) else value
    if of.kind == "real":
        return single(float(value)) if of.bits == 32 else float(value)
    if not isinstance(value, int) or not of.low <= value <= of.high:
        raise ValueError
    return value


def _refuse() -> Constant:
    raise ValueError


__all__ = ["DT", "BadLiteralError", "Constant", "duration", "number", "string", "typed"]
