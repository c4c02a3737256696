"""Who takes a supervisor's orders goes with it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Has a thread wait for an answer that does not come, as of a lab that ends, and says so.
WAITS = """
import asyncio, os, time
from lab.runtimes.docker.orders import run

class Waiting:
    def __init__(self, orders, home):
        self.orders = orders

    def listen(self):
        self.orders.listen(self.obey)

    def obey(self, fds, order):
        return self.wait(*fds)

    async def wait(self, news):
        waited = asyncio.to_thread(time.sleep, 60)
        asyncio.get_running_loop().call_soon(os.write, news, b"waits")
        await waited

run(Waiting)
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-c", WAITS, str(theirs.fileno()), str(tmp_path)]
    with theirs, ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        try:
            theirs.close()
            yield ours, process
        finally:
            process.kill()


def test_it_does_not_wait_for_what_it_waits_for(
    waiting: tuple[socket.socket, subprocess.Popen[bytes]],
) -> None:
    supervisor, process = waiting
    news, theirs = socket.socketpair()
    with news, theirs:
        socket.send_fds(supervisor, [b"{}"], [theirs.fileno()])
        news.settimeout(30)
        assert news.recv(64) == b"waits"
        supervisor.close()
        assert process.wait(10) == 0
