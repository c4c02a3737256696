"""Rules judged on runs that were made by hand."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lab.attacks.contract import Label
from lab.detection.hidden import Pool
from lab.detection.judge import judge, names
from lab.detection.play import Run
from lab.detection.script import CLASSES, Errand
from lab.detection.table import packed
from simulators.model import load_line
from tests.lab.detection.rows import SCADA, closed, read, row

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
SOLUTIONS = Path("scenarios/exercises/detection/rogue-scan/solutions")
START_S, LENGTH_S = 1_000_000.0, 1800.0


def label(attack: str, at_s: float, target: str = "plc1") -> Label:
    return Label(attack, CLASSES[attack], target, "10.20.1.77", START_S + at_s, START_S + at_s + 60.0, 240.0)


BLOCK = {"func": "READ_HOLDING_REGISTERS", "function_code": 3, "address": 2048, "quantity": 10}


def daily_life() -> Iterable[dict[str, Any]]:
    for second in range(int(LENGTH_S)):
        yield read(START_S + second, orig_h=SCADA, **BLOCK)
        if second % 300 == 20:
            yield row(
                START_S + second,
                orig_h=SCADA,
                func="WRITE_MULTIPLE_REGISTERS",
                function_code=16,
                is_orig=True,
            )
    yield row(
        START_S + 100, orig_h="10.20.3.250", func="ENCAP_INTERFACE_TRANSPORT", function_code=43, is_orig=True
    )
    for number in range(30):
        yield closed(START_S + 130 + number, 502, orig_h=SCADA)
    # An auditor that nobody knows, several times: one value at a time.
    for number in range(8):
        yield read(START_S + 210 + 180 * number, orig_h="10.20.4.90", **(BLOCK | {"quantity": 2}))


def assault() -> Iterable[dict[str, Any]]:
    for number in range(20):
        yield closed(START_S + 400.5 + 3 * number, 20 + number)
        yield row(
            START_S + 800.5 + 3 * number,
            func=f"unknown-{number}",
            function_code=60 + number,
            exception_code=1,
        )
        yield read(START_S + 1200.5 + 3 * number, **BLOCK)
    # SCADA's address, and not SCADA's requests.
    for number in range(20):
        yield read(START_S + 1500.5 + 3 * number, orig_h=SCADA, **(BLOCK | {"quantity": 8}))


def a_pool() -> Pool:
    events = sorted([*daily_life(), *assault()], key=lambda e: e["ts"])
    labels = [
        label("port_scan", 400),
        label("identify", 800),
        label("rogue_master", 1200),
        label("rogue_master", 1500),
    ]
    run = Run(1, START_S, START_S + LENGTH_S, labels, [Errand(120.0, "maintenance")], packed(events))
    return Pool(1, "x", [run], 0.0)


POOL = a_pool()


LAZY = ["random", "always_on", "silent", "alert_on_every_write", "address_only", "address_list"]


def mark(name: str) -> float:
    text = (SOLUTIONS / f"{name}.yml").read_text(encoding="utf-8")
    return judge(text, POOL, LINE, 2.0).mark


def test_the_reference_finds_all_and_disturbs_nobody() -> None:
    judged = judge((SOLUTIONS / "reference.yml").read_text(encoding="utf-8"), POOL, LINE, 2.0)
    assert judged.mark == pytest.approx(100.0)
    assert [judged.classes[kind].value for kind in CLASSES] == [pytest.approx(100.0)] * 3
    assert (judged.asset, judged.technique, judged.false_alarms, judged.missed) == (1.0, 1.0, {}, {})


@pytest.mark.parametrize("name", LAZY)
def test_lazy_rules_earn_next_to_nothing(name: str) -> None:
    assert mark(name) < 15.0


def test_a_rule_without_its_technique_earns_no_class() -> None:
    text = (SOLUTIONS / "reference.yml").read_text(encoding="utf-8").replace("attack.t0848", "attack.t0801")
    judged = judge(text, POOL, LINE, 2.0)
    assert judged.classes["rogue_master"].value == 0.0
    assert 97.0 < judged.mark < 98.0  # half of the five per cent


def test_what_was_cried_at_and_what_was_missed_is_told_by_kind() -> None:
    text = "title: x\ndetection: {sel: {function_code: [43, 16]}, condition: sel}"
    judged = judge(text, POOL, LINE, 2.0)
    assert judged.missed == {"port_scan": 1, "identify": 1}  # the rogue masters are near a write
    assert judged.false_alarms["maintenance"] == 1
    assert judged.false_alarms["quiet"] >= 4


def test_a_technique_named_during_another_attack_is_a_false_alarm_of_its_class() -> None:
    """Rules copied under every tag are right about one attack in three."""
    text = (SOLUTIONS / "reference.yml").read_text(encoding="utf-8")
    for technique in CLASSES.values():
        copied = judge(re.sub(r"attack\.t[\d.]+", f"attack.{technique.lower()}", text), POOL, LINE, 2.0)
        assert copied.mark > 95  # the same alerts, at the same moments
        assert max(score.value for score in copied.classes.values()) < 50


def test_a_technique_may_be_named_by_its_family() -> None:
    assert names("T0846", "T0846.001")
    assert names("T0846.001", "T0846.001")
    assert not names("T084", "T0846.001")
    assert not names("", "T0848")
