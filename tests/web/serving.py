"""The application served by waitress in a thread of the test."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from lab.training.contract import Classroom, Cohorts
from simulators.model import Line
from tests.waiting import HANG_S
from tests.web.fake_cohorts import FakeClassroom, FakeCohorts
from tests.web.fake_labs import FakeLab, FakeLabs
from tests.web.fake_training import OWNER, FakePeople, FakeSittings
from tests.web.slowness import slowed
from web.app import create_app
from web.serve import make_server
from web.settings import Settings
from web.terminals import Terminals


@dataclass(frozen=True)
class Served:
    """`cookie` is that of an instructor's session; `people.link` opens others."""

    port: int
    cookie: str
    lab: FakeLab
    labs: FakeLabs
    people: FakePeople
    sittings: FakeSittings
    settings: Settings
    app: Flask
    server: BaseWSGIServer

    @property
    def terminals(self) -> Terminals:
        """Those of the application that is served."""
        found = self.app.extensions["usine_ecole_terminals"]
        assert isinstance(found, Terminals)
        return found

    def drop(self) -> None:
        """End every connection that is open, as a network does."""
        for channel in list(self.server._map.values()):
            if isinstance(channel, HTTPChannel):
                with suppress(OSError):
                    channel.socket.shutdown(socket.SHUT_RDWR)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Class = tuple[Cohorts, Classroom]


def no_class(_people: FakePeople, _sittings: FakeSittings) -> Class:
    """No cohort, and actions that do nothing."""
    return FakeCohorts(), FakeClassroom()


@contextmanager
def serving(
    line: Line,
    period_s: float,
    pause_s: float = 0.0,
    of_class: Callable[[FakePeople, FakeSittings], Class] = no_class,
) -> Iterator[Served]:
    """Serve one lab, called `one`, on a port that the system chooses."""
    lab = FakeLab(line, period_s)
    labs = FakeLabs({"one": lab})
    people, sittings = FakePeople(), FakeSittings(labs, pause_s)
    settings = Settings(labs, people, sittings, *of_class(people, sittings), "secret")
    app = slowed(create_app(settings))
    server = make_server(app, "127.0.0.1", 0)
    port = int(server.effective_port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Served(port, _session(port, people), lab, labs, people, sittings, settings, app, server)
    finally:
        for one in labs.labs.values():
            one.broken.set()  # ends the streams that are left
        with suppress(OSError):  # closed already: another pull ran it
            server.trigger.pull_trigger(
                lambda: wasyncore.close_all(server._map)
            )  # in the thread that owns them
        thread.join(timeout=HANG_S)
        server.task_dispatcher.shutdown()
        assert not thread.is_alive()


def _session(port: int, people: FakePeople) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    connection.request("GET", f"/login/{people.link(OWNER).token}")
    cookie = connection.getresponse().headers["Set-Cookie"].partition(";")[0]
    connection.close()
    return str(cookie)
