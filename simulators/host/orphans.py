"""A container's first process is the parent of whoever lost theirs, and nobody else can take leave of them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Collection

# What waits for a child of its own soon does.
AGAIN_S = 0.2


def wait_for_orphans(own: Callable[[], Collection[int]]) -> None:
    """In a running loop of a container's first process: wait for whatever ends, but for the children that are its `own`.

    A workstation's (`workstation/orphans.py`) waits in a process of its own, which each of a lab's devices would pay.
    Else what a program leaves behind, ended and waited for by nobody, would fill the container's number of processes.
    """
    if os.getpid() != 1:
        return
    loop = asyncio.get_running_loop()

    def reap() -> None:
        if not reaped(own):
            loop.call_later(AGAIN_S, reap)

    loop.add_signal_handler(signal.SIGCHLD, reap)


def reaped(own: Callable[[], Collection[int]]) -> bool:
    """Wait for every child that has ended, up to one of `own`; whether there was none such."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in own():
                return False
            os.waitpid(ended.si_pid, 0)
    return True
