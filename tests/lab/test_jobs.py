"""Jobs of the supervisor on a fake runtime, then the local runtime's real processes."""

import os
import select
import selectors
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.catalog import line_path
from lab.jobs import make_ready
from lab.labs import Job
from lab.paths import Paths
from lab.probes import contract
from lab.runtimes import errand, news
from lab.runtimes.contract import Handle
from lab.runtimes.limits import Limits
from lab.runtimes.local import LocalRuntime
from lab.supervisor import jobs as module
from lab.supervisor.fleet import Fleet
from lab.supervisor.jobs import JOBS_MAX_PER_LAB, Asker, Jobs
from simulators.errors import InputError, NotFoundError, StartError
from simulators.host.plan import Plan
from tests.fakes import a_line
from tests.lab.fake_runtime import FakeRuntime, turn
from tests.waiting import within

LINE = a_line([])
PROBE = Job("one", "probe", "reach.tcp", "control")


class Heard:
    """Remembers what a job was answered."""

    def __init__(self) -> None:
        self.progress: list[dict[str, Any]] = []
        self.done: list[Any] = []
        self.failed: list[dict[str, str]] = []

    def asker(self) -> Asker:
        return Asker(self.progress.append, self.done.append, self.failed.append)


class Shop:
    """Jobs on a fake runtime."""

    def __init__(self) -> None:
        self.runtime = FakeRuntime()
        self.selector = selectors.DefaultSelector()
        self.jobs = Jobs({"fake": self.runtime}, self.selector)
        self.heard = Heard()

    def start(self, job: Job = PROBE) -> Callable[[], None]:
        plan = Plan(name=job.lab, line="x", seed=1, folder="x", control="x", token="t")
        return self.jobs.start(job, Handle(plan, 1, 1, 0.0, runtime="fake"), LINE, self.heard.asker())

    def turn(self) -> None:
        turn(self.selector)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    for job in made.runtime.jobs:
        job.die()
    made.turn()


def test_progress_is_relayed_and_the_result_is_the_answer(shop: Shop) -> None:
    shop.start()
    job = shop.runtime.jobs[0]
    job.say({"progress": {"say": "at it"}})
    shop.turn()
    assert (shop.heard.progress, shop.heard.done) == ([{"say": "at it"}], [])
    job.say({"result": {"observed": "open"}})
    job.die()
    shop.turn()
    shop.jobs.press()
    assert shop.heard.done == [{"observed": "open"}]
    assert shop.heard.failed == []
    assert job.closed
    assert job.released


def test_a_refusal_is_answered_once(shop: Shop) -> None:
    shop.start()
    shop.runtime.jobs[0].say({"error": {"kind": "InputError", "fr": "non", "en": "no"}})
    shop.runtime.jobs[0].die()
    shop.turn()
    assert shop.heard.failed == [{"kind": "InputError", "fr": "non", "en": "no"}]


def test_a_death_without_a_word_is_answered(shop: Shop) -> None:
    shop.start()
    shop.runtime.jobs[0].die()
    shop.turn()
    assert "without a result" in shop.heard.failed[0]["en"]


def test_a_job_that_passes_its_limit_is_made_to_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.GRACE_S, "probe", 0.0)
    shop.start(msgspec.structs.replace(PROBE, limit_s=0.01))
    time.sleep(0.02)
    shop.jobs.press()
    shop.turn()
    assert [refused["kind"] for refused in shop.heard.failed] == ["TimeLimitError"]
    assert shop.runtime.jobs[0].asked_to_end[0] is True


def test_a_job_ends_with_whoever_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(module.GRACE_S, "probe", -1.0)
    leave = shop.start()
    leave()
    job = shop.runtime.jobs[0]
    assert job.asked_to_end == [False]
    shop.jobs.press()
    shop.turn()
    assert job.asked_to_end[:2] == [False, True]
    assert (shop.heard.done, shop.heard.failed) == ([], [])
    leave()


def test_a_job_ends_with_its_lab_and_no_other_does(shop: Shop) -> None:
    shop.start()
    shop.start(msgspec.structs.replace(PROBE, lab="two"))
    shop.jobs.forsake("one")
    shop.turn()
    assert "lab one has ended" in shop.heard.failed[0]["en"]
    assert [job.alive for job in shop.runtime.jobs] == [False, True]


def test_the_fleet_tells_of_each_lab_that_ends(tmp_path: Path) -> None:
    """Stopped, or crashed and started again."""
    paths = Paths(tmp_path)
    paths.prepare()
    runtime, selector, ended = FakeRuntime(), selectors.DefaultSelector(), list[str]()
    fleet = Fleet(paths, {"fake": runtime}, selector, ended.append)
    for name in ("one", "two"):
        plan = Plan(name, str(line_path("bottling")), 7, str(paths.lab(name)), str(paths.control(name)), "t")
        fleet.start(plan, "fake")
        runtime.labs[-1].ready()
    turn(selector)
    assert ended == []
    fleet.stop(fleet.labs["one"])
    turn(selector)
    assert ended == ["one"]
    runtime.labs[1].end()
    turn(selector)
    assert ended == ["one", "two"]
    for lab in runtime.labs:
        lab.end()
    turn(selector)


