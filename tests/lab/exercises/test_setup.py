from pathlib import Path

import pytest

from lab.exercises.load import load_exercise
from lab.exercises.model import Exercise
from lab.exercises.setup import apply, starting_configuration
from simulators.errors import InputError, StartError
from tests.lab.exercises.stage import EXERCISE, StageLab, write_exercise

SETUP = """\
setup:
  configurations: {plc2: start/plc2.txt}
  faults: [{asset: pump, mode: wear, severity: 0.4}]
  warm_up_s: 500
  speed: 4
parameters:"""


@pytest.fixture
def started(tmp_path: Path) -> Exercise:
    home = write_exercise(tmp_path, EXERCISE.replace("parameters:", SETUP))
    (home / "start").mkdir()
    (home / "start" / "plc2.txt").write_text("open to ${clerk} by ${buried}")
    return load_exercise(home)


VALUES = {"clerk": "ann", "word": "w", "buried": "deep"}


def no_wait(_seconds: float) -> None: ...


def test_configurations_faults_warm_up_then_speed(started: Exercise) -> None:
    lab = StageLab("mine")
    told: list[dict[str, str]] = []
    apply(started, lab, VALUES, sleep=no_wait, progress=told.append)
    acts = [(verb, arguments) for verb, arguments in lab.requests if verb != "snapshot"]
    assert acts == [
        ("configure", {"device": "plc2", "text": "open to ann by deep"}),
        ("fault", {"asset": "pump", "mode": "wear", "severity": 0.4}),
        ("speed", {"speed": 100.0}),
        ("speed", {"speed": 4.0}),
    ]
    assert lab.t_s >= 500
    assert told == [{"device": "plc2", "state": "configuring"}, {"device": "plc2", "state": "ok"}]


def test_author_tests_may_run_faster(started: Exercise) -> None:
    lab = StageLab("mine")
    apply(started, lab, VALUES, sleep=no_wait, speed=20.0)
    assert lab.speed == 20


def test_a_line_that_does_not_warm_up_is_said(started: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = StageLab("mine")
    monkeypatch.setattr(StageLab, "_speed", lambda _self, **_speed: True)
    lab.speed = 0.0
    with pytest.raises(StartError, match="warm-up"):
        apply(started, lab, VALUES, sleep=no_wait)


def test_a_device_that_does_not_come_up_is_said(started: Exercise) -> None:
    lab = StageLab("mine", down={"plc2"})
    with pytest.raises(StartError, match="do not answer after their configuration"):
        apply(started, lab, VALUES, sleep=no_wait)


def test_the_configuration_that_a_reset_goes_back_to(started: Exercise) -> None:
    assert starting_configuration(started, "plc2", VALUES) == "open to ann by deep"
    assert starting_configuration(started, "plc1", VALUES) is None


def test_a_value_that_is_missing_is_named(started: Exercise) -> None:
    with pytest.raises(InputError, match=r"plc2\.txt.*\$\{buried\}"):
        apply(started, StageLab("mine"), {"clerk": "ann"}, sleep=no_wait)
