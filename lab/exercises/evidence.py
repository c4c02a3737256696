"""Evidence as it is kept and shown: of bounded size, without the values that only the grader may know."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from lab.exercises.judge import SILENT
from lab.exercises.model import Check, Exercise
from lab.exercises.parameters import fill, hide, masked
from lab.probes.contract import Evidence, Exchange, Finding
from simulators.text import Text

EXCHANGES_MAX, FIGURES_MAX, ARGUMENTS_MAX = 24, 64, 24
SENTENCE_MAX, WORDS_MAX = 600, 1_000
_ELLIPSIS = "…"


class Keeper:
    """Makes evidence of findings, for one exercise and one student's values."""

    def __init__(self, exercise: Exercise, values: Mapping[str, Any]) -> None:
        self._exercise = exercise
        self._values = values
        self._masked = masked(exercise, values)

    def keep(self, check: Check, finding: Finding, unix_s: float, duration_s: float) -> Evidence:
        """The finding of the probe of `check` (as the author wrote it)."""
        arguments = fill(check.arguments, self._masked)
        if check.zone is not None:
            arguments = {"zone": check.zone, **arguments}
        finite = {name: value for name, value in finding.figures.items() if math.isfinite(value)}
        return Evidence(
            probe=check.probe,
            arguments={
                str(name): self._plain(value) for name, value in _first(arguments, ARGUMENTS_MAX).items()
            },
            observed=self._words(finding.observed, 64),
            said=Text(
                fr=self._words(finding.said.fr, SENTENCE_MAX), en=self._words(finding.said.en, SENTENCE_MAX)
            ),
            figures=_first(finite, FIGURES_MAX),
            exchanges=[self._exchange(exchange) for exchange in finding.exchanges[:EXCHANGES_MAX]],
            unix_s=unix_s,
            duration_s=duration_s,
        )

    def silence(self, check: Check, why: Text, unix_s: float, duration_s: float) -> Evidence:
        """That nothing could be observed."""
        return self.keep(check, Finding(observed=SILENT, said=why), unix_s, duration_s)

    def _exchange(self, exchange: Exchange) -> Exchange:
        return Exchange(self._words(exchange.request, WORDS_MAX), self._words(exchange.answer, WORDS_MAX))

    def _plain(self, value: Any) -> Any:
        """An argument as it is shown: a scalar, or its JSON, cut."""
        if isinstance(value, bool | int | float) or value is None:
            return value
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return self._words(text, WORDS_MAX)

    def _words(self, text: str, most: int) -> str:
        # Hidden before it is cut: a cut could leave half of a secret.
        text = hide(self._exercise, self._values, text)
        return text if len(text) <= most else text[: most - 1] + _ELLIPSIS


def _first(table: Mapping[str, Any], most: int) -> dict[str, Any]:
    return dict(list(table.items())[:most])
