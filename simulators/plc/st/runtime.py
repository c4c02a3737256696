"""What compiled programs call while they run; every name in `NAMESPACE` is seen by them, and nothing else is."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from simulators.plc.st.errors import StFaultError
from simulators.plc.st.moments import calendar, duration, midnight_of
from simulators.plc.st.types import DAY_NS, STRING_LIMIT

# Rounding to single precision through a C float: 50 ns inline, where struct and ctypes take twice as long.
FLOAT = memoryview(bytearray(4)).cast("f")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK = 20_000


def single(value: float) -> float:
    """`value` rounded to IEEE 754 single precision; beyond its range, infinite."""
    FLOAT[0] = value
    return FLOAT[0]


class Watchdog:
    """Stops endless loops: a budget of statements a scan, and the processor time they take.

    `cell[0]` counts down in compiled loops; below zero they call `over`, which grants the next part of the
    budget or faults. The budget is what normally ends a loop, so that it ends at the same place every time;
    processor time, which a busy machine does not inflate, is there for what the budget misjudges.
    """

    def __init__(self, budget: int, limit_s: float, cpu_s: Callable[[], float] = time.thread_time) -> None:
        self.cell = [0]
        self.budget, self.limit_s = budget, limit_s
        self._cpu_s = cpu_s
        self._reserve = 0
        self._started_s: float | None = None

    def start(self) -> None:
        """A scan begins."""
        self.cell[0] = min(CHUNK, self.budget)
        self._reserve = self.budget - self.cell[0]
        self._started_s = None

    def over(self) -> None:
        """The part granted is used up. Raises: StFaultError: nothing is left, or too much time went by."""
        now_s = self._cpu_s()
        if self._started_s is None:
            self._started_s = now_s
        missing = -self.cell[0]
        if missing > self._reserve:
            raise StFaultError(
                f"boucle sans fin : plus de {self.budget} instructions dans un cycle ; bornez la boucle",
                f"endless loop: more than {self.budget} statements in one scan; bound the loop",
                "watchdog",
            )
        if now_s - self._started_s > self.limit_s:
            raise StFaultError(
                f"chien de garde : le cycle dépasse {self.limit_s:g} s ; allégez le programme",
                f"watchdog: the scan takes more than {self.limit_s:g} s; make the program lighter",
                "watchdog",
            )
        granted = min(self._reserve, missing + CHUNK)
        self._reserve -= granted
        self.cell[0] += granted


def out_of_range(index: int, low: int, high: int) -> NoReturn:
    """Raises: StFaultError: always."""
    raise StFaultError(
        f"indice {index} hors du tableau [{low}..{high}]",
        f"index {index} is outside the array [{low}..{high}]",
        "range",
    )


def at(index: int, low: int, high: int) -> int:
    """`index` less `low`, checked."""
    if low <= index <= high:
        return index - low
    out_of_range(index, low, high)


def within(value: int, low: int, high: int) -> int:
    """`value` if a subrange holds it."""
    if low <= value <= high:
        return value
    raise StFaultError(
        f"valeur {value} hors de {low}..{high}", f"value {value} is outside {low}..{high}", "range"
    )


def div(a: int, b: int) -> int:
    """Integer division, towards zero as the standard says (Python's goes down)."""
    quotient = a // b
    return quotient + 1 if quotient < 0 and quotient * b != a else quotient


def mod(a: int, b: int) -> int:
    """The remainder, of the dividend's sign; 0 when `b` is 0, as table 29 of the standard says."""
    if b == 0:
        return 0
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


def power(x: float, y: float) -> float:
    """x ** y; a negative number to a fractional power is a fault, not a complex number."""
    return math.pow(x, y)


def real_to_int(value: float, low: int, high: int) -> int:
    """To the nearest integer, halves to the even one (IEC 60559)."""
    result = round(value)
    if low <= result <= high:
        return result
    raise StFaultError(
        f"{value:g} ne tient pas dans {low}..{high}", f"{value:g} does not fit in {low}..{high}", "range"
    )


def trunc(value: float, low: int, high: int) -> int:
    """Towards zero."""
    result = int(value)
    if low <= result <= high:
        return result
    raise StFaultError(
        f"{value:g} ne tient pas dans {low}..{high}", f"{value:g} does not fit in {low}..{high}", "range"
    )


def bcd_to_int(value: int, high: int) -> int:
    """The number whose decimal digits are the hexadecimal ones of `value`."""
    digits = f"{value:X}"
    wrong = digits.strip("0123456789")
    if wrong:
        raise StFaultError(
            f"16#{digits} n'est pas du BCD : chiffre {wrong[0]}", f"16#{digits} is not BCD: digit {wrong[0]}"
        )
    result = int(digits)
    if result <= high:
        return result
    raise StFaultError(f"{result} ne tient pas dans 0..{high}", f"{result} does not fit in 0..{high}")


def int_to_bcd(value: int, digits: int) -> int:
    """`value` in binary coded decimal of at most so many digits."""
    if value < 10**digits:
        return int(str(value), 16)
    raise StFaultError(
        f"{value} ne tient pas dans {digits} chiffres BCD", f"{value} does not fit in {digits} BCD digits"
    )


def shl(value: int, count: int, bits: int) -> int:
    """Shift left within `bits`."""
    return (value << _count(count)) & ((1 << bits) - 1) if count < bits else 0


def shr(value: int, count: int) -> int:
    """Shift right, zeros enter."""
    return value >> _count(count) if count < 64 else 0


def rol(value: int, count: int, bits: int) -> int:
    """Rotate left within `bits`."""
    count = _count(count) % bits
    return ((value << count) | (value >> (bits - count))) & ((1 << bits) - 1)


def ror(value: int, count: int, bits: int) -> int:
    """Rotate right within `bits`."""
    return rol(value, bits - _count(count) % bits, bits)


def _count(count: int) -> int:
    if count < 0:
        raise StFaultError(f"décalage négatif : {count}", f"negative shift: {count}")
    return count


def pick(selector: int, values: tuple[Any, ...]) -> Any:
    """MUX."""
    if 0 <= selector < len(values):
        return values[selector]
    raise StFaultError(f"MUX : pas d'entrée {selector}", f"MUX: there is no input {selector}", "range")


def set_bit(value: int, bit: int, on: bool) -> int:
    """`value` with one bit set or cleared."""
    return value | (1 << bit) if on else value & ~(1 << bit)


def copy_into(target: Any, source: Any) -> None:
    """Copy a composite value, element by element."""
    if target is source:
        return
    if isinstance(target, list):
        for mine, theirs in zip(target, source, strict=True):
            copy_into(mine, theirs)
    else:
        target.set(source)


def gather(cells: list[Any], indices: tuple[int, ...]) -> list[Any]:
    """The values of an array that is at addresses."""
    return [cells[index] for index in indices]


def scatter(cells: list[Any], indices: tuple[int, ...], values: list[Any]) -> None:
    """Give an array that is at addresses its values."""
    for index, value in zip(indices, values, strict=True):
        cells[index] = value


def made(value: Any, fields: tuple[tuple[str, Any], ...]) -> Any:
    """A new structure or block with some of its variables set."""
    for name, initial in fields:
        setattr(value, name, initial)
    return value


# Strings


def left(text: str, count: int) -> str:
    """LEFT."""
    return text[: _length(count)]


def right(text: str, count: int) -> str:
    """RIGHT."""
    return text[-count:] if _length(count) else ""


def mid(text: str, count: int, position: int) -> str:
    """MID: `count` characters from the `position`-th (1 is the first)."""
    start = _position(position) - 1
    return text[start : start + _length(count)]


def concat(*texts: str) -> str:
    """CONCAT."""
    return "".join(texts)[:STRING_LIMIT]


def insert(text: str, other: str, position: int) -> str:
    """INSERT `other` after the `position`-th character."""
    position = _within_text(position, text)
    return (text[:position] + other + text[position:])[:STRING_LIMIT]


def delete(text: str, count: int, position: int) -> str:
    """DELETE `count` characters from the `position`-th."""
    start = _position(position) - 1
    return text[:start] + text[start + _length(count) :]


def replace(text: str, other: str, count: int, position: int) -> str:
    """REPLACE `count` characters from the `position`-th by `other`."""
    start = _position(position) - 1
    return (text[:start] + other + text[start + _length(count) :])[:STRING_LIMIT]


def find(text: str, other: str) -> int:
    """FIND: where `other` starts, from 1; 0 if nowhere."""
    return text.find(other) + 1 if other else 0


def _length(count: int) -> int:
    if count < 0:
        raise StFaultError(f"longueur négative : {count}", f"negative length: {count}")
    return count


def _position(position: int) -> int:
    if position < 1:
        raise StFaultError(f"position {position} dans une chaîne : la première est 1",
                      f"position {position} in a string: the first is 1")  # fmt: skip
    return position


def _within_text(position: int, text: str) -> int:
    if not 0 <= position <= len(text):
        raise StFaultError(f"position {position} hors d'une chaîne de {len(text)} caractères",
                      f"position {position} is outside a string of {len(text)} characters")  # fmt: skip
    return position


# Conversions


def string_to_int(text: str, low: int, high: int) -> int:
    """`'-12'` or `'16#FF'` → integer."""
    body = text.strip().replace("_", "")
    try:
        if len(body) > 70:
            raise ValueError
        radix, hash_sign, digits = body.partition("#")
        value = int(digits, int(radix)) if hash_sign and radix in ("2", "8", "16") else int(body)
    except ValueError:
        raise _not_a(text, "un entier", "an integer") from None
    if low <= value <= high:
        return value
    raise StFaultError(
        f"« {text[:40]} » ne tient pas dans {low}..{high}", f"'{text[:40]}' does not fit in {low}..{high}"
    )


def string_to_real(text: str) -> float:
    """`'1.5e3'` → number."""
    try:
        return float(text.strip())
    except ValueError:
        raise _not_a(text, "un nombre", "a number") from None


def string_to_bool(text: str) -> bool:
    """`'TRUE'`, `'1'`, `'FALSE'`, `'0'`."""
    word = text.strip().upper()
    if word in ("TRUE", "1"):
        return True
    if word in ("FALSE", "0"):
        return False
    raise _not_a(text, "un booléen", "a Boolean")


def _not_a(text: str, fr: str, en: str) -> StFaultError:
    return StFaultError(f"« {text[:40]} » n'est pas {fr}", f"'{text[:40]}' is not {en}")


def real_to_string(value: float) -> str:
    """A REAL, with the digits that single precision has."""
    text = f"{value:.7g}"
    if single(float(text)) != value:
        text = f"{value:.9g}"
    return text if set(text) & set(".en") else text + ".0"


def bits_to_string(value: int) -> str:
    """`16#FF`."""
    return f"16#{value:X}"


def time_to_string(nanoseconds: int) -> str:
    """`T#1m2s500ms`."""
    if nanoseconds == 0:
        return "T#0s"
    sign, rest, parts = "-" if nanoseconds < 0 else "", abs(nanoseconds), []
    for unit, scale in (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
                        ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)):  # fmt: skip
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count}{unit}")
    return "T#" + sign + "".join(parts)


