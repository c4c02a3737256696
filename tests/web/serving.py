"""The application served by waitress in a thread of the test."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from waitress import wasyncore

from simulators.model import Line
from tests.web.fake_labs import FakeLab, FakeLabs
from web.serve import make_server
from web.settings import Settings


@dataclass(frozen=True)
class Served:
    """`cookie` is that of a session already open; `link(n)` opens others."""

    port: int
    cookie: str
    lab: FakeLab
    labs: FakeLabs
    settings: Settings

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def eventually(self, condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        """Poll `condition`; fails saying `what` after `within_s`."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
            time.sleep(0.02)


@contextmanager
def serving(line: Line, folder: Path, period_s: float) -> Iterator[Served]:
    """Serve one lab, called `one`, on a port that the system chooses."""
    lab = FakeLab(line, period_s)
    labs = FakeLabs({"one": lab})
    settings = Settings(labs, "secret", frozenset({"first", "browser"}), folder)
    server = make_server(settings, "127.0.0.1", 0)
    port = int(server.effective_port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Served(port, _session(port), lab, labs, settings)
    finally:
        lab.broken.set()  # ends the streams that are left
        with suppress(OSError):  # closed already: another pull ran it
            server.trigger.pull_trigger(
                lambda: wasyncore.close_all(server._map)
            )  # in the thread that owns them
        thread.join(timeout=10)
        server.task_dispatcher.shutdown()
        assert not thread.is_alive()


def _session(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/login/first")
    cookie = connection.getresponse().headers["Set-Cookie"].partition(";")[0]
    connection.close()
    return str(cookie)
