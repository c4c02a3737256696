"""The attack runner on a lab that is a clock: dates, labels, limits, undoing, and staying inside."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from lab.attacks import engine
from lab.attacks.contract import Attack, Field
from lab.jobs import work
from lab.labs import Job
from lab.probes.place import Flat, Zoned
from simulators.errors import InputError, NotFoundError, TimeLimitError, UsineError
from simulators.text import Text
from tests.fakes import a_device, a_line
from tests.lab.probes.stage import FakeConnection

LINE = a_line([a_device("plc1", "modbus_plc", port=502, program="x.st")])
ZONED = Zoned(LINE, "control")
SPEED = 100.0
ORIGIN_S = 1_800_000_000.0


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    victim: str = "10.20.1.10"
    count: int = 1


class Scene:
    """One attack whose parts the test writes; the lab's clock runs a hundred times as fast."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self.begun_s = time.monotonic()
        self.paused = False
        self.control = FakeConnection({"clock": self.clock})
        self._patch = monkeypatch

    def clock(self) -> dict[str, Any]:
        t_s = (time.monotonic() - self.begun_s) * SPEED
        return {"t_s": t_s, "unix_s": ORIGIN_S + t_s, "speed": SPEED, "paused": self.paused}

    def attack(self, run: Any, undo: Any = None, **more: Any) -> None:
        made = Attack("scan", Text(fr="b", en="s"), "T0846", Arguments, "control", run, undo, **more)
        self._patch.setattr(engine, "attacks", lambda: {made.id: made})

    def run(self, where: Any = ZONED, limit_s: float = 5.0, **arguments: Any) -> Any:
        job = Job("one", "attack", "scan", "control", arguments, limit_s)
        return work(job)(where, self.control, self.heard.append)

    def labels(self) -> list[dict[str, Any]]:
        return [message["label"] for message in self.heard if "label" in message]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


async def undo(field: Field, _args: Any) -> None:
    await field.wait(1)
    field.say(Text(fr="défait", en="undone"))


def test_an_attack_is_labelled_on_the_labs_clock(scene: Scene) -> None:
    async def run(field: Field, args: Arguments) -> None:
        await field.wait(20)
        field.began("plc1", field.where.check(args.victim))
        field.began("plc1", "again")
        field.say(Text(fr="je balaie", en="scanning"))
        await field.wait(30)

    scene.attack(run)
    assert scene.run(count=3) is None
    begun, ended = scene.labels()
    assert begun == {**ended, "end_unix_s": 0.0}
    assert ended["start_unix_s"] - ORIGIN_S == pytest.approx(20, abs=15)
    assert ended["end_unix_s"] - ended["start_unix_s"] == pytest.approx(30, abs=15)
    assert (ended["technique"], ended["target"], ended["source"]) == ("T0846", "plc1", "10.20.1.10")
    assert {"say": {"fr": "je balaie", "en": "scanning"}} in scene.heard


@pytest.mark.parametrize("wanted", [True, False])
def test_what_it_changed_is_undone_where_asked(scene: Scene, wanted: bool) -> None:
    async def run(field: Field, _args: Any) -> None:
        field.began("plc1", "x")

    scene.attack(run, undo)
    scene.run(undo=wanted)
    assert ({"say": {"fr": "défait", "en": "undone"}} in scene.heard) is wanted


@pytest.mark.parametrize("limit_s", [0.2, 60.0])
def test_an_attack_that_does_not_end_is_ended_labelled_and_undone(scene: Scene, limit_s: float) -> None:
    """At the job's limit on the wall, and at its own of simulated time."""

    async def run(field: Field, _args: Any) -> None:
        field.began("plc1", "x")
        await asyncio.sleep(3600)

    scene.attack(run, undo, limit_s=20.0 if limit_s > 1 else 1e6)
    begun_s = time.monotonic()
    with pytest.raises(TimeLimitError):
        scene.run(limit_s=limit_s)
    assert time.monotonic() - begun_s < 3
    assert [bool(label["end_unix_s"]) for label in scene.labels()] == [False, True]
    assert scene.heard[-1] == {"say": {"fr": "défait", "en": "undone"}}


def test_a_target_that_cuts_it_short_is_said_and_the_rest_undone(scene: Scene) -> None:
    async def run(field: Field, _args: Any) -> None:
        field.began("plc1", "x")
        raise ConnectionResetError("reset by peer")

    scene.attack(run, undo)
    with pytest.raises(UsineError, match="connexion coupée"):
        scene.run()
    assert len(scene.labels()) == 2
    assert scene.heard[-1] == {"say": {"fr": "défait", "en": "undone"}}


def test_before_it_begins_there_is_no_label(scene: Scene) -> None:
    async def run(_field: Field, _args: Any) -> None:
        raise UsineError("non", "no")

    scene.attack(run)
    with pytest.raises(UsineError):
        scene.run()
    assert scene.labels() == []


def test_time_does_not_pass_in_a_paused_lab(scene: Scene) -> None:
    async def run(field: Field, _args: Any) -> None:
        await field.wait(1)

    scene.paused = True
    scene.attack(run)
    with pytest.raises(TimeLimitError):
        scene.run(limit_s=0.2)


@pytest.mark.parametrize("victim", ["8.8.8.8", "127.0.0.1", "10.21.1.1", "::1"])
def test_an_address_outside_the_lab_is_refused_before_anything_runs(scene: Scene, victim: str) -> None:
    async def run(_field: Field, _args: Any) -> None:
        scene.done.append("ran")

    scene.attack(run)
    with pytest.raises(InputError, match="lab"):
        scene.run(victim=victim)
    assert scene.done == []


def test_without_zones_it_does_not_run(scene: Scene) -> None:
    async def run(_field: Field, _args: Any) -> None:
        scene.done.append("ran")

    scene.attack(run)
    with pytest.raises(InputError, match="zones"):
        scene.run(Flat(LINE, "control", []), victim="127.0.0.1")
    scene.attack(run, needs=())
    scene.run(Flat(LINE, "control", []), victim="127.0.0.1")
    assert scene.done == ["ran"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"count": "many"}, "scan: count: expected a whole number, not 'many'"),
        ({"colour": "red"}, "scan: colour: unknown key; keys allowed: victim, count"),
    ],
)
def test_arguments_that_do_not_fit_name_those_that_do(
    scene: Scene, arguments: dict[str, Any], says: str
) -> None:
    scene.attack(None)
    with pytest.raises(InputError) as caught:
        scene.run(**arguments)
    assert says in caught.value.text.en


def test_an_attack_that_is_none_names_those_there_are(scene: Scene) -> None:
    scene.attack(None)
    with pytest.raises(NotFoundError, match="scan"):
        engine.attack("nothing")


def test_every_attack_of_the_folder_is_found_by_its_place() -> None:
    for name, attack in engine.attacks().items():
        assert attack.id == name
        assert attack.name.fr
        assert attack.name.en
