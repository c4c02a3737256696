"""What a bearing alarm is worth: lead time, false alarms, chatter and cost, over machines whose truth is known.

An alarm is true if it rises between the onset of damage and the last moment to act; one that already stood at the onset
says nothing of it. There is no point adjustment: each window counts as it was judged when it was heard. Always alarming
and never alarming both score 0 in cost.
"""

from collections.abc import Sequence
from statistics import median

import msgspec

_DAY_H = 24.0


class Rules(msgspec.Struct, frozen=True):
    """Money in thousands of euros. `time_to_act_h` is what a planned replacement needs from the alarm on.

    Somebody is called out by an alarm, and again after `callout_h` if one stands still, or anew. Rises less than
    `event_h` after another are of the same event: longer than the day's round of products, with which an alarm that
    chatters comes and goes.
    """

    time_to_act_h: float = 24.0
    lead_cap_h: float = 168.0
    callout_h: float = 24.0
    event_h: float = 48.0
    failure_cost: float = 10.0
    planned_cost: float = 2.0
    inspection_cost: float = 0.5


class Watched(msgspec.Struct, frozen=True):
    """A machine's truth (hours; None: it stays sound) and its alarm, window by window, until `end_h`."""

    end_h: float
    onset_h: float | None
    failure_h: float | None
    alarm: Sequence[tuple[float, bool]]

    @property
    def sound_h(self) -> float:
        """How long it was in good order."""
        return self.end_h if self.onset_h is None else self.onset_h


class Score(msgspec.Struct, frozen=True):
    """Figures of a whole fleet. `lead_h` is the median over the machines that fail, a missed or late alarm being 0."""

    detected_pct: float
    late_pct: float
    lead_h: float
    false_alarms: int
    false_alarms_per_day: float
    chatter: float
    cost: float
    naive_cost: float
    oracle_cost: float
    cost_score: float


def rises(alarm: Sequence[tuple[float, bool]]) -> list[float]:
    """When the alarm came on."""
    found, before = [], False
    for t_h, on in alarm:
        if on and not before:
            found.append(t_h)
        before = on
    return found


def callouts(alarm: Sequence[tuple[float, bool]], rules: Rules) -> list[float]:
    """When somebody is sent: at an alarm, and no more often than every `callout_h`."""
    sent: list[float] = []
    for t_h, on in alarm:
        if on and (not sent or t_h - sent[-1] >= rules.callout_h):
            sent.append(t_h)
    return sent


def lead_h(machine: Watched, rules: Rules) -> float | None:
    """From the first rise after the onset to the failure; None if there is no rise before it."""
    if machine.onset_h is None or machine.failure_h is None:
        return None
    for t_h in rises(machine.alarm):
        if machine.onset_h <= t_h < machine.failure_h:
            return min(rules.lead_cap_h, machine.failure_h - t_h)
    return None


def false_callouts(machine: Watched, rules: Rules) -> int:
    """Call-outs to a machine in good order."""
    return sum(t_h < machine.sound_h for t_h in callouts(machine.alarm, rules))


def score(machines: Sequence[Watched], rules: Rules = Rules()) -> Score:  # noqa: B008 -- frozen
    """Score the alarms of a fleet. `machines` holds at least one that fails."""
    failing = [machine for machine in machines if machine.failure_h is not None]
    leads = [lead_h(machine, rules) for machine in failing]
    timely = [lead is not None and lead >= rules.time_to_act_h for lead in leads]
    late = sum(lead is not None for lead in leads) - sum(timely)
    false_alarms = sum(false_callouts(machine, rules) for machine in machines)
    days = sum(machine.sound_h for machine in machines) / _DAY_H
    cost = (
        false_alarms * rules.inspection_cost
        + sum(timely) * rules.planned_cost
        + (len(failing) - sum(timely)) * rules.failure_cost
    )
    naive, oracle = naive_cost(machines, rules), len(failing) * rules.planned_cost
    return Score(
        detected_pct=100.0 * sum(timely) / len(failing),
        late_pct=100.0 * late / len(failing),
        lead_h=median(lead if lead is not None and ok else 0.0 for lead, ok in zip(leads, timely, strict=True)),
        false_alarms=false_alarms,
        false_alarms_per_day=false_alarms / days if days else 0.0,
        chatter=chatter(machines, rules),
        cost=cost,
        naive_cost=naive,
        oracle_cost=oracle,
        cost_score=_cost_score(cost, naive, oracle),
    )  # fmt: skip


def _cost_score(cost: float, naive: float, oracle: float) -> float:
    """0 for what costs as much as no monitor, 100 for what costs as little as can be, where a monitor can save anything."""
    if naive <= oracle:
        return 100.0 if cost <= oracle else 0.0
    return 100.0 * min(1.0, max(0.0, (naive - cost) / (naive - oracle)))


def chatter(machines: Sequence[Watched], rules: Rules) -> float:
    """How often the alarm comes on in one event (`Rules.event_h`)."""
    all_rises, events = 0, 0
    for machine in machines:
        last_h = float("-inf")
        for t_h in rises(machine.alarm):
            all_rises += 1
            events += t_h - last_h >= rules.event_h
            last_h = t_h
    return all_rises / events if events else 0.0


def naive_cost(machines: Sequence[Watched], rules: Rules) -> float:
    """The best of what needs no monitor: run to failure, replace by age, inspect every day."""
    failing = [machine for machine in machines if machine.failure_h is not None]
    to_failure = len(failing) * rules.failure_cost
    ages = [0.999 * machine.failure_h for machine in failing if machine.failure_h is not None]
    by_age = min((_age_cost(machines, age_h, rules) for age_h in ages), default=to_failure)
    visits = sum(machine.sound_h for machine in machines) / rules.callout_h
    daily = visits * rules.inspection_cost + len(failing) * rules.planned_cost
    return min(to_failure, by_age, daily)


def _age_cost(machines: Sequence[Watched], age_h: float, rules: Rules) -> float:
    """Of replacing every bearing at `age_h`, which is chosen knowing all the failures: as good as it can be."""
    horizon_h = max(machine.end_h for machine in machines)
    planned = int(horizon_h / age_h) * rules.planned_cost
    return sum(
        rules.failure_cost if machine.failure_h is not None and machine.failure_h <= age_h else planned
        for machine in machines
    )
