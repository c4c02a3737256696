"""Root of a container becomes an ordinary user that keeps what is named and nothing else."""

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from simulators.host.privileges import NET_ADMIN, NET_RAW, USER_VARIABLE, become, wanted_user
from simulators.network import linux

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave root")


def in_child(scene: Callable[[], None]) -> None:
    """Play the scene in a child that is root of a network namespace of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            linux.unshare(linux.NEWNET)
            scene()
            said = "done"
        except BaseException:
            said = traceback.format_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    assert said == "done", said


def raw_socket() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


@root_only
def test_nothing_is_kept_unless_it_is_named() -> None:
    def scene() -> None:
        become(1234, 4321)
        assert (os.getresuid(), os.getresgid()) == ((1234,) * 3, (4321,) * 3)
        assert os.getgroups() == []
        for forbidden in (raw_socket, lambda: os.setuid(0), lambda: Path("/etc/shadow").read_bytes()):
            with pytest.raises(PermissionError):
                forbidden()

    in_child(scene)


@root_only
def test_what_is_named_is_kept_also_by_the_programs_it_starts() -> None:
    def scene() -> None:
        become(1234, 1234, keep=(NET_RAW,))
        raw_socket()
        with pytest.raises(OSError):  # noqa: PT011 -- EPERM of the kernel's own answer
            linux.add_address("lo", "10.20.1.1")
        status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True)
        held = next(line for line in status.stdout.splitlines() if line.startswith("CapEff"))
        assert int(held.split()[1], 16) == 1 << NET_RAW

    in_child(scene)


@root_only
def test_the_gateways_rights() -> None:
    def scene() -> None:
        become(1234, 1234, keep=(NET_ADMIN, NET_RAW))
        linux.receive(["10.20.1.9"])
        with socket.socket() as standing_in:
            linux.stand_in(standing_in, "lo")

    in_child(scene)


@pytest.mark.parametrize(
    ("words", "user"),
    [("1000:1001", (1000, 1001)), ("1000", (1000, 1000)), ("", (os.geteuid(), os.getegid()))],
)
def test_the_user_that_is_wanted(monkeypatch: pytest.MonkeyPatch, words: str, user: tuple[int, int]) -> None:
    monkeypatch.setenv("USINE_USER", words)
    assert wanted_user() == user


@pytest.mark.needs("namespaces", "unshare")
def test_who_is_to_stay_root_in_a_namespace_of_its_own_stays_it() -> None:
    """There, groups cannot be set at all."""
    code = "from simulators.host.privileges import become, wanted_user; become(*wanted_user()); import os; print(os.geteuid())"
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != USER_VARIABLE}
    assert (
        subprocess.run(command, capture_output=True, check=True, env=environment, timeout=30).stdout == b"0\n"
    )