def test_there_are_so_many_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(JOBS_MAX_PER_LAB):
        shop.start()
    with pytest.raises(StartError, match=r"8 .*8 at most|8 au plus"):
        shop.start()
    shop.runtime.jobs[0].die()
    shop.turn()
    shop.start()
    monkeypatch.setattr(module, "JOBS_MAX", JOBS_MAX_PER_LAB)
    with pytest.raises(StartError):
        shop.start(msgspec.structs.replace(PROBE, lab="two"))


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"zone": "nowhere"}, NotFoundError), ({"limit_s": 0.0}, InputError), ({"limit_s": 1e9}, InputError)],
)
def test_what_cannot_be_run_is_refused(shop: Shop, change: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        shop.start(msgspec.structs.replace(PROBE, **change))
    assert shop.runtime.jobs == []


def test_a_closed_descriptor_that_a_sibling_still_holds_wakes_nobody_else(shop: Shop) -> None:
    shop.start()
    job = shop.runtime.jobs[0]
    held_by_a_sibling = os.dup(job.reader)
    job.die()
    shop.turn()
    other_reader, other_writer = os.pipe()
    os.dup2(other_reader, job.reader)
    shop.selector.register(job.reader, selectors.EVENT_READ)
    try:
        assert shop.selector.select(timeout=0) == []
    finally:
        shop.selector.unregister(job.reader)
        for descriptor in {held_by_a_sibling, job.reader, other_reader, other_writer}:
            os.close(descriptor)


# Real processes of the local runtime, which do what the test says in place of entering a lab.


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], errand.LocalErrand]]:
    runtime = LocalRuntime(Limits(tmp_path / "no-cgroups"), tmp_path / "log")
    plan = Plan(name="one", line="x", seed=1, folder=str(tmp_path), control=str(tmp_path / "c"), token="t")
    begun: list[errand.LocalErrand] = []

    def start(body: Any) -> errand.LocalErrand:
        monkeypatch.setattr(errand, "perform", lambda *_: body())
        begun.append(runtime.job(Handle(plan, 1, 1, 0.0, runtime="fake"), LINE, PROBE))
        return begun[-1]

    yield start
    for made in begun:
        made.end(force=True)
        made.close()
        _gone(made)


def _gone(made: errand.LocalErrand) -> None:
    within(5, made.gone)


def _news(made: errand.LocalErrand) -> list[dict[str, Any]] | None:
    assert select.select([made], [], [], 5)[0]
    return made.news()


def test_a_process_reports_and_goes(begin: Callable[[Any], errand.LocalErrand]) -> None:
    made = begin(lambda: errand.report({"result": [os.getsid(0) == os.getpid(), sorted(_open_files())]}))
    assert _news(made) == [{"result": [True, [0, 1, 2, 3]]}]
    assert _news(made) is None
    _gone(made)
    made.end(force=True)


def _open_files() -> list[int]:
    return [number for number in range(256) if Path(f"/proc/self/fd/{number}").is_symlink()]


def test_a_process_that_hangs_is_made_to_end(begin: Callable[[Any], errand.LocalErrand]) -> None:
    made = begin(lambda: time.sleep(60))
    assert made.news() == []
    made.end(force=False)
    assert _news(made) is None
    _gone(made)


def test_a_process_that_says_too_much_is_cut_off(
    begin: Callable[[Any], errand.LocalErrand], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "OUTPUT_LIMIT_BYTES", 100_000)

    def chatter() -> None:
        while True:
            errand.report({"progress": {"say": "x" * 60_000}})

    made = begin(chatter)
    for _ in range(50):
        if _news(made) is None:
            return
    raise AssertionError("nobody stopped it")


def test_a_process_cannot_take_all_the_memory(begin: Callable[[Any], errand.LocalErrand]) -> None:
    def hoard() -> None:
        try:
            bytearray(1 << 30)
        except MemoryError:
            errand.report({"result": "bounded"})

    assert _news(begin(hoard)) == [{"result": "bounded"}]


def test_what_jobs_share_is_made_once_before_any_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = contract.probe("opcua.session")
    monkeypatch.setattr("lab.jobs._find", lambda _name: replace(real, ready=lambda: made.append(1)))
    make_ready(Job("x", "probe", "opcua.session", "control", {}, 1.0))
    assert made == [1]
    monkeypatch.undo()
    make_ready(Job("x", "probe", "no.such", "control", {}, 1.0))
    make_ready(Job("x", "attack", "scan", "control", {}, 1.0))


def test_it_is_made_in_the_process_that_is_forked_from(
    begin: Callable[[Any], errand.LocalErrand], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = contract.probe(PROBE.name)
    monkeypatch.setattr("lab.jobs._find", lambda _name: replace(real, ready=lambda: made.append(os.getpid())))
    job = begin(lambda: errand.report({"result": made}))
    assert _news(job) == [{"result": [os.getpid()]}]
