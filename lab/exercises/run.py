"""Runs the checks of an exercise on a lab: observe, restart, observe again, judge."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec

from lab.addressed import addressing
from lab.catalog import find_line
from lab.exercises import ready
from lab.exercises.evidence import Keeper
from lab.exercises.judge import judge, step_outcome, step_result
from lab.exercises.model import Check, Exercise, Step
from lab.exercises.observe import Grader, Observer
from lab.exercises.parameters import fill, filled, masked
from lab.exercises.report import CheckReport, GateResult, Phase, Progress, StepResult, Verdict
from lab.exercises.windows import Windows
from lab.labs import Labs
from lab.probes.contract import probe
from simulators.errors import UsineError
from simulators.text import Text

RESTART_LIMIT_S = 30.0
BASELINE = "baseline"
STARTING_STATE = Text(fr="État de départ", en="Starting state")
Say = Callable[[Progress], None]


def run_check(
    exercise: Exercise,
    *,
    labs: Labs,
    lab_name: str,
    parameters: Mapping[str, Any],
    rules: str = "",
    seed: int = 0,
    progress: Say = lambda _progress: None,
    now: Callable[[], float] = time.time,
) -> CheckReport:
    """Every step and gate, after what the trainee did and after the restart of `exercise.restart`.

    `parameters` are all the drawn values, hidden ones included; `seed` is that of hidden runs, never shown. Blocks for
    as long as it takes, which is bounded. Does not raise for the lab's own faults: the report is then not conclusive.
    """
    run = _Run(exercise, labs, lab_name, dict(parameters), rules, seed, progress, now)
    return run.guarded(run.check)


def baseline(
    exercise: Exercise,
    *,
    labs: Labs,
    lab_name: str,
    parameters: Mapping[str, Any],
    rules: str = "",
    seed: int = 0,
    progress: Say = lambda _progress: None,
    now: Callable[[], float] = time.time,
) -> CheckReport:
    """What must hold before the trainee acts, as one step `baseline`; not conclusive if it does not: the lab's fault."""
    run = _Run(exercise, labs, lab_name, dict(parameters), rules, seed, progress, now)
    return run.guarded(run.before)


