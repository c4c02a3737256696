"""What a check may expect: one outcome, one of several, or figures within bounds. Pure."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping

from lab.exercises.model import Expectation
from lab.probes.contract import Evidence
from lab.probes.words import Figure, figure
from simulators.errors import InputError
from simulators.text import Language, Text

Bound = str | int | float
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_SIGNS = {
    ">=": ("au moins ", "at least "),
    "<=": ("au plus ", "at most "),
    "==": ("", ""),
    ">": ("plus de ", "more than "),
    "<": ("moins de ", "less than "),
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


def shown(evidence: Evidence, wanted: Mapping[str, Bound], names: Iterable[str]) -> Text:
    """`Throughput, of the expected one: 82.1% (at least 95% wanted)`, for a sentence."""
    told = [_shown(figure(evidence.probe, name), evidence.figures[name], wanted[name]) for name in names]
    return Text(fr=" ; ".join(one.fr for one in told), en="; ".join(one.en for one in told))


def _shown(known: Figure, value: float, wanted: Bound) -> Text:
    sign, limit = bound(wanted)
    fr, en = _SIGNS[sign]
    return Text(
        fr=f"{known.name.fr} : {_number(value, known.unit, 'fr')} (il faut {fr}{_number(limit, known.unit, 'fr')})",
        en=f"{known.name.en}: {_number(value, known.unit, 'en')} ({en}{_number(limit, known.unit, 'en')} wanted)",
    )


def _number(value: float, unit: str, language: Language) -> str:
    """As the language writes it, with its unit: `82,1 %`, `82.1%`, `2048 bits`."""
    written = f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    if language == "fr":
        written = written.replace(".", ",")
    return written + (
        "%" if unit == "%" and language == "en" else f"\N{NO-BREAK SPACE}{unit}" if unit else ""
    )
