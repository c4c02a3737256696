"""`lab up`: everything starts, the page answers through its one-time link, Ctrl-C leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.waiting import within

CODE = "import sys; from lab.cli.main import main; main()"


class Up:
    """A `lab up` in a process of its own."""

    def __init__(self, home: Path, *arguments: str) -> None:
        environment = {**os.environ, "USINE_HOME": str(home), "LAB_LANG": "en", "PYTHONUNBUFFERED": "1"}
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, "up", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )  # fmt: skip

    def link(self) -> str:
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+/login/\S+", line):
                return found[0]
        raise AssertionError(said)

    def end(self) -> str:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=20)
        return said

    def processes(self) -> list[int]:
        """Those that live with this state folder in their environment."""
        wanted = f"USINE_HOME={self.home}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


@pytest.fixture
def own_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="uu") as folder:
        yield Path(folder)


def browser() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))


def status_of(url: str) -> int:
    try:
        with browser().open(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_up_serves_a_page_and_ctrl_c_stops_everything(own_home: Path) -> None:
    up = Up(own_home, "--seed", "5")
    try:
        link = up.link()
        mine = browser()
        with mine.open(link, timeout=10) as first:
            assert urlsplit(first.url).path == "/"
            home = first.read().decode()
        assert 'data-line="bottling" data-state="running"' in home, "the line that was started"
        assert 'href="/labs/bottling"' in home
        assert "/exercises/opcua-hardening/open" in home, "and the exercises, at once"
        with mine.open(link.split("/login")[0] + "/instructor", timeout=10) as dashboard:
            assert "/labs/bottling" in dashboard.read().decode()
        with mine.open(link.split("/login")[0] + "/labs/bottling", timeout=10) as page:
            body = page.read().decode()
        assert "data-tag=" in body
        assert status_of(link) == 401
        assert status_of(link.split("/login")[0] + "/labs/bottling") == 401
        assert len(up.processes()) >= 4
    finally:
        said = up.end()
    assert "Stopping" in said
    assert up.process.returncode == 0
    within(5, lambda: up.processes() == [])


def test_a_web_process_that_dies_is_started_again_and_no_lab_notices(own_home: Path) -> None:
    up = Up(own_home)
    try:
        link = up.link()
        base = link.split("/login")[0]
        (web,) = [pid for pid in up.processes() if b"web.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        before = set(up.processes()) - {web}
        os.kill(web, signal.SIGKILL)
        begun = time.monotonic()

        def back() -> bool:
            try:
                return status_of(base + "/") == 401
            except OSError:
                return False

        within(10, back)
        assert time.monotonic() - begun < 10
        assert before <= set(up.processes())
    finally:
        up.end()
    within(5, lambda: up.processes() == [])


def test_a_port_that_is_taken_is_said_and_nothing_starts(own_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = Up(own_home, "--port", str(port))
        said, _ = up.process.communicate(timeout=20)
    assert up.process.returncode == 1
    assert f"port {port} is taken" in " ".join(said.split())
    assert up.processes() == []
