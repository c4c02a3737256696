"""What of an exercise can be played before anybody asks for a check: its hidden runs."""

from collections.abc import Callable

from lab.exercises.model import Exercise
from lab.probes.contract import Ahead, probes


def hidden_runs(exercise: Exercise) -> list[Callable[[Ahead], object]]:
    """Each plays, and keeps, those that a probe of the exercise needs for a seed; none where no probe does."""
    asked = {check.probe for step in exercise.steps for check in step.checks}
    known = probes()
    found = [known[name].ahead for name in sorted(asked) if name in known]
    return [play for play in found if play is not None]
