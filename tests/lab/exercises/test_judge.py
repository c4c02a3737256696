import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.exercises.expect import bound, meets, outcomes
from lab.exercises.judge import judge, judge_gate, step_outcome
from lab.exercises.model import Check, Expectation, Gate
from lab.exercises.report import Outcome, Verdict
from lab.probes.contract import Evidence
from simulators.errors import InputError
from simulators.text import Text

WORDS = ("accepted", "rejected", "closed", "silent")
REFUSALS = ("rejected", "closed")

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def text(words: str) -> Text:
    return Text(fr=words, en=words)


def saw(observed: str, **figures: float) -> Evidence:
    return Evidence(
        probe="p.q", arguments={}, observed=observed, said=text(f"saw {observed}"), figures=figures
    )


def check(expect: Expectation, control: str | None = None, **feedback: str) -> Check:
    inner = Check(probe="p.q", expect=control) if control else None
    return Check(
        probe="p.q", expect=expect, control=inner, feedback={k: text(v) for k, v in feedback.items()}
    )


def verdict(of: Check, evidence: Evidence, control: Evidence | None = None) -> Verdict:
    return judge(of, evidence, control, refusals=REFUSALS, control_refusals=REFUSALS)


@pytest.mark.parametrize(
    ("expect", "observed", "control", "outcome"),
    [
        ("accepted", "accepted", None, "pass"),
        ("accepted", "rejected", None, "fail"),
        ("accepted", "silent", None, "inconclusive"),
        ("rejected", "rejected", None, "inconclusive"),
        ("rejected", "rejected", "accepted", "pass"),
        ("rejected", "rejected", "rejected", "inconclusive"),
        ("rejected", "rejected", "silent", "inconclusive"),
        ("rejected", "accepted", "accepted", "fail"),
        # Weakness is proven whatever else works.
        ("rejected", "accepted", "silent", "fail"),
        # A closed port is no refusal of the protocol; and with a dead service it says nothing at all.
        ("rejected", "closed", "accepted", "fail"),
        ("rejected", "closed", "closed", "inconclusive"),
        (["rejected", "closed"], "closed", "accepted", "pass"),
        ("rejected", "silent", "accepted", "inconclusive"),
        ("silent", "silent", "accepted", "pass"),
        ("silent", "silent", "silent", "inconclusive"),
        ("silent", "silent", None, "inconclusive"),
    ],
)
def test_verdicts(expect: Expectation, observed: str, control: str | None, outcome: Outcome) -> None:
    seen = verdict(
        check(expect, "accepted" if control else None), saw(observed), saw(control) if control else None
    )
    assert seen.outcome == outcome
    assert seen.why.en
    assert seen.why.fr


def test_a_control_that_was_not_observed_proves_nothing() -> None:
    assert verdict(check("rejected", "accepted"), saw("rejected"), None).outcome == "inconclusive"


@UNHURRIED
@given(
    expect=st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=1),
    observed=st.sampled_from(WORDS),
    control=st.none() | st.sampled_from(WORDS),
    controlled=st.booleans(),
)
def test_no_refusal_passes_without_a_control_that_holds(
    expect: Expectation, observed: str, control: str | None, controlled: bool
) -> None:
    of = check(expect, "accepted" if controlled else None)
    seen = verdict(of, saw(observed), saw(control) if control else None)
    if seen.outcome == "pass":
        assert observed in outcomes(expect)
        if observed in (*REFUSALS, "silent"):
            assert controlled
            assert control == "accepted"
    if observed == "silent" and "silent" not in outcomes(expect):
        assert seen.outcome == "inconclusive"
    if observed == "accepted" and "accepted" not in outcomes(expect):
        assert seen.outcome == "fail"


@UNHURRIED
@given(
    value=st.floats(allow_nan=False, allow_infinity=False, width=32),
    limit=st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3)),
)
def test_figures_compare_as_they_are_written(value: float, limit: float) -> None:
    assert meets(value, f">={limit}") == (value >= limit)
    assert meets(value, f"< {limit}") == (value < limit)
    assert meets(value, f"<={limit}") != meets(value, f">{limit}")
    assert meets(value, limit) == meets(value, f"=={limit}") == (value == limit)


@pytest.mark.parametrize("wanted", ["about 3", "=> 3", "", ">", ">=3 <5", "3%"])
def test_what_is_no_bound_is_refused(wanted: str) -> None:
    with pytest.raises(InputError, match="write for example"):
        bound(wanted)


def test_figures_are_judged() -> None:
    wanted = check({"score": ">=60", "false_alarms": 0})
    assert verdict(wanted, saw("scored", score=61, false_alarms=0)).outcome == "pass"
    failed = verdict(wanted, saw("scored", score=59, false_alarms=0))
    assert failed.outcome == "fail"
    assert failed.why.en == "Out of bounds: Overall score: 59 (at least 60 wanted). Saw scored."
    assert failed.why.fr == "Hors limite : Note d'ensemble : 59 (il faut au moins 60). Saw scored."
    assert verdict(wanted, saw("scored", score=61)).outcome == "inconclusive"
    assert verdict(wanted, saw("scored", score=math.nan, false_alarms=0)).outcome == "inconclusive"
    assert verdict(wanted, saw("silent", score=61, false_alarms=0)).outcome == "inconclusive"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("no way in is advertised", "No way in is advertised."),
        ("l'automate ferme la connexion", "L'automate ferme la connexion."),
        ("échec", "Échec."),
        ("It is so already.", "It is so already."),
        ("plc1 refuses scada", "plc1 refuses scada."),
        ("security.tls is off", "security.tls is off."),
        ("throughput_pct is low", "throughput_pct is low."),
        ("42 good bottles", "42 good bottles."),
        ("", ""),
    ],
)
def test_what_a_probe_says_becomes_a_sentence_and_ids_stay_as_they_are(said: str, sentence: str) -> None:
    evidence = Evidence(probe="p.q", arguments={}, observed="rejected", said=text(said))
    assert verdict(check("accepted"), evidence).why.fr == sentence


