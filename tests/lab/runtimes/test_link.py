"""The supervisor's side: a steward that is there when it is first needed, and again when it has ended."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runtimes.docker.link import StewardLink
from lab.runtimes.docker.runtime import DockerRuntime
from lab.runtimes.news import News
from simulators.errors import ToolMissingError
from tests.waiting import within

ORDER = {"do": "launch", "shape": "docker", "plan": {}, "again": False}


@pytest.fixture
def link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StewardLink]:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")
    made = StewardLink(tmp_path, tmp_path / "log")
    yield made
    made.close()
    assert not made.alive


def launched(link: StewardLink) -> str:
    """What is said of a launch."""
    news, theirs = socket.socketpair()
    life, life_end = socket.socketpair()
    link.order(ORDER, [theirs.fileno(), life_end.fileno()])
    theirs.close()
    life_end.close()
    life.settimeout(20)
    assert life.recv(1) == b""
    life.close()
    heard = News(news.detach())
    (said,) = within(20, heard.news)
    heard.close()
    return str(said["error"]["en"])


def test_a_steward_is_started_at_the_first_order_and_again_when_it_has_ended(
    link: StewardLink, tmp_path: Path
) -> None:
    assert not link.alive
    assert "does not answer at nonsense://x" in launched(link)
    assert link.alive
    assert link._process is not None
    first = link._process.pid
    link._process.kill()
    within(10, lambda: not link.alive)
    assert "does not answer at nonsense://x" in launched(link)
    assert link._process.pid != first
    assert "nonsense://x" in (tmp_path / "log").read_text()


def test_an_engine_that_never_carried_a_lab_is_not_asked(link: StewardLink, tmp_path: Path) -> None:
    runtime = DockerRuntime("docker", tmp_path, link)
    assert runtime.found() == []
    assert not link.alive
    (tmp_path / "docker").touch()
    with pytest.raises(ToolMissingError, match=r"nonsense://x"):
        runtime.found()
    runtime.close()
