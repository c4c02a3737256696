"""Forwards: the host's own tools reach the devices, wherever the line's sockets live."""

import asyncio
import subprocess
import sys
import tempfile

import pytest

from simulators.errors import StartError
from simulators.network import forward as forwards
from simulators.network.forward import Forward, host_socket, host_sockets
from tests.simulators.network.stage import PLC1, Net, Play, both_networks, bottling_like, echo
from tests.waiting import HANG_S

LINE = bottling_like()
PLC = LINE.device("plc1")
# Run outside of the line's network, as the user's own programs are.
PROLOGUE = """
import socket, sys
def client():
    return socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
"""
EXCHANGE = """
with client() as c:
    c.sendall(b"?")
    print(c.recv(99).decode(), end=" ")
    c.sendall(b"x" * 1_000_000)
    c.shutdown(socket.SHUT_WR)
    print(sum(map(len, iter(lambda: c.recv(65536), b""))))
"""
# A reset may come before `connect` has returned.
EXPECT_RESET = """
try: print(client().recv(1))
except ConnectionResetError: print("reset")
"""
MANY = """
states, held = [], []
for _ in range(4):
    try:
        held.append(client()); held[-1].sendall(b"hi"); states.append(held[-1].recv(2).decode())
    except ConnectionError: states.append("reset")
print(*sorted(states))
"""


def tool(code: str, port: int) -> subprocess.Popen[bytes]:
    """A program of the user's, which prints what it saw."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", PROLOGUE + code, str(port)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def seen_through_forward(play: Play, code: str, listening: bool) -> str:
    """What the tool prints when it uses a forward to PLC 1."""
    # The sink is a file because the scene may play in another process.
    listener = host_socket()
    program = tool(code, listener.getsockname()[1])
    assert program.stdout is not None
    output = program.stdout

    async def scene(network: Net) -> None:
        server = await echo(network, "control", PLC1, 502) if listening else None
        forward = Forward(LINE, network, PLC, listener)
        while chunk := await asyncio.to_thread(output.read, 100):
            sink.write(chunk)
        sink.flush()
        await forward.stop()
        await forward.stop()
        if server is not None:
            server.close()

    with program, output, tempfile.TemporaryFile(buffering=0) as sink:
        play(LINE, scene)
        program.wait(HANG_S)
        sink.seek(0)
        text = str(sink.read(), "utf-8").strip()
    listener.close()
    return text


@both_networks
def test_bytes_half_close_and_the_workstation_address_pass(play: Play) -> None:
    source, count = seen_through_forward(play, EXCHANGE, listening=True).split()
    assert source in {"10.20.1.250", "127.0.0.1"}
    assert count == "1000000"


@both_networks
def test_a_device_that_does_not_listen_is_a_reset(play: Play) -> None:
    assert seen_through_forward(play, EXPECT_RESET, listening=False) == "reset"


@both_networks
def test_connections_are_capped(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwards, "CONNECTIONS_MAX", 3)
    assert seen_through_forward(play, MANY, listening=True) == "hi hi hi reset"


def test_a_taken_host_port_names_the_device_and_the_remedy() -> None:
    with host_socket() as held:
        port = held.getsockname()[1]
        with pytest.raises(StartError) as caught:
            host_sockets(LINE, {"broker": port})
    assert "broker" in caught.value.text.en
    assert str(port) in caught.value.text.en


def test_a_port_asked_for_is_the_one_given() -> None:
    with host_socket() as held:
        port = held.getsockname()[1]
    sockets = host_sockets(LINE, {"plc1": port})
    assert sockets["plc1"].getsockname()[1] == port
    assert sorted(sockets) == ["broker", "plc1", "plc2"]
    for listener in sockets.values():
        listener.close()
