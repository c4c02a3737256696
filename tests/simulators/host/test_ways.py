"""Ports that lead into a line's zones, and the checks of containers that are no device."""

import asyncio
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from simulators.errors import InputError, StartError
from simulators.host.check import check_line, check_socket, check_ways
from simulators.host.plan import BUS_SECRET_VARIABLE, TOKEN_VARIABLE, Plan, with_secrets
from simulators.host.ways import WAYS_VARIABLE, Ways, ways_of, written
from tests.waiting import HANG_S


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_environment_is_read_as_it_is_written() -> None:
    ways = {502: ("10.20.1.10", 502), 503: ("10.20.1.12", 502)}
    assert ways_of(written(ways)) == ways


@pytest.mark.parametrize("text", ["", "502", "502=10.20.1.10", "a=b:c"])
def test_what_is_no_way_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=WAYS_VARIABLE):
        ways_of(text)


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(self.request.recv(4))


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield ("127.0.0.1", int(server.server_address[1]))
        server.shutdown()
        thread.join(HANG_S)


async def test_bytes_pass_both_ways_and_who_does_not_listen_shows_as_closed(echo: tuple[str, int]) -> None:
    port, deaf = free_port(), free_port()
    ways = Ways({port: echo, deaf: ("127.0.0.1", free_port())}, "127.0.0.1")
    environment = {WAYS_VARIABLE: written({port: echo})}
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"ping")
        assert await asyncio.wait_for(reader.read(), HANG_S) == b"ping"
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", deaf)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), HANG_S)
        writer.close()
        assert await asyncio.to_thread(check_ways, environment)
    finally:
        await ways.stop()
    assert not check_ways(environment)


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=str(port)):
            Ways({port: ("127.0.0.1", 1)}, "127.0.0.1")


def a_plan(folder: Path) -> Path:
    path = folder / "plan.json"
    plan = Plan(name="x", line="", seed=1, folder="", control=str(folder / "c.sock"), token="")
    path.write_bytes(msgspec.json.encode(plan))
    return path


def test_secrets_come_from_the_environment_where_it_has_them(tmp_path: Path) -> None:
    plan = msgspec.json.decode(a_plan(tmp_path).read_bytes(), type=Plan)
    found = with_secrets(plan, {TOKEN_VARIABLE: "t", BUS_SECRET_VARIABLE: "b"})
    assert (found.token, found.bus_secret) == ("t", "b")
    assert with_secrets(found, {}) == found


@pytest.mark.parametrize(
    ("answer", "well"), [(b'{"id":1,"result":{}}\n', True), (b'{"id":1,"error":{}}\n', False), (b"", False)]
)
async def test_a_line_is_well_when_its_control_channel_answers_its_token(
    tmp_path: Path, answer: bytes, well: bool
) -> None:
    heard = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        await reader.readline()
        writer.write(answer)
        writer.close()

    path = a_plan(tmp_path)
    assert not check_line(path, {}), "nobody listens"
    server = await asyncio.start_unix_server(serve, str(tmp_path / "c.sock"))
    assert await asyncio.to_thread(check_line, path, {TOKEN_VARIABLE: "secret"}) is well
    assert heard == [b"secret\n"]
    server.close()


def test_a_socket_is_well_when_somebody_serves_it(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not check_socket(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert check_socket(path)
    assert not check_socket(path)