def date_to_string(nanoseconds: int) -> str:
    """`D#2026-01-31`."""
    return "D#" + _date(nanoseconds).strftime("%Y-%m-%d")


def tod_to_string(nanoseconds: int) -> str:
    """`TOD#12:30:00`."""
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000 % 86_400_000_000)
    return "TOD#" + moment.strftime("%H:%M:%S.%f").rstrip("0").rstrip(".")


def dt_to_string(nanoseconds: int) -> str:
    """`DT#2026-01-31-12:30:00`."""
    return "DT#" + _date(nanoseconds).strftime("%Y-%m-%d-%H:%M:%S")


def _date(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def string_to_moment(text: str, kind: str) -> int:
    """`'T#5s'`, `'D#2026-01-31'`, the prefix being optional → nanoseconds; `kind` is time, date, tod or dt."""
    prefix, sign, body = text.strip().partition("#")
    try:
        if sign and prefix.upper() not in _PREFIXES[kind]:
            raise ValueError
        body = body if sign else prefix
        return duration(body) if kind == "time" else calendar(kind, body)
    except (ValueError, OverflowError):
        raise _not_a(text, *_MOMENTS[kind]) from None


_PREFIXES = {"time": ("T", "TIME", "LT", "LTIME"), "date": ("D", "DATE", "LD", "LDATE"), "dt": ("DT", "DATE_AND_TIME", "LDT"),
             "tod": ("TOD", "TIME_OF_DAY", "LTOD")}  # fmt: skip
_MOMENTS = {"time": ("une durée", "a duration"), "date": ("une date", "a date"), "tod": ("une heure", "a time of day"),
            "dt": ("une date avec son heure", "a date and time")}  # fmt: skip


def concat_date(year: int, month: int, day: int) -> int:
    """CONCAT_DATE."""
    try:
        return midnight_of(year, month, day)
    except (ValueError, OverflowError):
        raise StFaultError(
            f"il n'y a pas de {year}-{month}-{day}", f"there is no {year}-{month}-{day}"
        ) from None


def concat_tod(hour: int, minute: int, second: int, millisecond: int) -> int:
    """CONCAT_TOD."""
    if 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= millisecond < 1000:
        return ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + millisecond * 1_000_000
    words = f"{hour}:{minute}:{second}.{millisecond}"
    raise StFaultError(f"il n'y a pas de {words}", f"there is no {words}")


def concat_dt(year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int) -> int:
    """CONCAT_DT."""
    return concat_date(year, month, day) + concat_tod(hour, minute, second, millisecond)


def split_date(nanoseconds: int) -> tuple[None, int, int, int]:
    """SPLIT_DATE, behind the result that it has not."""
    moment = _date(nanoseconds)
    return None, moment.year, moment.month, moment.day


def split_tod(nanoseconds: int) -> tuple[None, int, int, int, int]:
    """SPLIT_TOD."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return None, seconds // 3600, seconds // 60 % 60, seconds % 60, rest // 1_000_000


def split_dt(nanoseconds: int) -> tuple[None, int, int, int, int, int, int, int]:
    """SPLIT_DT."""
    return *split_date(nanoseconds), *split_tod(nanoseconds % DAY_NS)[1:]


def day_of_week(nanoseconds: int) -> int:
    """DAY_OF_WEEK: 0 is Sunday."""
    return _date(nanoseconds).isoweekday() % 7


_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    out_of_range, at, within, div, mod, power, real_to_int, trunc, bcd_to_int, int_to_bcd, shl, shr, rol, ror, pick, set_bit, copy_into, gather, scatter, made,
    left, right, mid, concat, insert, delete, replace, find, string_to_int, string_to_real, string_to_bool,
    real_to_string, bits_to_string, time_to_string, date_to_string, tod_to_string, dt_to_string,
    string_to_moment, concat_date, concat_tod, concat_dt, split_date, split_tod, split_dt, day_of_week,
)  # fmt: skip
_BUILTINS = {"abs": abs, "bool": bool, "float": float, "int": int, "len": len, "max": max, "min": min, "range": range,
             "round": round, "str": str, "__build_class__": __build_class__}  # fmt: skip
_MATH = ("sqrt", "log", "log10", "exp", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "floor", "ceil")
NAMESPACE: dict[str, Any] = {
    **{"rt_" + f.__name__: f for f in _FUNCTIONS},
    **{"m_" + name: getattr(math, name) for name in _MATH},
    "rt_single": single,
    "_f": FLOAT,
    "__builtins__": _BUILTINS,
    "__name__": "st",
}
