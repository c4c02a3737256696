"""`lab shell` on a lab in containers, over a fake supervisor: what it refuses, and what it says at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli.commands import shell as module
from lab.cli.main import run
from simulators.errors import ToolMissingError
from simulators.model import load_line
from simulators.workstation.frames import DATA, END, Frames, frame
from tests.web.fake_labs import BOTTLING, FakeLab, FakeLabs


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLabs]:
    made = FakeLabs({"one": FakeLab(load_line(BOTTLING))})
    made.runtime = "docker"
    monkeypatch.setattr(module, "supervisor", lambda: made)
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_LANG", "en")
    yield made
    for end in made.terminals:
        end.close()


def _end_of(data: bytes) -> str:
    return next((content.decode() for kind, content in Frames().feed(data) if kind == END), "")


def test_one_command_is_refused_with_what_to_do_instead(
    labs: FakeLabs, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["shell", "one", "--zone", "iiot", "-c", "id"]) == 1
    said = " ".join(capfd.readouterr().err.split())
    assert "lab shell one --zone iiot" in said
    assert "standard input" in said
    assert labs.terminals == []


def test_a_runtime_without_workstations_says_so(labs: FakeLabs, capfd: pytest.CaptureFixture[str]) -> None:
    def none(columns: int, rows: int) -> None:
        raise ToolMissingError("pas de poste de travail", "no workstation; take the runtime docker")

    labs.runtime, labs.shells = "docker-compact", none  # type: ignore[assignment]
    assert run(["shell", "one"]) == 4
    assert "take the runtime docker" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("last", "status", "said"),
    [
        (frame(END, b"ended"), 0, "Workstation of one in zone control"),
        (frame(END, b"idle"), 0, "nothing was typed"),
        (frame(DATA, b"x"), 1, "has ended"),
    ],
)
def test_how_it_ended_is_said(
    labs: FakeLabs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    last: bytes,
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr(module, "attend", lambda _end: _end_of(last))
    assert run(["shell", "one"]) == status
    out, err = capsys.readouterr()
    assert said in " ".join((out + err).split())
