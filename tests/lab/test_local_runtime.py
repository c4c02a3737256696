"""The local runtime's own processes, with a lab that is none: it ends at once."""

import os
import select
from pathlib import Path
from typing import Any

import pytest

from lab.runtimes import local
from lab.runtimes.limits import Limits
from lab.runtimes.local import LocalRuntime
from simulators.host.plan import Plan
from tests.fakes import a_line


def fails_at_once(_plan: Any, _line: Any, report: Any) -> int:
    report({"error": {"kind": "StartError", "fr": "non", "en": "no"}})
    return 1


def test_a_lab_that_ends_before_anybody_looks_is_seen_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "run", fails_at_once)
    runtime = LocalRuntime(Limits(tmp_path / "no-cgroups"), tmp_path / "log")
    plan = Plan(name="x", line="x", seed=1, folder=str(tmp_path), control=str(tmp_path / "c"), token="t")
    launch = runtime.launch(plan, a_line([]), 0)
    os.waitid(os.P_PID, launch.handle.pid, os.WEXITED | os.WNOWAIT)
    watched = runtime.watch(launch.handle)
    assert watched is not None
    assert select.select([watched], [], [], 5)[0]
    os.close(watched)
    assert launch.news() == [{"error": {"kind": "StartError", "fr": "non", "en": "no"}}]
    assert launch.news() is None
    assert runtime.reap(launch.handle) == "exit 1"
    assert runtime.watch(launch.handle) is None
