"""The production gates: the plant is watched beside the probes, each length of window once; then the operator commands."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from lab.exercises.evidence import Keeper
from lab.exercises.judge import OBEYED, judge_gate
from lab.exercises.model import Check, Exercise
from lab.exercises.observe import Grader, Observer
from lab.exercises.report import GateResult
from lab.probes.contract import Evidence
from simulators.errors import UsineError
from simulators.text import Text

PROBE, COMMAND = "process.window", "operation.command"
# How long a window may take beyond its own length at the lab's speed, before it is given up.
GRACE_S = 45.0


class Windows:
    """Watches from `start` until `results`; each window in a thread, with its own way into the lab."""

    def __init__(self, exercise: Exercise, grader: Grader, keeper: Keeper, now: Callable[[], float]) -> None:
        self._gates = exercise.gates
        self._grader = grader
        self._keeper = keeper
        self._now = now
        self._seen: dict[float, Evidence] = {}
        self._threads: dict[float, threading.Thread] = {}

    @property
    def lengths_s(self) -> list[float]:
        """The distinct lengths, in simulated seconds."""
        return sorted({gate.window_s for gate in self._gates})

    @property
    def total(self) -> int:
        """How many observations: the windows, and the operator's commands."""
        return len(self.lengths_s) + len({tuple(gate.operate) for gate in self._gates if gate.operate})

    def start(self) -> None:
        for length_s in self.lengths_s:
            thread = threading.Thread(target=self._watch, args=(length_s,), daemon=True)
            self._threads[length_s] = thread
            thread.start()

    def results(self, speed: float, done: Callable[[], None] = lambda: None) -> list[GateResult]:
        """Wait, within a bound, have the operator command, and judge; `done` is called for each observation."""
        begun = time.monotonic()
        for length_s, thread in self._threads.items():
            limit_s = length_s / max(speed, 1.0) * 1.5 + GRACE_S
            thread.join(max(0.0, begun + limit_s - time.monotonic()))
            done()
        operated: dict[tuple[str, ...], Evidence] = {}
        for tags in {tuple(gate.operate) for gate in self._gates if gate.operate}:
            # After the windows: what is seen of the plant is not what the operator has just changed.
            check = Check(probe=COMMAND, expect=OBEYED, arguments={"tags": list(tags)})
            operated[tags] = Observer(self._grader, self._keeper, self._now).see(check)
            done()
        return [
            judge_gate(
                gate,
                self._seen.get(gate.window_s) or self._late(gate.window_s),
                operated.get(tuple(gate.operate)),
            )
            for gate in self._gates
        ]

    def _watch(self, length_s: float) -> None:
        check = _check(length_s)
        try:
            with self._grader.labs.attach(self._grader.lab_name) as lab:
                alone = replace(self._grader, lab=lab, said=lambda _text: None)
                self._seen[length_s] = Observer(alone, self._keeper, self._now).see(check)
        except UsineError as error:
            self._seen[length_s] = self._keeper.silence(check, error.text, self._now(), 0.0)

    def _late(self, length_s: float) -> Evidence:
        why = Text(
            fr="La fenêtre de production n'a pas fini à temps.",
            en="The production window did not end in time.",
        )
        return self._keeper.silence(_check(length_s), why, self._now(), 0.0)


def _check(length_s: float) -> Check:
    return Check(probe=PROBE, expect={}, arguments={"window_s": length_s})
