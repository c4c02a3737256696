"""Evidence in a size that can be kept for every check of a class."""

import msgspec

from lab.exercises.report import CheckReport, StepResult, Verdict
from lab.probes.contract import Evidence

REPORT_MAX_BYTES = 256 * 1024
# The engine bounds each observation; a report has many. Fewer exchanges of each are kept until it fits.
EXCHANGES_KEPT = (24, 8, 2, 0)


def bounded(report: CheckReport) -> CheckReport:
    """`report` with as many exchanges of each observation as fit."""
    for most in EXCHANGES_KEPT:
        cut = _cut(report, most)
        if len(msgspec.json.encode(cut)) <= REPORT_MAX_BYTES:
            break
    return cut


def _cut(report: CheckReport, most: int) -> CheckReport:
    steps = [
        StepResult(step.step, step.outcome, [_verdict(verdict, most) for verdict in step.verdicts])
        for step in report.steps
    ]
    return msgspec.structs.replace(report, steps=steps)


def _verdict(verdict: Verdict, most: int) -> Verdict:
    control = None if verdict.control is None else _evidence(verdict.control, most)
    return msgspec.structs.replace(verdict, evidence=_evidence(verdict.evidence, most), control=control)


def _evidence(evidence: Evidence, most: int) -> Evidence:
    return msgspec.structs.replace(evidence, exchanges=evidence.exchanges[:most])