@dataclass
class _Run:
    exercise: Exercise
    labs: Labs
    lab_name: str
    values: dict[str, Any]
    rules: str
    seed: int
    progress: Say
    now: Callable[[], float]
    done: int = 0
    total: int = 0
    doing: Text = field(default_factory=lambda: Text(fr="Préparation", en="Preparing"))
    lab_seed: int = 0
    program: dict[str, str] = field(default_factory=dict)
    begun_s: float = 0.0

    def guarded(self, work: Callable[[Grader], CheckReport]) -> CheckReport:
        """`work` on a lab that can be graded, and could to the end; else a report that says why not."""
        self.begun_s = self.now()
        self._say()
        try:
            status = ready.status(self.labs, self.lab_name)
            with self.labs.attach(self.lab_name) as lab:
                seen = ready.snapshot(lab)
                self.lab_seed = seen.seed
                self.program = _program(self.exercise, status.restarts)
                if trouble := ready.trouble(seen):
                    return self._report(trouble=trouble)
                line = find_line(self.exercise.line)
                line = addressing(line, status).line(line)
                grader = Grader(
                    line,
                    lab,
                    self.lab_name,
                    self.labs,
                    self.rules,
                    self.values,
                    self.seed,
                    self._hear,
                    status.runtime,
                )
                report = work(grader)
            if ready.status(self.labs, self.lab_name).restarts != status.restarts:
                return self._report(
                    trouble=Text(
                        fr="Le labo a redémarré pendant la vérification ; demandez-en une autre.",
                        en="The lab restarted during the check; ask for another one.",
                    )
                )
        except UsineError as error:
            return self._report(trouble=error.text)
        return report

    def before(self, grader: Grader) -> CheckReport:
        """The baseline."""
        observer = self._observer(grader)
        self.total = self._distinct(grader, self.exercise.baseline)
        verdicts = self._verdicts(observer, self.exercise.baseline, "before", STARTING_STATE)
        result = step_result(BASELINE, verdicts) if verdicts else StepResult(BASELINE, "pass", [])
        self._say(result)
        wrong = next((verdict for verdict in verdicts if verdict.outcome != "pass"), None)
        return self._report([result], trouble=_not_as_it_should_be(wrong.why) if wrong else None)

    def check(self, grader: Grader) -> CheckReport:
        """All steps and gates."""
        windows = Windows(self.exercise, grader, self._keeper(), self.now)
        every = [check for step in self.exercise.steps for check in step.checks]
        self.total = windows.total + self._distinct(grader, every) * (2 if self.exercise.restart else 1)
        speed = ready.snapshot(grader.lab).speed
        windows.start()
        verdicts = self._round(self._observer(grader), self.exercise.steps, "after")
        self._now_doing(Text(fr="La production est observée", en="Production is watched"))
        gates = windows.results(speed, self._tick)
        passing = [step for step in self.exercise.steps if step_outcome(verdicts[step.id]) == "pass"]
        again = [check for step in passing for check in step.checks]
        self.total = self.done + (self._distinct(grader, again) if self.exercise.restart else 0)
        if self.exercise.restart and passing:
            self._restart(grader)
            later = self._round(self._observer(grader), passing, "after_restart", last=True)
            verdicts |= {step: verdicts[step] + more for step, more in later.items()}
        results = [step_result(step.id, verdicts[step.id]) for step in self.exercise.steps]
        return self._report(results, gates)

    def _round(
        self, observer: Observer, steps: Sequence[Step], phase: Phase, last: bool = False
    ) -> dict[str, list[Verdict]]:
        """Verdicts by step; a step that is settled (nothing can change its outcome any more) is told."""
        made = {}
        for step in steps:
            made[step.id] = self._verdicts(observer, step.checks, phase, step.name)
            settled = last or not self.exercise.restart or step_outcome(made[step.id]) != "pass"
            self._say(step_result(step.id, made[step.id]) if settled else None)
        return made

    def _verdicts(
        self, observer: Observer, checks: Sequence[Check], phase: Phase, name: Text
    ) -> list[Verdict]:
        return [self._verdict(observer, check, phase, name) for check in checks]

    def _verdict(self, observer: Observer, check: Check, phase: Phase, name: Text) -> Verdict:
        seen = self._see(observer, check, name)
        control = self._see(observer, check.control, name) if check.control else None
        return judge(
            self._concrete(check),
            seen,
            control,
            phase=phase,
            refusals=probe(check.probe).refusals,
            control_refusals=probe(check.control.probe).refusals if check.control else (),
        )

    def _see(self, observer: Observer, check: Check, name: Text) -> Any:
        fresh = observer.key(check) not in observer.seen
        if fresh:
            self._now_doing(Text(fr=f"{name.fr} : {check.probe}", en=f"{name.en}: {check.probe}"))
        evidence = observer.see(check)
        if fresh:
            self._tick()
        return evidence

    def _concrete(self, check: Check) -> Check:
        """`check` with its parameters; what a trainee reads in it shows no hidden one."""
        shown = filled(check, masked(self.exercise, self.values))
        control = self._concrete(check.control) if check.control else None
        return msgspec.structs.replace(shown, expect=fill(check.expect, self.values), control=control)

    def _restart(self, grader: Grader) -> None:
        """What was hardened must stay so. A device that does not come back leaves its checks without an answer."""
        good = ready.count_good(ready.snapshot(grader.lab))
        for device in self.exercise.restart:
            self._now_doing(Text(fr=f"Redémarrage de {device}", en=f"Restarting {device}"))
            ready.restart(grader.lab, device)
        ready.wait_until_well(grader.lab, RESTART_LIMIT_S, good)

    def _keeper(self) -> Keeper:
        return Keeper(self.exercise, self.values)

    def _observer(self, grader: Grader) -> Observer:
        return Observer(grader, self._keeper(), self.now)

    def _distinct(self, grader: Grader, checks: Sequence[Check]) -> int:
        """How many observations these checks and their controls need."""
        every = [*checks, *(check.control for check in checks if check.control)]
        return len({self._observer(grader).key(check) for check in every})

    def _now_doing(self, text: Text) -> None:
        self.doing = text
        self._say()

    def _hear(self, text: Text) -> None:
        """A probe says what it is at."""
        self._now_doing(text)

    def _tick(self) -> None:
        self.done += 1
        self._say()

    def _say(self, result: StepResult | None = None) -> None:
        self.progress(Progress(done=self.done, total=self.total, doing=self.doing, result=result))

    def _report(
        self,
        steps: Sequence[StepResult] = (),
        gates: Sequence[GateResult] = (),
        trouble: Text | None = None,
    ) -> CheckReport:
        trouble = trouble or _nothing_seen(steps, gates)
        return CheckReport(
            exercise=self.exercise.id,
            version=self.exercise.version,
            conclusive=trouble is None,
            steps=list(steps),
            gates=list(gates),
            unix_s=self.now(),
            duration_s=self.now() - self.begun_s,
            lab_seed=self.lab_seed,
            program=self.program,
            trouble=trouble,
        )


def _nothing_seen(steps: Sequence[StepResult], gates: Sequence[GateResult]) -> Text | None:
    """Why steps and gates prove nothing as a whole, None if they do prove something."""
    blind = next((gate for gate in gates if gate.outcome == "inconclusive"), None)
    if blind is not None:
        return blind.why
    if all(step.outcome == "inconclusive" for step in steps):
        why = next((v.why for s in steps for v in s.verdicts if v.outcome == "inconclusive"), None)
        return why or Text(fr="Rien n'a pu être observé.", en="Nothing could be observed.")
    return None


def _not_as_it_should_be(why: Text) -> Text:
    return Text(
        fr=f"Le labo n'est pas dans son état de départ ; remettez-le à zéro. {why.fr}",
        en=f"The lab is not in its starting state; reset it. {why.en}",
    )


def _program(exercise: Exercise, restarts: int) -> dict[str, str]:
    """What made the observations: kept with them."""
    return {
        "usine-ecole": version("usine-ecole"),
        "python": platform.python_version(),
        "exercise": f"{exercise.id} v{exercise.version}",
        "lab_restarts": str(restarts),
    }
