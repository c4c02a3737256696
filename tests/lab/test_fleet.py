import os
import selectors
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.catalog import line_path
from lab.labs import LabStatus
from lab.paths import Paths
from lab.supervisor.fleet import CRASHES_MAX, Fleet, Waiter
from simulators.errors import InputError
from simulators.host.journal import kept
from simulators.host.plan import Plan
from simulators.model import Line
from simulators.text import Text
from tests.lab.fake_runtime import FakeRuntime, turn


class Asker:
    """Remembers what a start was answered."""

    def __init__(self) -> None:
        self.progress: list[dict[str, Any]] = []
        self.done: list[LabStatus] = []
        self.failed: list[dict[str, str]] = []

    def waiter(self) -> Waiter:
        return Waiter(self.progress.append, self.done.append, self.failed.append)


class Yard:
    """A fleet on a fake runtime."""

    def __init__(self, home: Path) -> None:
        self.paths = Paths(home)
        self.paths.prepare()
        self.runtime = FakeRuntime()
        self.selector = selectors.DefaultSelector()
        self.said: list[Text] = []
        self.fleet = Fleet(self.paths, {"fake": self.runtime}, self.selector, log=self.said.append)
        self.asker = Asker()

    def start(self, name: str = "one") -> None:
        plan = Plan(
            name=name, line=str(line_path("bottling")), seed=7, folder=str(self.paths.lab(name)),
            control=str(self.paths.control(name)), token="secret",
        )  # fmt: skip
        self.fleet.start(plan, "fake", self.asker.waiter())

    def turn(self) -> None:
        turn(self.selector)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    for lab in made.runtime.labs:
        lab.end()
    made.turn()


def test_a_start_is_answered_when_the_lab_is_ready(yard: Yard) -> None:
    yard.start()
    yard.turn()
    assert yard.asker.done == []
    yard.runtime.labs[0].ready()
    yard.turn()
    assert yard.asker.progress == [{"device": "plc1", "state": "ok"}]
    assert [status.state for status in yard.asker.done] == ["running"]
    assert yard.runtime.labs[0].settled
    assert yard.paths.handle("one").stat().st_mode & 0o077 == 0


def test_a_refused_start_is_answered_with_the_reason_and_leaves_nothing(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].say({"error": {"kind": "StartError", "fr": "port pris", "en": "port taken"}})
    yard.runtime.labs[0].end()
    yard.turn()
    assert yard.asker.failed == [{"kind": "StartError", "fr": "port pris", "en": "port taken"}]
    assert yard.fleet.labs == {}


def test_a_death_during_the_start_is_answered(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].end()
    yard.turn()
    assert "ended 1000" in yard.asker.failed[0]["en"]
    assert yard.fleet.labs == {}


def test_a_closed_descriptor_that_a_sibling_still_holds_wakes_nobody_else(yard: Yard) -> None:
    """A lab forked at that moment holds a copy of every descriptor, until it closes them."""
    yard.start()
    lab = yard.runtime.labs[0]
    held_by_a_sibling = os.dup(lab.reader)
    lab.ready()
    lab.hush()
    yard.turn()
    other_reader, other_writer = os.pipe()
    os.dup2(other_reader, lab.reader)
    yard.selector.register(lab.reader, selectors.EVENT_READ)
    try:
        assert yard.selector.select(timeout=0) == []
    finally:
        yard.selector.unregister(lab.reader)
        for descriptor in {held_by_a_sibling, lab.reader, other_reader, other_writer}:
            os.close(descriptor)


