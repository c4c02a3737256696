"""Author tests on real labs: real probes from inside the zones, a real gateway, a plant that must go on."""

from pathlib import Path

import pytest

from lab.connection import SupervisorClient
from lab.exercises.load import load_exercise
from lab.exercises.verify import ExerciseResult, verify

pytestmark = pytest.mark.needs("namespaces")

EXERCISE = """\
schema: usine-ecole/exercise/v1
id: close-the-door
track: hardening
level: technician
sector: agri_food
line: bottling
title: {fr: Fermer la porte, en: Close the door}
summary: {fr: Cloisonner, en: Segment}
minutes: 45
competences: [zero-trust]
needs: [zones]
panels: [configuration]
editable: [gateway]
parameters:
  stranger: {kind: address, zone: enterprise}
setup: {verify_speed: 20}
baseline:
  - {probe: reach.tcp, zone: enterprise, device: plc1, expect: open}
gates:
  - {id: production, name: {fr: Production, en: Production}, window_s: 30, require: {scada_good_pct: ">=95"}, cap: 40}
restart: [gateway]
steps:
  - id: modbus
    name: {fr: Modbus, en: Modbus}
    text: {fr: "Rien n'entre, pas même ${stranger}", en: "Nothing enters, not even ${stranger}"}
    points: 60
    checks:
      - {probe: reach.tcp, zone: enterprise, device: plc1, expect: refused, control: &scada CONTROL}
  - id: opcua
    name: {fr: OPC UA, en: OPC UA}
    text: {fr: Ni là, en: Nor there}
    points: 40
    checks:
      - {probe: reach.tcp, zone: enterprise, device: plc2, expect: refused, control: *scada}
tests:
  - {solution: none, score: 0}
  - {solution: reference, score: 100, seeds: 1}
  - {solution: wall, at_most: 0}
"""
CONTROL = '{probe: process.window, window_s: 20, expect: {scada_good_pct: ">=95"}}'
# It holds whatever the gateway does.
BLIND = "{probe: reach.tcp, zone: control, device: plc1, expect: open}"
REFERENCE = '''
RULES = """
default: deny
rules:
  - {from: scada, to: plc1, protocol: modbus, action: allow}
  - {from: scada, to: plc2, protocol: opcua, action: allow}
  - {from: scada, to: broker, protocol: mqtt, action: allow}
"""


def solve(desk):
    assert desk.configuration("gateway")
    assert desk.parameters["stranger"].startswith("10.20.4.")
    desk.configure("gateway", RULES)
'''
WALL = 'def solve(desk):\n    desk.configure("gateway", "default: deny\\nrules: []\\n")\n'


def proven(folder: Path, labs: SupervisorClient, text: str) -> ExerciseResult:
    home = folder / "close-the-door"
    (home / "solutions").mkdir(parents=True)
    (home / "exercise.yaml").write_text(text, encoding="utf-8")
    (home / "solutions" / "reference.py").write_text(REFERENCE, encoding="utf-8")
    (home / "solutions" / "wall.py").write_text(WALL, encoding="utf-8")
    return verify([load_exercise(home)], labs, jobs=2, seeds=1).exercises[0]


def test_an_exercise_is_proven_on_real_labs(tmp_path: Path, labs: SupervisorClient) -> None:
    result = proven(tmp_path, labs, EXERCISE.replace("CONTROL", CONTROL))
    assert [(t.solution, t.score, t.ok, t.why) for t in result.tests] == [
        ("none", 0, True, ""), ("reference", 100, True, ""), ("wall", 0, True, ""),
    ]  # fmt: skip
    assert not [lab.name for lab in labs.list() if lab.name.startswith("v-")]


def test_a_checker_that_is_fooled_makes_it_fail(tmp_path: Path, labs: SupervisorClient) -> None:
    """A control that does not look at the legitimate flow lets a wall pass: the author is told."""
    text = EXERCISE.replace("CONTROL", BLIND).replace(
        "  - {solution: none, score: 0}\n  - {solution: reference, score: 100, seeds: 1}\n", ""
    )
    (test,) = proven(tmp_path, labs, text).tests
    assert (test.solution, test.score, test.ok) == ("wall", 40, False)
    assert "production" in test.why
