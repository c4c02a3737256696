"""What a tap hears: one interface's frames, whatever it does with its socket."""

import os
import select
import socket
import subprocess
import time

import pytest

from simulators.errors import InputError, StartError
from simulators.host.privileges import become
from simulators.host.tap import BRIDGE_VARIABLE, heard
from simulators.network import linux
from simulators.network.feed import FEED_VARIABLE, ZONE_VARIABLE
from tests.simulators.host.test_privileges import in_child

FRAME = b"\xff" * 6 + b"\x02" * 6 + b"\x08\x00" + b"marked" * 10
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make interfaces")


def pair(number: int) -> socket.socket:
    """Two interfaces that are joined, `ours0` and `theirs0`; what sends on theirs."""
    add = ["ip", "link", "add", f"ours{number}", "type", "veth", "peer", "name", f"theirs{number}"]
    subprocess.run(add, check=True)
    for name in (f"ours{number}", f"theirs{number}"):
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((f"theirs{number}", 0x0800))
    return sender


def hears(frames: socket.socket, limit_s: float = 0.3) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if select.select([frames], [], [], 0.05)[0]:
            frame, unix_s = linux.frame_of(frames)
            if frame == FRAME:
                assert abs(time.time() - unix_s) < 5
                return True
    return False


@root_only
@pytest.mark.needs("ip")
def test_one_interface_is_heard_and_no_other() -> None:
    def scene() -> None:
        first, second = pair(1), pair(2)
        frames = linux.bridge_socket("ours1")
        become(1234, 1234)
        second.send(FRAME)
        assert not hears(frames)
        first.send(FRAME)
        assert hears(frames)
        # Any process may bind a packet socket that it has to another interface: the filter stays.
        frames.bind(("ours2", 0x0800))
        second.send(FRAME)
        assert not hears(frames)
        with pytest.raises(PermissionError):
            frames.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER
        frames.bind(("ours1", 0x0800))
        first.send(FRAME)
        assert hears(frames)

    in_child(scene)


def test_a_tap_says_what_it_lacks() -> None:
    with pytest.raises(InputError, match=BRIDGE_VARIABLE):
        heard({})
    given = {
        FEED_VARIABLE: "unix:/x",
        ZONE_VARIABLE: "control",
        BRIDGE_VARIABLE: "usine-gone",
        "USINE_TOKEN": "t",
    }
    with pytest.raises(StartError, match="usine-gone"):
        heard(given)
