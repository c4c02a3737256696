"""The real server: many pages at a time, and a clear error when its port is taken."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from lab.cli.pages import owner_token
from lab.paths import Paths
from lab.training.people import TrainingPeople
from lab.training.service import open_database
from simulators.errors import StartError
from tests.waiting import soon
from tests.web.serving import Served
from web.check import answers
from web.serve import make_server, secret_key, welcome_first

ROOT = Path(__file__).resolve().parents[2]


def test_fifty_streams_leave_the_pages_quick(served: Served) -> None:
    streams = []
    for _ in range(50):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        connection.request("GET", "/labs/one/stream", headers={"Cookie": served.cookie})
        streams.append((connection, connection.getresponse()))
    for _, answer in streams:
        assert answer.readline().startswith(b"retry")
    page = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    page.request("GET", "/labs/one", headers={"Cookie": served.cookie})
    assert page.getresponse().read().count(b"data-row=") > 50
    page.close()
    for connection, answer in streams:
        answer.close()
        connection.close()
    soon(lambda: served.lab.streams == 0, "the streams of closed pages end")


def test_a_taken_port_is_a_clear_error(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(StartError) as error:
            make_server(served.app, "127.0.0.1", taken.getsockname()[1])
        assert "--port" in error.value.text.en


def test_the_secret_is_drawn_once_and_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = secret_key(folder)
    assert len(first) == 64
    assert secret_key(folder) == first
    assert (folder / "web.secret").stat().st_mode & 0o077 == 0


def test_a_secret_that_cannot_be_kept_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file", encoding="utf-8")
    with pytest.raises(StartError, match="USINE_HOME"):
        secret_key(tmp_path / "run")


def test_the_process_serves_and_ends_at_once(tmp_path: Path) -> None:
    token = owner_token(Paths(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "web.serve", "--port", str(port)],
        env={**os.environ, "USINE_HOME": str(tmp_path), "LAB_LANG": "en"},
        cwd=ROOT,
    )
    try:
        assert status_once_up(port, f"/login/{token}") == 302
        assert status_once_up(port, f"/login/{token}") == 401
    finally:
        process.terminate()
        started = time.monotonic()
        process.wait(timeout=10)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("USINE_RUNTIME", "podman", "choose one of: local, docker"),
        ("USINE_TERMINAL_IDLE_MIN", "90", "from 1 to 30"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_at_the_start(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "web.serve", "--port", "0"],
        env={**os.environ, "USINE_HOME": str(tmp_path), "LAB_LANG": "en", name: value},
        cwd=ROOT, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{name}={value}" in done.stderr
    assert said in done.stderr


def status_once_up(port: int, path: str, within_s: float = 15.0) -> int:
    """The answer's code, asked again until there is one."""
    deadline = time.monotonic() + within_s
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing answers on port {port}"
            time.sleep(0.05)
        finally:
            connection.close()


def test_where_nobody_can_launch_anything_the_first_link_is_printed_and_once_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(open_database(Paths(tmp_path))) as database:
        people = TrainingPeople(database)
        people.add("alice")
        welcome_first(people, "http://127.0.0.1:9000/")
        said = capsys.readouterr().out
        link = re.search(r"^http://127\.0\.0\.1:9000/login/(\S+)$", said, re.MULTILINE)
        assert link is not None, said
        person = people.enter(link[1])
        assert person is not None
        assert person.role == "instructor"
        welcome_first(people, "http://127.0.0.1:9000/")
        assert capsys.readouterr().out == ""


def test_pages_are_well_when_their_login_page_comes(served: Served) -> None:
    assert answers(served.port)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    assert not answers(port)
