"""The supervisor at its end."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.connection import SupervisorClient
from lab.paths import Paths
from lab.supervisor.supervisor import Supervisor
from simulators.errors import InputError, StartError
from tests.lab.fake_runtime import FakeLab, FakeRuntime
from tests.waiting import HANG_S, soon


@dataclass
class Post:
    """A supervisor in a thread, on a runtime without processes."""

    runtime: FakeRuntime
    client: SupervisorClient
    serving: threading.Thread

    def start_one(self) -> FakeLab:
        """A lab that is ready."""
        with ThreadPoolExecutor() as others:
            started = others.submit(self.client.start, "bottling", "one", 1, progress=lambda _message: None)
            soon(lambda: self.runtime.labs)
            self.runtime.labs[0].ready()
            started.result(HANG_S)
        return self.runtime.labs[0]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    paths = Paths(tmp_path)
    paths.prepare()
    runtime = FakeRuntime()
    supervisor = Supervisor(paths, {"fake": runtime}, "fake")
    serving = threading.Thread(target=supervisor.serve)
    serving.start()
    yield Post(runtime, SupervisorClient(paths), serving)
    for lab in runtime.labs:
        lab.end()
    if serving.is_alive():
        SupervisorClient(paths).shutdown(labs=False)
    serving.join(HANG_S)
    assert not serving.is_alive()


def test_no_lab_starts_while_all_are_being_ended(post: Post) -> None:
    post.runtime.obeys = False
    lab = post.start_one()
    with ThreadPoolExecutor() as others:
        ended = others.submit(post.client.shutdown, labs=True)
        soon(lambda: lab.asked_to_end)
        with pytest.raises(StartError, match="s'arrête"):
            post.client.start("bottling", "two", 2, progress=lambda _message: None)
        assert post.runtime.labs == [lab]
        lab.end()
        ended.result(HANG_S)
    post.serving.join(HANG_S)
    assert post.runtime.closed


def test_it_leaves_labs_that_it_was_not_told_to_end(post: Post) -> None:
    lab = post.start_one()
    post.client.shutdown(labs=False)
    post.serving.join(HANG_S)
    assert post.runtime.closed
    assert lab.asked_to_end == []


def test_a_runtime_of_one_machine_refuses_to_spread_a_lab_before_anything_is_made(post: Post) -> None:
    with pytest.raises(InputError) as refused:
        post.client.start("bottling", "one", 1, spread=True)
    assert "add --runtime swarm" in refused.value.text.en
    assert "ajoutez --runtime swarm" in refused.value.text.fr
    assert post.runtime.labs == []
    assert post.client.list() == []