def test_what_is_out_of_bounds_is_so_whatever_else_is_unknown() -> None:
    """An endpoint without security is a failure, though the server shows no certificate to measure the key of."""
    wanted = check({"none": 0, "key_bits": ">=2048"})
    failed = verdict(wanted, saw("weak", none=1))
    assert failed.outcome == "fail"
    assert "Endpoints without security: 1 (0 wanted)" in failed.why.en
    seen = verdict(wanted, saw("strong", none=0))
    assert (seen.outcome, seen.why.en) == (
        "inconclusive",
        "Could not be measured (Certificate's key). Saw strong.",
    )
    gate = Gate(id="g", name=text("g"), require={"throughput_pct": ">=95", "critical_alarms": 0}, cap=40)
    assert judge_gate(gate, saw("idle", critical_alarms=2)).outcome == "fail"


def test_a_sentence_is_of_the_figure_judged() -> None:
    """Whatever else the probe says of what it watched."""
    of = Check(probe="process.window", expect={"scada_good_pct": ">=99"})
    evidence = Evidence(
        "process.window", {}, "idle", text("nothing to compare with"), {"scada_good_pct": 99.5}
    )
    seen = judge(of, evidence)
    assert seen.outcome == "pass"
    assert seen.why.en == "Good values at SCADA: 99.5% (at least 99% wanted)."
    assert (
        seen.why.fr
        == "Valeurs bonnes à la supervision : 99,5\N{NO-BREAK SPACE}% (il faut au moins 99\N{NO-BREAK SPACE}%)."
    )


def test_an_author_writes_the_sentence() -> None:
    of = check("rejected", "accepted", accepted="still open", rejected="well done", inconclusive="look again")
    assert verdict(of, saw("accepted"), saw("accepted")).why.en == "still open"
    assert verdict(of, saw("rejected"), saw("accepted")).why.en == "well done"
    assert verdict(of, saw("rejected"), saw("silent")).why.en == "look again"


def test_praise_is_not_said_of_a_refusal_that_proves_nothing() -> None:
    of = check("rejected", "accepted", rejected="well done")
    assert "control" in verdict(of, saw("rejected"), saw("silent")).why.en
    assert "Saw silent." in verdict(of, saw("rejected"), saw("silent")).why.en


@UNHURRIED
@given(st.lists(st.sampled_from(["pass", "fail", "inconclusive"])))
def test_a_step_fails_when_one_fails_and_passes_when_all_pass(found: list[Outcome]) -> None:
    verdicts = [Verdict(outcome=one, why=text("w"), phase="after", evidence=saw("x")) for one in found]
    outcome = step_outcome(verdicts)
    assert (outcome == "fail") == ("fail" in found)
    assert (outcome == "pass") == (bool(found) and set(found) == {"pass"})


def test_a_gate_caps_unless_it_holds() -> None:
    gate = Gate(id="production", name=text("p"), require={"throughput_pct": ">=95"}, cap=40)
    assert judge_gate(gate, saw("measured", throughput_pct=95)).cap == 100
    breached = judge_gate(gate, saw("measured", throughput_pct=94.9))
    assert (breached.outcome, breached.cap, breached.figures) == ("fail", 40, {"throughput_pct": 94.9})
    assert (judge_gate(gate, saw("silent")).outcome, judge_gate(gate, saw("silent")).cap) == (
        "inconclusive",
        40,
    )


@pytest.mark.parametrize(
    ("window", "operated", "outcome", "cap", "why"),
    [
        (99, "obeyed", "pass", 100, "Throughput, of the expected one: 99%"),
        (99, "not_obeyed", "fail", 40, "saw not_obeyed"),
        (99, "silent", "inconclusive", 40, "saw silent"),
        (99, None, "inconclusive", 40, "No operator's command"),
        (90, "obeyed", "fail", 40, "Throughput, of the expected one: 90%"),
        (90, "silent", "fail", 40, "Throughput, of the expected one: 90%"),
    ],
)
def test_a_gate_whose_operator_is_not_obeyed_does_not_hold(
    window: float, operated: str | None, outcome: Outcome, cap: float, why: str
) -> None:
    """A line that cannot be operated any more is no line that goes on, whatever it produces."""
    tags = ["Filler.SetPoint"]
    gate = Gate(id="production", name=text("p"), require={"throughput_pct": ">=95"}, operate=tags, cap=40)
    came = saw(operated, commands_pct=100.0 * (operated == "obeyed")) if operated else None
    found = judge_gate(gate, saw("measured", throughput_pct=window), came)
    assert (found.outcome, found.cap) == (outcome, cap)
    assert why in found.why.en
    assert found.figures.get("commands_pct") == (None if came is None else came.figures["commands_pct"])
