"""Author tests that are interrupted, twice even, still end their labs."""

import signal
import subprocess
import sys

import pytest

# A workshop whose labs take a while to end; it says when it begins to end them, and when they have. What starts the tests
# in the background may have SIGINT ignored.
CODE = """
import signal
import time
from lab.exercises import workshop as module

signal.signal(signal.SIGINT, signal.default_int_handler)

class Slow:
    def __init__(self, paths): ...
    def running(self): return True
    def shutdown(self, labs):
        print("ending", flush=True)
        time.sleep(0.5)
        print("ended" if labs else "left", flush=True)

module.ensure_supervisor = lambda paths: None
module.SupervisorClient = Slow
with module.workshop():
    print("at work", flush=True)
    time.sleep(30)
"""


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_short_what_the_first_began(
    first: signal.Signals, second: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as author:
        assert author.stdout is not None
        assert author.stdout.readline() == "at work\n"
        author.send_signal(first)
        assert author.stdout.readline() == "ending\n"
        author.send_signal(second)
        assert author.stdout.read() == "ended\n"
    assert author.returncode != 0
