"""Devices are found by their place; what is broken names itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators import devices
from simulators.errors import InputError, NotFoundError

GOOD = "KIND = {0!r}\nSCHEMA = None\ndef parse(text, name): ...\ndef create(context, config): ...\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "somekinds"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "somekinds"]:
        del sys.modules[name]


def test_a_file_is_a_kind_and_an_underscore_hides_it(package: Path) -> None:
    (package / "robot.py").write_text(GOOD.format("robot_arm"))
    (package / "_gears.py").write_text("raise RuntimeError")
    assert list(devices.collect([str(package)], "somekinds")) == ["robot_arm"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def broken(:", "SyntaxError"),
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("KIND = 'x'\ndef parse(text, name): ...", "create, SCHEMA"),
        (GOOD.format("robot_arm"), "already that of somekinds.arm"),
    ],
)
def test_a_broken_file_raises_and_names_itself(package: Path, source: str, reason: str) -> None:
    (package / "arm.py").write_text(GOOD.format("robot_arm"))
    (package / "bad.py").write_text(source)
    with pytest.raises(InputError) as caught:
        devices.collect([str(package)], "somekinds")
    assert "somekinds.bad" in caught.value.text.en
    assert reason in caught.value.text.en


def test_an_unknown_kind_says_which_there_are() -> None:
    with pytest.raises(NotFoundError, match="modbus_plc"):
        devices.kind("toaster")
