"""What training asks of the exercises' engine, so that tests can give it another one."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from msgspec.structs import replace

from lab.catalog import find_line
from lab.exercises import catalog, setup
from lab.exercises.model import Exercise
from lab.exercises.parameters import drawn
from lab.exercises.report import CheckReport, Progress
from lab.exercises.run import baseline, run_check
from lab.labs import Connection, Labs
from simulators.clock import SPEED_MAX
from simulators.text import Text

LOOK_S = 0.2
# Twice the longest warm-up there may be, at a tenth of the highest speed.
LOOKS_MAX = round(2 * 7200 / (SPEED_MAX / 10) / LOOK_S)


class Engine(Protocol):
    """The exercises there are, and how one is set up and checked on a lab."""

    def exercises(self) -> list[Exercise]: ...

    def exercise(self, exercise_id: str) -> Exercise:
        """Raises: NotFoundError."""
        ...

    def unavailable(self, exercise: Exercise) -> Text | None:
        """Why this machine cannot carry it, None if it can."""
        ...

    def parameters(self, exercise: Exercise, secret: str, student: str) -> dict[str, Any]:
        """Drawn for the student: the same at every call. Hidden ones too."""
        ...

    def configurations(self, exercise: Exercise, parameters: dict[str, Any]) -> dict[str, str]:
        """The text that `setup` gives each device it names."""
        ...

    def set_up(
        self,
        exercise: Exercise,
        lab: Connection,
        parameters: dict[str, Any],
        progress: Callable[[dict[str, Any]], None],
    ) -> None:
        """Bring a lab that was just started to where the trainee begins, but for its warm-up. Raises: UsineError."""
        ...

    def warm_up(self, exercise: Exercise, lab: Connection) -> None:
        """Let the setup's warm-up pass, faster than the wall; at once if it is over. Raises: UsineError."""
        ...

    def baseline(self, exercise: Exercise, labs: Labs, lab: str, parameters: dict[str, Any]) -> CheckReport:
        """Whether the lab is as it must be before the trainee acts. Raises: UsineError."""
        ...

    def check_rules(self, text: str) -> None:
        """Raises: InputError: these are no rules; names line and remedy."""
        ...

    def check(
        self,
        exercise: Exercise,
        labs: Labs,
        lab: str,
        parameters: dict[str, Any],
        rules: str,
        seed: int,
        progress: Callable[[Progress], None],
    ) -> CheckReport:
        """All checks, once. Raises: UsineError."""
        ...


class ExerciseEngine:
    """The engine of `lab.exercises`, on the exercises of `scenarios`."""

    def exercises(self) -> list[Exercise]:
        return catalog.exercises()

    def exercise(self, exercise_id: str) -> Exercise:
        return catalog.exercise(exercise_id)

    def unavailable(self, exercise: Exercise) -> Text | None:
        return catalog.unavailable(exercise)

    def parameters(self, exercise: Exercise, secret: str, student: str) -> dict[str, Any]:
        return dict(drawn(exercise, find_line(exercise.line), secret=secret.encode(), student=student))

    def configurations(self, exercise: Exercise, parameters: dict[str, Any]) -> dict[str, str]:
        named = exercise.setup.configurations
        texts = {device: setup.starting_configuration(exercise, device, parameters) for device in named}
        return {device: text for device, text in texts.items() if text is not None}

    def set_up(
        self,
        exercise: Exercise,
        lab: Connection,
        parameters: dict[str, Any],
        progress: Callable[[dict[str, Any]], None],
    ) -> None:
        cold = replace(exercise, setup=replace(exercise.setup, warm_up_s=0.0))
        setup.apply(cold, lab, parameters, progress=progress)

    def warm_up(self, exercise: Exercise, lab: Connection) -> None:
        wanted_s = exercise.setup.warm_up_s
        try:
            for _ in range(LOOKS_MAX):
                now = lab.request("clock")
                # A busy machine runs behind its clock.
                if now["t_s"] - now["late_s"] * now["speed"] >= wanted_s:
                    return
                if now["speed"] != SPEED_MAX:
                    lab.request("speed", speed=SPEED_MAX)
                time.sleep(LOOK_S)
        finally:
            lab.request("speed", speed=exercise.setup.speed)

    def baseline(self, exercise: Exercise, labs: Labs, lab: str, parameters: dict[str, Any]) -> CheckReport:
        return baseline(exercise, labs=labs, lab_name=lab, parameters=parameters)

    def check_rules(self, text: str) -> None:
        # Slow to import, and most exercises have no rules.
        from lab.detection.rules import check_rules

        if text.strip():
            check_rules(text)

    def check(
        self,
        exercise: Exercise,
        labs: Labs,
        lab: str,
        parameters: dict[str, Any],
        rules: str,
        seed: int,
        progress: Callable[[Progress], None],
    ) -> CheckReport:
        return run_check(
            exercise,
            labs=labs,
            lab_name=lab,
            parameters=parameters,
            rules=rules,
            seed=seed,
            progress=progress,
        )
