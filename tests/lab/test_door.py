import selectors
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.supervisor import door as module
from lab.supervisor.door import REQUEST_LIMIT_BYTES, Client, Door
from simulators.errors import InputError, StartError
from tests.lab.fake_runtime import turn

TOKEN = "a" * 64


class House:
    """A door whose requests are remembered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.selector = selectors.DefaultSelector()
        self.door = Door(path, TOKEN, self.selector, self.hear)

    def hear(self, client: Client, verb: str, arguments: dict[str, Any]) -> None:
        if verb == "break":
            raise OSError("no more processes")
        if verb == "refuse":
            raise InputError("non", "no")
        self.heard.append((verb, arguments))
        client.answer("yes")

    def visit(self, data: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(self.path))
            visitor.settimeout(1)
            turn(self.selector)
            try:
                visitor.sendall(data)
                turn(self.selector)
                visitor.shutdown(socket.SHUT_WR)
                turn(self.selector)
                return visitor.recv(1 << 16)
            except (ConnectionError, BrokenPipeError):
                return b""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "door.sock")
    yield made
    made.door.close()


def request(verb: str, **arguments: Any) -> bytes:
    return msgspec.json.encode({"id": 4, "verb": verb, "arguments": arguments}) + b"\n"


def test_with_the_token_one_is_heard(house: House) -> None:
    answer = house.visit(TOKEN.encode() + b"\n" + request("start", line="bottling"))
    assert msgspec.json.decode(answer) == {"id": 4, "result": "yes"}
    assert house.heard == [("start", {"line": "bottling"})]


@pytest.mark.parametrize("first", [b"", b"b" * 64 + b"\n", b"\n", b"a" * 63 + b"\n"])
def test_without_it_one_is_not(house: House, first: bytes) -> None:
    assert house.visit(first + request("start")) == b""
    assert house.heard == []


def test_a_refusal_is_said_in_both_languages(house: House) -> None:
    answer = msgspec.json.decode(house.visit(TOKEN.encode() + b"\n" + request("refuse")))
    assert answer["error"] == {"kind": "InputError", "fr": "non", "en": "no"}


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"arguments": 3}', b'{"id": "x"}', b"\xff\xfe"])
def test_malformed_requests_are_refused_and_the_next_one_is_heard(house: House, line: bytes) -> None:
    answers = house.visit(TOKEN.encode() + b"\n" + line + b"\n" + request("ping")).splitlines()
    assert "malformed request" in msgspec.json.decode(answers[0])["error"]["en"]
    assert msgspec.json.decode(answers[1])["result"] == "yes"


def test_too_long_a_request_ends_the_connection(house: House) -> None:
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(house.path))
        visitor.setblocking(False)
        visitor.send(TOKEN.encode() + b"\n")
        with pytest.raises(ConnectionError):
            pour(visitor, house, 4 * REQUEST_LIMIT_BYTES)
    assert house.heard == []


def pour(visitor: socket.socket, house: House, size: int) -> None:
    while size > 0:
        turn(house.selector)
        size -= visitor.send(b"x" * 50_000)


def test_only_its_user_may_knock(house: House) -> None:
    assert house.path.stat().st_mode & 0o077 == 0


def test_a_second_supervisor_is_refused(house: House) -> None:
    with pytest.raises(StartError):
        Door(house.path, TOKEN, selectors.DefaultSelector(), house.hear)


def test_a_fault_of_ours_is_told_to_the_caller_and_the_door_stays_open(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = msgspec.json.decode(house.visit(TOKEN.encode() + b"\n" + request("break")))
    assert "no more processes" in answer["error"]["en"]
    assert "Traceback" in capsys.readouterr().err
    assert b"yes" in house.visit(TOKEN.encode() + b"\n" + request("start"))


def test_what_a_client_asked_for_is_told_when_it_leaves(house: House) -> None:
    left: list[bool] = []
    house.door._hear = lambda client, _verb, _arguments: client.leaving.append(lambda: left.append(True))
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(house.path))
        visitor.sendall(TOKEN.encode() + b"\n" + request("run"))
        turn(house.selector)
        assert left == []
    turn(house.selector)
    assert left == [True]


def test_a_client_that_does_not_read_is_waited_for_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_LIMIT_S", 0.05)
    clients: list[Client] = []
    left: list[bool] = []

    def hear(client: Client, _verb: str, _arguments: dict[str, Any]) -> None:
        client.leaving.append(lambda: left.append(True))
        clients.append(client)

    house.door._hear = hear
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(house.path))
        visitor.sendall(TOKEN.encode() + b"\n" + request("run"))
        turn(house.selector)
        begun_s = time.monotonic()
        for _ in range(100):
            clients[0].progress({"say": "x" * 200_000})
        assert time.monotonic() - begun_s < 2
        turn(house.selector)
    assert left == [True]
