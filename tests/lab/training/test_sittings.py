"""A trainee's work: opened, its lab started, lost, started again, edited, reset; all of it found again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab.exercises.model import Setup
from lab.store.database import Database
from lab.training.claims import claim
from lab.training.context import Context, server_secret
from lab.training.contract import Person, Sitting
from lab.training.people import TrainingPeople
from lab.training.sittings import TrainingSittings
from simulators.errors import InputError, NotFoundError
from tests.lab.training.fakes import Clock, FakeEngine, FakeLabs, exercise


@pytest.fixture
def sitting(sittings: TrainingSittings, alice: Person) -> Sitting:
    return sittings.open(alice, "fake")


@pytest.fixture
def running(sittings: TrainingSittings, alice: Person, sitting: Sitting) -> Sitting:
    return sittings.start_lab(sitting.id, alice)


def kinds(sittings: TrainingSittings, sitting: Sitting) -> list[str]:
    return [event.kind for event in sittings.timeline(sitting.id)]


def test_a_sitting_is_opened_once(sittings: TrainingSittings, alice: Person) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = {sitting.id for sitting in pool.map(lambda _n: sittings.open(alice, "fake"), range(6))}
    assert len(opened) == 1
    [sitting] = sittings.of(alice)
    assert sitting.id in opened
    assert (sitting.exercise, sitting.version, sitting.lab_state, sitting.closed) == (
        "fake",
        1,
        "none",
        False,
    )
    assert kinds(sittings, sitting) == ["opened"]


def test_what_does_not_exist_is_said(sittings: TrainingSittings, alice: Person) -> None:
    for call in (
        sittings.sitting,
        sittings.standing,
        sittings.timeline,
        sittings.rules,
        sittings.hint_offers,
    ):
        with pytest.raises(NotFoundError):
            call(12)
    with pytest.raises(NotFoundError):
        sittings.open(alice, "nothing")


def test_lab_names_are_not_to_be_guessed(sittings: TrainingSittings, people: TrainingPeople) -> None:
    names = {sittings.open(people.add(f"p{n}.of-a_long.name"), "fake").lab for n in range(10, 30)}
    assert len(names) == 20
    assert len({name[-10:] for name in names}) == 20
    assert all(len(name) <= 40 for name in names)


def test_hidden_parameters_stay_hidden_and_all_stay_the_same(
    sittings: TrainingSittings, context: Context, engine: FakeEngine, alice: Person, running: Sitting
) -> None:
    assert set(running.parameters) == {"operator"}
    [drawn] = engine.set_ups
    assert drawn["operator"] == running.parameters["operator"]
    assert "key" in drawn
    assert TrainingSittings(context).open(alice, "fake").parameters == running.parameters


def test_another_student_draws_other_values(
    sittings: TrainingSittings, people: TrainingPeople, sitting: Sitting
) -> None:
    assert sittings.open(people.add("bob"), "fake").parameters != sitting.parameters


def test_the_servers_secret_is_made_once(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _n: server_secret(database), range(6)))) == 1


def test_a_lab_starts_as_the_setup_says(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, sitting: Sitting, clock: Clock
) -> None:
    told: list[dict[str, Any]] = []
    running = sittings.start_lab(sitting.id, alice, told.append)
    assert running.lab_state == "running"
    assert running.expires_unix_s == clock.now + 240 * 60
    assert {"device": "plc1", "state": "ok"} in told
    assert labs.labs[running.lab].texts == {"plc1": f"plc1.yaml of {running.parameters['operator']}"}
    sittings.start_lab(sitting.id, alice)
    assert labs.started == [running.lab], "a second click finds it running"


def test_two_clicks_at_once_start_one_lab(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, sitting: Sitting, context: Context
) -> None:
    with claim(context, sitting.id, "start"):
        assert sittings.sitting(sitting.id).lab_state == "starting"
        with pytest.raises(InputError, match=r"démarre|starting"):
            sittings.start_lab(sitting.id, alice)
    assert labs.started == []


def test_a_lab_that_does_not_start_leaves_nothing(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, sitting: Sitting
) -> None:
    labs.broken.add(sitting.lab)
    with pytest.raises(InputError, match=r"ne démarre pas|does not start"):
        sittings.start_lab(sitting.id, alice)
    assert sittings.sitting(sitting.id).lab_state == "none"
    assert sittings.timeline(sitting.id)[-1].data["what"] == "start_failed"
    labs.broken.clear()
    assert sittings.start_lab(sitting.id, alice).lab_state == "running"


def test_a_lost_lab_starts_again_with_what_was_configured(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    sittings.configure(running.id, alice, "plc1", "hardened")
    sittings.configure(running.id, alice, "broker", "closed")
    seed = labs.labs[running.lab].seed
    labs.labs.clear()
    labs.kept.clear()  # the disk too
    assert sittings.sitting(running.id).lab_state == "lost"
    assert sittings.start_lab(running.id, alice).lab_state == "running"
    assert labs.labs[running.lab].texts == {"plc1": "hardened", "broker": "closed"}
    assert labs.labs[running.lab].seed == seed
    assert kinds(sittings, running)[-2:] == ["lab_lost", "lab_started"]


def test_a_start_that_was_cut_short_is_not_taken_for_a_lab(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, sitting: Sitting
) -> None:
    labs.start("bottling", sitting.lab, 1)
    assert sittings.sitting(sitting.id).lab_state == "lost"
    assert sittings.start_lab(sitting.id, alice).lab_state == "running"
    assert labs.started == [sitting.lab] * 2
    assert "plc1" in labs.labs[sitting.lab].texts


def test_a_stopped_lab_keeps_the_work(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    sittings.configure(running.id, alice, "plc1", "hardened")
    assert sittings.stop_lab(running.id, alice).lab_state == "none"
    assert labs.labs == {}
    assert sittings.configuration(running.id, alice, "plc1")["text"] == "hardened"
    sittings.start_lab(running.id, alice)
    assert labs.labs[running.lab].texts["plc1"] == "hardened"


def test_time_is_added_before_and_after_the_end(
    sittings: TrainingSittings, alice: Person, running: Sitting, clock: Clock
) -> None:
    end = running.expires_unix_s
    assert end is not None
    assert sittings.extend(running.id, alice, 30).expires_unix_s == end + 1800
    assert sittings.extend(running.id, alice, -30).expires_unix_s == end
    clock.after(end - clock.now + 3600)
    assert sittings.extend(running.id, alice, 30).expires_unix_s == clock.now + 1800
    assert sittings.extend(running.id, alice, -600).expires_unix_s == clock.now
    for minutes in (0.0, 1e9, float("nan"), float("inf")):
        with pytest.raises(InputError):
            sittings.extend(running.id, alice, minutes)


def test_every_version_of_a_configuration_is_kept(
    sittings: TrainingSittings, alice: Person, running: Sitting, clock: Clock
) -> None:
    origin = f"plc1.yaml of {running.parameters['operator']}"
    assert sittings.configuration(running.id, alice, "plc1") == {
        "text": origin, "default": origin, "versions": [], "schema": sittings.configuration(running.id, alice, "plc1")["schema"],
    }  # fmt: skip
    for text in ("a", "b", "a"):
        clock.after(1)
        sittings.configure(running.id, alice, "plc1", text)
    known = sittings.configuration(running.id, alice, "plc1")
    assert known["text"] == "a"
    assert known["default"] == origin
    assert [version["text"] for version in known["versions"]] == ["a", "b"]
    assert kinds(sittings, running)[-3:] == ["configuration", "configuration", "reverted"]
    assert sittings.timeline(running.id)[-1].data["to"] == known["versions"][0]["id"]
    sittings.configure(running.id, alice, "plc1", origin)
    assert sittings.timeline(running.id)[-1].data["to"] == 0


def test_a_device_has_its_lines_text_where_the_setup_gives_none(
    sittings: TrainingSittings, alice: Person, sitting: Sitting
) -> None:
    known = sittings.configuration(sitting.id, alice, "broker")
    assert "listener" in known["text"]
    assert known["text"] == known["default"]
    assert known["schema"] is None
    assert sittings.configuration(sitting.id, alice, "plc1")["schema"]


@pytest.mark.parametrize(
    ("device", "text"),
    [("plc2", "x"), ("nothing", "x"), ("plc1", "nonsense"), ("plc1", "x" * 70_000), ("plc1", "a\0b")],
)
def test_a_configuration_that_cannot_be_changes_nothing(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting, device: str, text: str
) -> None:
    before, events = dict(labs.labs[running.lab].texts), kinds(sittings, running)
    with pytest.raises(InputError):
        sittings.configure(running.id, alice, device, text)
    assert labs.labs[running.lab].texts == before
    assert kinds(sittings, running) == events


def test_a_text_is_examined_without_its_lab_and_further_with_it(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, sitting: Sitting
) -> None:
    with pytest.raises(InputError, match="2") as caught:
        sittings.examine(sitting.id, alice, "plc1", "units: {}\nallow: maybe\n")
    assert caught.value.line == 2
    text = "units: {}\n# nonsense to this lab\n"
    sittings.examine(sitting.id, alice, "plc1", text)
    running = sittings.start_lab(sitting.id, alice)
    before = dict(labs.labs[running.lab].texts)
    with pytest.raises(InputError) as caught:
        sittings.examine(running.id, alice, "plc1", text)
    assert caught.value.line == 1
    sittings.examine(running.id, alice, "plc1", "units: {}\n")
    assert labs.labs[running.lab].texts == before
    assert kinds(sittings, running)[-1] == "lab_started"


def test_a_device_that_is_not_to_be_edited_is_neither_shown_nor_reset(
    sittings: TrainingSittings, labs: FakeLabs, engine: FakeEngine, alice: Person, teacher: Person
) -> None:
    """Its setup may hold what is hidden from trainees."""
    setup = Setup(configurations={"plc1": "plc1.yaml", "historian": "key.yaml"})
    engine.known["fake"] = exercise(setup=setup)
    running = sittings.start_lab(sittings.open(alice, "fake").id, alice)
    before = dict(labs.labs[running.lab].texts)
    for device in ("historian", "plc2", "nothing"):
        for refused in (
            lambda d: sittings.configuration(running.id, alice, d),
            lambda d: sittings.examine(running.id, alice, d, "a: 1"),
            lambda d: sittings.configure(running.id, alice, d, "a: 1"),
            lambda d: sittings.reset(running.id, alice, "device", d),
        ):
            with pytest.raises(InputError, match="plc1, broker"):
                refused(device)
    assert labs.labs[running.lab].texts == before
    assert kinds(sittings, running)[-1] == "lab_started"
    assert sittings.configuration(running.id, teacher, "historian")["text"] == before["historian"]
    sittings.reset(running.id, teacher, "device", "historian")
    assert kinds(sittings, running)[-1] == "reset"


def test_rules_are_kept_when_they_are_rules(
    sittings: TrainingSittings, alice: Person, sitting: Sitting
) -> None:
    assert sittings.rules(sitting.id) == ""
    sittings.save_rules(sitting.id, alice, "title: règle")
    with pytest.raises(InputError):
        sittings.save_rules(sitting.id, alice, "nonsense")
    assert sittings.rules(sitting.id) == "title: règle"


def test_a_device_goes_back_to_its_setup(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    origin = labs.labs[running.lab].texts["plc1"]
    sittings.configure(running.id, alice, "plc1", "hardened")
    sittings.configure(running.id, alice, "broker", "closed")
    sittings.reset(running.id, alice, "device", "plc1")
    assert labs.labs[running.lab].texts == {"plc1": origin, "broker": "closed"}
    assert sittings.configuration(running.id, alice, "plc1")["text"] == origin
    with pytest.raises(InputError, match="plc1, broker"):
        sittings.reset(running.id, alice, "device")


def test_a_checkpoint_brings_configurations_back_also_after_a_loss(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    with pytest.raises(InputError, match=r"point de reprise|checkpoint"):
        sittings.reset(running.id, alice, "checkpoint")
    sittings.configure(running.id, alice, "plc1", "first")
    sittings.checkpoint(running.id, alice)
    sittings.configure(running.id, alice, "plc1", "second")
    sittings.reset(running.id, alice, "checkpoint")
    assert labs.labs[running.lab].texts["plc1"] == "first"
    assert sittings.configuration(running.id, alice, "plc1")["text"] == "first"
    labs.labs.clear()
    labs.kept.clear()
    sittings.start_lab(running.id, alice)
    assert labs.labs[running.lab].texts["plc1"] == "first"


def test_a_lab_anew_forgets_configurations_and_keeps_parameters_and_seed(
    sittings: TrainingSittings, labs: FakeLabs, alice: Person, running: Sitting
) -> None:
    origin, seed = dict(labs.labs[running.lab].texts), labs.labs[running.lab].seed
    sittings.configure(running.id, alice, "plc1", "hardened")
    sittings.checkpoint(running.id, alice)
    again = sittings.reset(running.id, alice, "lab")
    assert again.lab_state == "running"
    assert again.parameters == running.parameters
    assert labs.labs[running.lab].texts == origin
    assert labs.labs[running.lab].seed == seed
    with pytest.raises(InputError, match=r"point de reprise|checkpoint"):
        sittings.reset(running.id, alice, "checkpoint")


def test_a_new_version_of_the_exercise_is_a_new_sitting(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, sitting: Sitting
) -> None:
    engine.known["fake"] = exercise(version=2)
    with pytest.raises(InputError, match="version 2"):
        sittings.start_lab(sitting.id, alice)
    again = sittings.open(alice, "fake")
    assert (again.version, again.id == sitting.id) == (2, False)
    assert sittings.sitting(sitting.id).closed
    with pytest.raises(InputError, match=r"clos|closed"):
        sittings.start_lab(sitting.id, alice)


def test_work_on_an_exercise_that_was_withdrawn_is_still_listed(
    sittings: TrainingSittings, engine: FakeEngine, alice: Person, sitting: Sitting
) -> None:
    engine.known.clear()
    assert [each.id for each in sittings.of(alice)] == [sitting.id]
    assert sittings.timeline(sitting.id)


def test_hints_come_in_order_at_their_price_when_due(
    sittings: TrainingSittings, alice: Person, running: Sitting, clock: Clock
) -> None:
    offers = {offer.step: offer for offer in sittings.hint_offers(running.id)}
    assert (offers["one"].index, offers["one"].cost_points, offers["one"].available_in_s) == (0, 0, 0)
    assert offers["two"].cost_points == 10
    sittings.take_hint(running.id, alice, "one")
    offers = {offer.step: offer for offer in sittings.hint_offers(running.id)}
    assert (offers["one"].index, offers["one"].cost_points, offers["one"].available_in_s) == (1, 12, 300)
    with pytest.raises(InputError, match=r"dans 6 min|in 6 min"):
        sittings.take_hint(running.id, alice, "one")
    clock.after(300)
    sittings.take_hint(running.id, alice, "one")
    assert {offer.step for offer in sittings.hint_offers(running.id)} == {"two"}
    with pytest.raises(InputError, match=r"plus d'indice|no hint left"):
        sittings.take_hint(running.id, alice, "one")
    with pytest.raises(InputError, match="three"):
        sittings.take_hint(running.id, alice, "three")
    standing = sittings.standing(running.id)
    assert [step.hint_cost for step in standing.steps] == [12, 0]


def test_of_hints_taken_at_once_each_is_another(
    sittings: TrainingSittings, alice: Person, running: Sitting, clock: Clock
) -> None:
    clock.after(600)

    def take(_number: int) -> bool:
        try:
            sittings.take_hint(running.id, alice, "one")
        except InputError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 2
    assert sittings.standing(running.id).steps[0].hints_taken == [0, 1]
