"""Rules: what they say and when, what is refused and how, and that they can do nothing else."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from lab.detection import rules as rules_module
from lab.detection.rules import alerts, check_rules, merged, try_rules
from lab.detection.sigma import compiled
from lab.detection.table import Table
from simulators.errors import InputError, TimeLimitError
from simulators.model import load_line
from tests.lab.detection.rows import SCADA, closed, read, row

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
STRANGERS = """
title: Stranger reads
detection:
  reads: {log: modbus_detailed, is_orig: true, func|startswith: read_}
  known: {id.orig_h: 10.20.3.20}
  condition: reads and not known
tags: [attack.t0848]
"""
SCAN = """
title: Closed
name: closed
detection:
  sel: {log: conn, conn_state: REJ}
  condition: sel
---
title: Scan
correlation:
  type: {type}
  rules: [closed]
  group-by: [id.orig_h]
  timespan: 60s
  condition: {{{condition}}}
tags: [attack.t0846.001]
"""


def scan(kind: str = "value_count", condition: str = "field: id.resp_p, gte: 3") -> str:
    first, second = SCAN.split("---")
    return first + "---" + second.format(type=kind, condition=condition)


def dates(text: str, events: list[dict[str, Any]]) -> list[float]:
    return [alert.unix_s for alert in alerts(text, events, LINE)]


def test_a_rule_speaks_of_its_events_and_names_asset_and_technique() -> None:
    (said,) = alerts(STRANGERS, [read(10, orig_h=SCADA), read(11), row(12, func="WRITE_SINGLE_COIL")], LINE)
    assert (said.unix_s, said.rule, said.technique, said.asset) == (11.0, "Stranger reads", "T0848", "plc1")


def test_an_address_of_no_device_stays_an_address() -> None:
    (said,) = alerts(STRANGERS, [read(11, resp_h="10.20.1.99")], LINE)
    assert said.asset == "10.20.1.99"


def test_a_count_speaks_when_its_evidence_is_complete_and_not_before() -> None:
    knocks = [closed(ts, port) for ts, port in ((100, 21), (110, 22), (130, 23), (191, 24))]
    # The third different port comes at 130; at 191 the window holds 23 and 24 only.
    assert dates(scan(), knocks) == [130.0]
    assert dates(scan(), knocks[:2]) == []


def test_the_same_port_again_is_no_scan() -> None:
    again = [closed(100 + n, 502) for n in range(20)]
    assert dates(scan(), again) == []
    assert dates(scan("event_count", "gte: 20"), again) == [119.0]


def test_sources_are_counted_apart() -> None:
    spread = [closed(100 + n, 20 + n, orig_h=f"10.20.1.{60 + n}") for n in range(10)]
    assert dates(scan(), spread) == []


def test_a_connection_is_known_when_it_has_ended() -> None:
    text = "title: Long\ndetection: {sel: {log: conn, conn_state: SF}, condition: sel}"
    assert dates(text, [row(100, "conn", conn_state="SF", duration=40.0)]) == [140.0]


def test_what_comes_later_changes_nothing_that_was_said() -> None:
    rng = random.Random(4)
    events = sorted(
        (closed(rng.uniform(0, 600), rng.randint(1, 9)) for _ in range(80)), key=lambda e: e["ts"]
    )
    whole = dates(scan(), events)
    for length in (20, 50):
        part = dates(scan(), events[:length])
        assert part == [at for at in whole if at <= events[length - 1]["ts"]]


@pytest.mark.parametrize("kind", ["event_count", "value_count"])
def test_counts_are_those_of_the_backend_itself(kind: str) -> None:
    rng = random.Random(7)
    events = [
        closed(round(rng.uniform(0, 900), 1), rng.randint(1, 6), orig_h=f"10.20.1.{rng.randint(60, 62)}")
        for _ in range(150)
    ]
    condition = "gte: 4" if kind == "event_count" else "field: id.resp_p, gte: 3"
    documents = scan(kind, condition).replace("detection:", "logsource: {product: x}\ndetection:")
    backend = sqliteBackend(table="events", timestamp_format="unix", event_id_field="n")  # type: ignore[no-untyped-call]
    (query,) = backend.convert(SigmaCollection.from_yaml(documents))
    table = Table(events)
    theirs = sorted({float(found[2]) for found in table.rows(str(query))})
    table.close()
    ours = sorted({alert_s for alert_s, _ in _spoken(scan(kind, condition), events)})
    assert len(ours) > 10
    assert ours == pytest.approx(theirs)


def _spoken(text: str, events: list[dict[str, Any]]) -> list[tuple[float, str]]:
    table = Table(events)
    (rule,) = [rule for rule in compiled(text) if rule.info.alerts]
    return list(rules_module._spoken(rule, table))


def test_a_sequence_is_worked_out_by_the_backend() -> None:
    text = STRANGERS.replace("title:", "name: reads\ntitle:") + (
        "---" + scan().split("---")[0] + "---\ntitle: Knock, then read\ncorrelation:\n  type: temporal\n"
        "  rules: [closed, reads]\n  group-by: [id.orig_h]\n  timespan: 30s\ntags: [attack.t0888]\n"
    )
    (said,) = alerts(text, [closed(100, 21), read(110), closed(300, 22)], LINE)
    assert (said.unix_s, said.asset, said.technique) == (110.0, "plc1", "T0888")


def test_lists_are_read_by_people() -> None:
    trial = try_rules(STRANGERS, [read(n) for n in (0, 1, 2, 200)], LINE)
    assert [(one.unix_s, one.count) for one in trial.alerts] == [(0.0, 3), (200.0, 1)]
    assert (trial.events, trial.rules[0].title) == (4, "Stranger reads")
    assert merged([]) == []


def test_the_editor_is_told_what_a_text_holds() -> None:
    closed_rule, scan_rule = check_rules(scan())
    assert (closed_rule.alerts, scan_rule.alerts) == (False, True)
    assert (scan_rule.kind, scan_rule.technique, scan_rule.line) == ("count", "T0846.001", 8)


REFUSED = {
    "": "line 1: no rule",
    "- a list": "line 1: a rule is a mapping",
    "title: x\na: b: c": "line 2: malformed YAML",
    "title: x": "'detection:' is missing",
    "title: x\ndetection:\n  sel: {fonc: 1}\n  condition: sel": "line 3: unknown field 'fonc'; choose for example: func",
    "title: x\ndetection:\n  sel: {func|re: '(a+)+$'}\n  condition: sel": "line 3: modifier 're' is not allowed",
    "title: x\ndetection:\n  sel: {func: a}\n  condition: sel or": "line 4",
    "title: x\ndetection:\n  sel: {func: a}\n  condition: other": "line 4",
    "title: x\ndetection: {sel: [a, b], condition: sel}": "without a field's name",
    "title: x\ndetection:\n  sel: {func: '*a*b*c*d*e*f*g*h*'}\n  condition: sel": "line 3: 8 wildcards at most",
    "a: &a [1]\nb: *a": "anchors",
    "!!python/object/apply:os.system [ls]": "malformed YAML",
    "[" * 5000: "nested too deeply",
    "title: x\ncorrelation: {type: event_count, rules: [zz], timespan: 1m, condition: {gte: 3}}": "'zz' is unknown",
    "title: x\ncorrelation: {type: sum}": "choose one of event_count",
    "title: " + "x" * 40_000: "32768 at most",
    "\n---\n".join(["title: x\ndetection: {s: {func: a}, condition: s}"] * 41): "41 rules; 40 at most",
    "title: x\naction: global": "not allowed",
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_rule_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        check_rules(text)
    assert said in refused.value.text.en
    assert refused.value.text.fr.startswith("ligne ")


def test_a_long_span_is_refused() -> None:
    with pytest.raises(InputError, match="3600"):
        check_rules(scan().replace("60s", "2d"))


def test_rules_end_in_time() -> None:
    events = [closed(n / 10, n % 7) for n in range(20_000)]
    text = scan().replace("value_count", "temporal").replace("condition: {field: id.resp_p, gte: 3}", "")
    begun_s = time.monotonic()
    with pytest.raises(TimeLimitError):
        alerts(text, events, LINE, limit_s=1.0)
    assert time.monotonic() - begun_s < 5.0


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH DATABASE '/tmp/x.sqlite' AS x",
        "DELETE FROM events",
        "PRAGMA database_list",
        "SELECT load_extension('x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT sql FROM sqlite_master",
        "SELECT randomblob(100000000)",
        "CREATE TABLE other (a)",
    ],
)
def test_a_query_can_only_read_events(query: str) -> None:
    table = Table([closed(1, 2)])
    with pytest.raises(InputError):
        list(table.rows(query))
    assert len(list(table.rows("SELECT n FROM events"))) == 1
    table.close()


def test_values_are_never_code() -> None:
    text = 'title: x\ndetection:\n  sel: {func: "a\' OR 1=1 --"}\n  condition: sel'
    assert dates(text, [read(1), row(2, func="a' OR 1=1 --")]) == [2.0]


def test_names_are_case_blind_as_in_sigma() -> None:
    text = "title: x\ndetection: {sel: {func: read_coils}, condition: sel}"
    assert dates(text, [read(1)]) == [1.0]
    assert dates(text.replace("func:", "func|cased:"), [read(1)]) == []
