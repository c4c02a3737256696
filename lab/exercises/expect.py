"""What a check may expect: one outcome, one of several, or figures within bounds. Pure."""

import math
import operator
import re
from collections.abc import Callable, Mapping

from lab.exercises.model import Expectation
from simulators.errors import InputError

Bound = str | int | float
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_BOUND = re.compile(r"(>=|<=|==|>|<)?\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


def outcomes(expect: Expectation) -> list[str]:
    """The outcomes that are expected; none where figures are."""
    if isinstance(expect, dict):
        return []
    return [expect] if isinstance(expect, str) else expect


def bound(wanted: Bound) -> tuple[str, float]:
    """`>=95` as its operator and number; a bare number means equality. Raises: InputError."""
    if isinstance(wanted, int | float):
        return "==", float(wanted)
    found = _BOUND.fullmatch(wanted.strip())
    if found is None:
        raise InputError(
            f'« {wanted} » n\'est pas une borne ; écrivez par exemple ">=95", "<3" ou 0',
            f'\'{wanted}\' is not a bound; write for example ">=95", "<3" or 0',
        )
    return found[1] or "==", float(found[2])


def meets(value: float, wanted: Bound) -> bool:
    """Whether a figure is within its bound. Raises: InputError: it is no bound."""
    sign, limit = bound(wanted)
    return _COMPARE[sign](value, limit)


def unmet(figures: Mapping[str, float], wanted: Mapping[str, Bound]) -> tuple[list[str], list[str]]:
    """Names of the figures that are `(beyond their bound, unknown or not a number)`."""
    unknown = [name for name in wanted if not math.isfinite(figures.get(name, math.nan))]
    beyond = [
        name for name, limit in wanted.items() if name not in unknown and not meets(figures[name], limit)
    ]
    return beyond, unknown


def shown(figures: Mapping[str, float], wanted: Mapping[str, Bound], names: list[str]) -> str:
    """`throughput_pct 82.1 (>=95)`, for a sentence."""
    return ", ".join(f"{name} {figures.get(name, math.nan):.4g} ({wanted[name]})" for name in names)
