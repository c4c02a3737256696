"""Who is first in a container waits for what others left, and leaves its own children to who started them."""

import subprocess
import sys

# Tried in a process of its own: it waits for every child that there is.
TRIED = """
import os, subprocess, sys
from simulators.host.orphans import reaped

def ended(pid):
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

assert reaped(list), "nobody there"
running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
assert reaped(list), "nobody has ended"

own = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
ended(own.pid)
assert not reaped(lambda: [own.pid]), "an own child"
assert own.wait() == 7, "its exit code is there for who started it"

stranger = os.fork()
if stranger == 0:
    os._exit(0)
ended(stranger)
assert reaped(lambda: [running.pid])
try:
    os.waitpid(stranger, os.WNOHANG)
except ChildProcessError:
    running.communicate(b"\\n")
else:
    raise AssertionError("a stranger stays")
"""


def test_strangers_are_waited_for_and_own_children_are_not() -> None:
    subprocess.run([sys.executable, "-c", TRIED], check=True, timeout=60)
