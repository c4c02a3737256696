"""From what was observed to a verdict. Pure: no input, no output, no clock.

A refusal proves something only if the service serves somebody at the same time (its control); silence proves nothing.
"""

import re
from collections.abc import Mapping, Sequence

from lab.exercises.expect import outcomes, shown, unmet
from lab.exercises.model import Check, Gate
from lab.exercises.report import GateResult, Outcome, Phase, StepResult, Verdict
from lab.probes.contract import Evidence
from lab.probes.words import figure
from simulators.text import Text

SILENT = "silent"
OBEYED = "obeyed"
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*(?=[\s,;:]|$)")
Judgement = tuple[Outcome, Text]


def judge(
    check: Check,
    evidence: Evidence,
    control: Evidence | None = None,
    *,
    phase: Phase = "after",
    refusals: Sequence[str] = (),
    control_refusals: Sequence[str] = (),
) -> Verdict:
    """The verdict on `check`; `refusals` are the outcomes of its probe that refuse a request."""
    outcome, why = _judged(check, evidence, control, refusals, control_refusals)
    # What an author wrote about an outcome does not say why that outcome proves nothing.
    spoken = evidence.observed if outcome != "inconclusive" or evidence.observed == SILENT else outcome
    why = check.feedback.get(spoken) or check.feedback.get(outcome) or why
    return Verdict(outcome=outcome, why=why, phase=phase, evidence=evidence, control=control)


def _judged(
    check: Check,
    evidence: Evidence,
    control: Evidence | None,
    refusals: Sequence[str],
    control_refusals: Sequence[str],
) -> Judgement:
    outcome, why = _seen(check, evidence)
    refused = evidence.observed in refusals or evidence.observed == SILENT
    if outcome == "inconclusive" or (outcome == "fail" and not refused):
        return outcome, why
    if check.control is not None:
        return _held(check.control, control, control_refusals) or (outcome, why)
    if outcome == "pass" and refused:
        return "inconclusive", Text(
            fr="Le refus est vu, mais rien ne prouve que le service répond à ses clients légitimes.",
            en="The refusal is seen, but nothing proves that the service answers its legitimate clients.",
        )
    return outcome, why


def _seen(check: Check, evidence: Evidence) -> Judgement:
    """Of the evidence alone."""
    said = _sentence(evidence.said)
    if isinstance(check.expect, dict):
        return _figures(check.expect, evidence)
    if evidence.observed in outcomes(check.expect):
        return "pass", said
    if evidence.observed == SILENT:
        return "inconclusive", Text(
            fr=f"Rien n'a répondu : un service arrêté ne prouve rien. {said.fr}",
            en=f"Nothing answered: a service that is stopped proves nothing. {said.en}",
        )
    return "fail", said


def _figures(wanted: Mapping[str, str | int | float], evidence: Evidence) -> Judgement:
    """What is out of bounds is so whatever else could not be measured; the sentence is of the figures judged."""
    beyond, unknown = unmet(evidence.figures, wanted)
    said = _sentence(evidence.said)
    if evidence.observed == SILENT or (unknown and not beyond):
        names = [figure(evidence.probe, name).name for name in unknown]
        return "inconclusive", Text(
            fr=f"Mesure impossible ({', '.join(name.fr for name in names) or '–'}). {said.fr}",
            en=f"Could not be measured ({', '.join(name.en for name in names) or '–'}). {said.en}",
        )
    if not beyond:
        held = shown(evidence, wanted, wanted)
        return "pass", Text(fr=f"{held.fr}.", en=f"{held.en}.")
    bad = shown(evidence, wanted, beyond)
    return "fail", Text(fr=f"Hors limite : {bad.fr}. {said.fr}", en=f"Out of bounds: {bad.en}. {said.en}")


def _sentence(said: Text) -> Text:
    """What a probe says in passing, with a capital and a full stop; a name that is no word (`plc1`) stays as it is."""
    return Text(fr=_capital(said.fr), en=_capital(said.en))


def _capital(said: str) -> str:
    begun = said[:1].upper() + said[1:] if _WORD.match(said) else said
    return begun if begun.endswith((".", "!", "?", "…")) or not begun else f"{begun}."


def _held(check: Check, evidence: Evidence | None, refusals: Sequence[str]) -> Judgement | None:
    """None if the control holds, else why the check proves nothing."""
    if evidence is None:
        return "inconclusive", Text(fr="Le témoin n'a pas été observé.", en="The control was not observed.")
    outcome, why = _judged(check, evidence, None, refusals, ())
    if outcome == "pass":
        return None
    return "inconclusive", Text(
        fr=f"Le témoin ne tient pas : le client légitime n'est pas servi. {why.fr}",
        en=f"The control does not hold: the legitimate client is not served. {why.en}",
    )


def step_outcome(verdicts: Sequence[Verdict]) -> Outcome:
    """Fails when one fails; else inconclusive when one is, or when there is none."""
    seen = {verdict.outcome for verdict in verdicts}
    if "fail" in seen:
        return "fail"
    return "pass" if seen == {"pass"} else "inconclusive"


def step_result(step: str, verdicts: Sequence[Verdict]) -> StepResult:
    """A step's result from the verdicts of all its checks, in every phase."""
    return StepResult(step=step, outcome=step_outcome(verdicts), verdicts=list(verdicts))


def judge_gate(gate: Gate, evidence: Evidence, operated: Evidence | None = None) -> GateResult:
    """Whether the plant went on producing, and obeyed its operator; else, or if it could not be measured, `gate.cap` is left.

    `operated` is what came of the operator's commands where the gate has some.
    """
    outcome, why = _figures(gate.require, evidence)
    figures = {name: evidence.figures[name] for name in gate.require if name in evidence.figures}
    if gate.operate:
        commanded, trouble = _commanded(operated)
        figures |= {} if operated is None else operated.figures
        if outcome == "pass":
            outcome, why = commanded, trouble or why
    return GateResult(
        gate=gate.id, outcome=outcome, figures=figures, cap=100.0 if outcome == "pass" else gate.cap, why=why
    )


def _commanded(operated: Evidence | None) -> tuple[Outcome, Text | None]:
    """Whether the operator was obeyed, and if not, why."""
    if operated is None:
        return "inconclusive", Text(
            fr="Aucune commande d'opérateur n'a été essayée.", en="No operator's command was tried."
        )
    if operated.observed == OBEYED:
        return "pass", None
    return "inconclusive" if operated.observed == SILENT else "fail", operated.said
