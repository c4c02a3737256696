"""What a trainee's detection rules are worth: on hidden runs, and on an attack in their own lab.

What finds it out is imported when it is asked for: every other probe is spared the weight of pySigma.
"""

from typing import Annotated

import msgspec

from lab.detection.figures import ATTACKS, FIGURES
from lab.probes.contract import Ahead, Finding, Inside, Probe


class Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`budget_per_h`: false alarms that cost nothing (2 for technicians, 1 engineers, 0.5 specialists)."""

    budget_per_h: Annotated[float, msgspec.Meta(gt=0, le=10)] = 2.0


class Live(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of `attacks`, drawn with its source, is run in the trainee's own lab; it must be found within `within_s`."""

    attacks: Annotated[list[str], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(ATTACKS)
    )
    within_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0


def run(inside: Inside, arguments: Hidden) -> Finding:
    """The rules on hidden runs of a fresh seed."""
    from lab.detection.findings import hidden

    return hidden(inside, arguments.budget_per_h)


def ahead(wanted: Ahead) -> None:
    """Play the hidden runs of a seed. Raises: UsineError."""
    from lab.detection.findings import ahead as play

    play(wanted)


def live(inside: Inside, arguments: Live) -> Finding:
    """The rules on an attack in the trainee's own lab, and on the minute before it."""
    from lab.detection.findings import live as found

    return found(inside, arguments.attacks, arguments.within_s)


PROBES = (
    Probe(
        name="detection.run",
        arguments=Hidden,
        outcomes=("graded", "no_rules", "refused"),
        look=run,
        place="inside",
        figures=FIGURES,
        limit_s=300.0,
        ahead=ahead,
    ),
    Probe(
        name="detection.live",
        arguments=Live,
        outcomes=("detected", "missed", "noise", "no_rules", "refused"),
        look=live,
        place="inside",
        figures=("delay_s", "alarm_share_pct"),
        limit_s=180.0,
    ),
)