def test_a_lab_that_is_said_to_have_ended_and_has_not_goes_on(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    lab = yard.fleet.labs["one"]
    yard.selector.get_key(lab.watched or -1).data()
    assert yard.fleet.labs["one"].state == "running"
    assert len(yard.runtime.labs) == 1


def test_a_lab_that_never_gets_ready_is_ended_and_its_slow_devices_named(yard: Yard) -> None:
    yard.runtime.start_limit_s = -1.0
    yard.start()
    yard.runtime.labs[0].say({"device": "plc1", "state": "ok"})
    yard.runtime.labs[0].say({"device": "broker", "state": "starting"})
    yard.turn()
    yard.fleet.press()
    yard.turn()
    assert "broker" in yard.asker.failed[0]["en"]
    assert "plc1" not in yard.asker.failed[0]["en"]
    assert yard.fleet.labs == {}


def test_a_lab_that_waits_for_its_turn_has_its_own_time_from_then_on(yard: Yard) -> None:
    yard.start()
    (lab,) = yard.fleet.labs.values()
    lab.start_by_s = 0.0
    yard.runtime.labs[0].say({"queued": 4})
    yard.turn()
    yard.fleet.press()
    assert yard.runtime.labs[0].asked_to_end == []
    assert yard.asker.progress == [{"queued": 4}]
    assert lab.awaited == {}


def test_a_crash_is_seen_and_the_lab_restarted_with_its_ports(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.runtime.labs[0].end()
    yard.turn()
    again = yard.runtime.labs[1]
    assert again.handle.restarts == 1
    assert again.handle.plan.forwards == {"plc1": 5020}
    again.ready()
    yard.turn()
    assert yard.fleet.labs["one"].state == "running"
    (said,) = yard.said
    assert said.en == "lab one (pid 1000): ended (ended 1000), started again (restart 1)"
    assert said.fr == "labo one (pid 1000) : fini (ended 1000), redémarré (n° 1)"


def test_a_lab_that_cannot_be_started_again_has_failed_with_the_reason(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_path: Path, _runtime: str) -> Line:
        raise InputError("ligne absente", "no such line")

    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    monkeypatch.setattr(yard.fleet, "line", gone)
    yard.runtime.labs[0].end()
    yard.turn()
    assert yard.fleet.labs["one"].state == "failed"
    assert yard.fleet.labs["one"].detail == "ended 1000 ; ligne absente / no such line"
    assert yard.said[-1].en.endswith("given up; reason given: no such line")


def test_the_death_is_in_the_labs_own_journal(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.paths.lab("one").mkdir()
    yard.runtime.labs[0].end()
    yard.turn()
    (event,) = kept(yard.paths.lab("one"), None, 9)
    assert (event["device"], event["event"], event["how"]) == ("supervisor", "lab_ended", "ended 1000")


def test_a_lab_that_keeps_crashing_is_given_up_and_says_so(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    for _ in range(CRASHES_MAX + 1):
        yard.runtime.labs[-1].end()
        yard.turn()
    lab = yard.fleet.labs["one"]
    assert lab.state == "failed"
    assert lab.detail == f"{CRASHES_MAX + 1} × ended {1000 + CRASHES_MAX}"
    assert yard.said[-1].en.startswith(
        f"lab one (pid {1000 + CRASHES_MAX}): ended (ended {1000 + CRASHES_MAX}), given up"
    )
    assert "abandonné" in yard.said[-1].fr
    assert len(yard.runtime.labs) == CRASHES_MAX + 1
    assert yard.fleet.status(lab).pid is None
    told: list[bool] = []
    yard.fleet.stop(lab, lambda: told.append(True))
    assert told == [True]
    assert yard.fleet.labs == {}


def test_stop_ends_and_is_answered_at_the_end(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    told: list[bool] = []
    yard.fleet.stop(yard.fleet.labs["one"], lambda: told.append(True))
    yard.turn()
    assert told == [True]
    assert len(yard.runtime.labs) == 1
    assert not yard.paths.handle("one").exists()


def test_a_lab_that_does_not_end_is_made_to(yard: Yard) -> None:
    yard.runtime.stop_limit_s = 0.0
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.runtime.obeys = False
    yard.fleet.stop(yard.fleet.labs["one"])
    yard.fleet.press()
    yard.turn()
    assert yard.runtime.labs[0].asked_to_end[:2] == [False, True]
    assert yard.fleet.labs == {}


def test_a_new_supervisor_adopts_what_runs_and_forgets_what_does_not(yard: Yard) -> None:
    yard.start("one")
    yard.start("two")
    for lab in yard.runtime.labs:
        lab.ready()
    yard.turn()
    later = Fleet(yard.paths, {"fake": yard.runtime}, selectors.DefaultSelector())
    yard.runtime.labs[1].alive = False
    later.adopt()
    assert list(later.labs) == ["one"]
    assert later.labs["one"].state == "running"
    assert not yard.paths.handle("two").exists()
    yard.runtime.labs[1].alive = True


def test_one_that_was_found_again_and_cannot_be_reached_yet_is_said_to_start(yard: Yard) -> None:
    yard.start("one")
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.runtime.reachable = False
    later = Fleet(yard.paths, {"fake": yard.runtime}, selectors.DefaultSelector())
    later.adopt()
    assert later.status(later.labs["one"]).state == "starting"
    later.press()
    yard.runtime.reachable = True
    assert later.status(later.labs["one"]).state == "running"
    assert yard.runtime.labs[0].asked_to_end == []


def test_one_that_is_being_ended_is_not_said_to_start(yard: Yard) -> None:
    yard.start("one")
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.runtime.obeys = yard.runtime.reachable = False
    yard.fleet.stop(yard.fleet.labs["one"])
    assert yard.fleet.status(yard.fleet.labs["one"]).state == "running"


def test_forget_deletes_the_files(yard: Yard) -> None:
    yard.start()
    yard.runtime.labs[0].ready()
    yard.turn()
    folder = yard.paths.lab("one")
    folder.mkdir()
    yard.fleet.stop(yard.fleet.labs["one"], forget=True)
    yard.turn()
    assert not folder.exists()


def test_a_lab_that_only_its_runtime_knows_is_adopted_too(yard: Yard) -> None:
    yard.start("one")
    yard.runtime.labs[0].ready()
    yard.turn()
    yard.paths.handle("one").unlink()
    yard.runtime.known = [yard.runtime.labs[0].handle]
    later = Fleet(yard.paths, {"fake": yard.runtime}, selectors.DefaultSelector())
    later.adopt()
    assert list(later.labs) == ["one"]


def test_a_runtime_that_says_where_the_labs_own_line_is(yard: Yard) -> None:
    yard.start("one")
    yard.runtime.labs[0].say({"ready": True, "forwards": {}, "zones": True, "line": "/its/own/line.yaml"})
    yard.turn()
    assert yard.fleet.labs["one"].handle.plan.line == "/its/own/line.yaml"


def test_an_unknown_runtime_names_the_known_ones(yard: Yard) -> None:
    with pytest.raises(InputError, match="fake"):
        yard.fleet.runtime("swarm")


def test_a_spread_lab_is_started_again_as_one_and_says_its_machines(yard: Yard) -> None:
    plan = Plan(
        name="one", line=str(line_path("bottling")), seed=7, folder=str(yard.paths.lab("one")),
        control=str(yard.paths.control("one")), token="secret", spread=True,
    )  # fmt: skip
    yard.fleet.start(plan, "fake", yard.asker.waiter())
    yard.runtime.labs[0].say({"ready": True, "forwards": {}, "machines": ["a", "b"]})
    yard.turn()
    assert yard.asker.done[0].machines == ["a", "b"]
    yard.runtime.labs[0].end()
    yard.turn()
    assert yard.runtime.labs[1].handle.plan.spread
    assert yard.fleet.status(yard.fleet.labs["one"]).machines == []
