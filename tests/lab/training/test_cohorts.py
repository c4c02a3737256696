"""A class: enrolled from pasted names, launched at once, watched, graded, archived."""

import csv
import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from lab.exercises.model import Check, Setup
from lab.store.tables import EventRow
from lab.training.cohorts import TrainingCohorts
from lab.training.context import Context
from lab.training.contract import Cohort, Person, Row
from lab.training.people import TrainingPeople
from lab.training.reaper import IDLE_S, sweep
from lab.training.roster import account_name, read
from lab.training.sittings import TrainingSittings
from simulators.errors import InputError, NotFoundError
from tests.lab.training.fakes import Clock, FakeEngine, FakeLabs, exercise, report
from tests.waiting import soon

ROSTER = "Zoé Évrard;zoe@univ.fr;p12\n\nJean Dupont ; jean@univ.fr\n\ufeffŁukasz Ødegård-Ünal\n"


@pytest.fixture
def cohort(cohorts: TrainingCohorts) -> Cohort:
    return cohorts.create("BUT2 GIM", ROSTER)[0]


def row(rows: list[Row], display: str) -> Row:
    return next(each for each in rows if each.person.display.startswith(display))


@pytest.mark.parametrize(
    ("display", "name"),
    [
        ("Jean-Pierre Évrard", "jean-pierre.evrard"),
        ("ŒUVRE  d'Été", "oeuvre.d.ete"),
        ("Łukasz Ødegård ß", "lukasz.odegard.ss"),
        ("İpek Işık", "ipek.isik"),
        ("李小龍", "trainee"),
        ("42", "trainee"),
        ("Ü", "trainee"),
        ("x" * 80, "x" * 36),
        ("../../etc", "etc"),
    ],
)
def test_a_name_becomes_an_account(display: str, name: str) -> None:
    assert account_name(display) == name


def test_a_roster_becomes_accounts_with_links(cohorts: TrainingCohorts, people: TrainingPeople) -> None:
    cohort, links = cohorts.create("BUT2", ROSTER)
    assert [person.name for person in cohort.people] == ["zoe.evrard", "jean.dupont", "lukasz.odegard-unal"]
    assert cohort.people[0].email == "zoe@univ.fr"
    assert cohort.people[0].id_number == "p12"
    assert [link.person for link in links] == cohort.people
    assert [people.enter(link.token) for link in links] == cohort.people
    assert cohorts.cohort(cohort.id) == cohorts.named("BUT2") == cohort
    assert cohorts.all() == [cohort]


def test_people_who_are_known_are_not_made_again(cohorts: TrainingCohorts, people: TrainingPeople) -> None:
    first, _links = cohorts.create("one", "Zoé;zoe@univ.fr\nJean;;77\nAda Byron")
    second, _links = cohorts.create(
        "two", "Zoé E.;ZOE@univ.fr;12\nJ. Petit;j@univ.fr;77\nAda Byron;ada@univ.fr"
    )
    assert [p.id for p in second.people] == [p.id for p in first.people]
    assert [(p.email, p.id_number) for p in second.people] == [
        ("zoe@univ.fr", "12"), ("j@univ.fr", "77"), ("ada@univ.fr", ""),
    ]  # fmt: skip
    third, _links = cohorts.create("three", "Ada Byron;another@univ.fr")
    assert third.people[0].id != first.people[2].id, "another Ada"
    assert len(people.all()) == 4


def test_two_people_of_one_name_are_two(cohorts: TrainingCohorts) -> None:
    cohort, _links = cohorts.create("one", "Jean Petit;a@univ.fr\nJean Petit;b@univ.fr\nJean Petit")
    assert [person.name for person in cohort.people] == ["jean.petit", "jean.petit2", "jean.petit3"]


@pytest.mark.parametrize(
    ("roster", "says"),
    [
        ("", "vide"),
        ("\n;;\n", "vide"),
        ("A B;no address", "ligne 1"),
        ("A B;a@univ.fr\nC D;A@univ.fr", "ligne 2.*ligne 1"),
        ("A B;;7\nC D;;7", "ligne 2.*ligne 1"),
        ("A B\nA B", "ligne 2.*ligne 1"),
        ("A B;a@univ.fr;1;x", "ligne 1.*plus de trois champs"),
        (";a@univ.fr", "ligne 1.*nom"),
        ("A B;a@univ.fr;=1+1", "ligne 1.*numéro"),
        ("A B;=a@univ.fr", "ligne 1.*adresse"),
        ("Prof;prof@univ.fr", "ligne 1.*formateur"),
        ("Old;old@univ.fr", "ligne 1.*désactivé"),
        ("One;one@univ.fr;22", "ligne 1.*plusieurs comptes"),
        ("\n".join(f"P {n}" for n in range(501)), "500"),
        ("a\nb\nc;x\nd;x\ne;x\nf;x\ng;x\nh;x\ni;x\nj;x\nk;x\nl;x", r"ligne 3 .*\(\+ 2\)"),
    ],
)
def test_what_is_wrong_in_a_roster_is_said_by_line_and_nothing_is_kept(
    cohorts: TrainingCohorts, people: TrainingPeople, monkeypatch: pytest.MonkeyPatch, roster: str, says: str
) -> None:
    monkeypatch.setenv("LAB_LANG", "fr")
    people.add("prof", "Prof", "instructor", "prof@univ.fr")
    people.set_active(people.add("old", "Old", email="old@univ.fr"), False)
    people.add("one", "One", email="one@univ.fr")
    people.add("two", "Two", id_number="22")
    before = people.all()
    with pytest.raises(InputError, match=says):
        cohorts.create("x", roster)
    assert people.all() == before
    assert cohorts.all() == []


def test_a_roster_can_be_read_before(cohorts: TrainingCohorts, people: TrainingPeople) -> None:
    lines = cohorts.read_roster("Zoé;zoe@univ.fr\n\nJean;x\nZoé 2;zoe@univ.fr")
    assert [(line.line, line.problem is None) for line in lines] == [(1, True), (3, False), (4, False)]
    assert people.all() == []
    assert read("a\tb@univ.fr\t3")[0].id_number == "3"


def test_a_cohorts_name_is_taken_once(cohorts: TrainingCohorts, cohort: Cohort) -> None:
    for name in ("BUT2 GIM", " BUT2  GIM ", "", " ", "x" * 121):
        with pytest.raises(InputError):
            cohorts.create(name, "A B")
    assert cohorts.all() == [cohort]
    with pytest.raises(NotFoundError):
        cohorts.cohort(cohort.id + 1)


def test_new_links_are_for_members_only(
    cohorts: TrainingCohorts, cohort: Cohort, people: TrainingPeople, teacher: Person
) -> None:
    first = cohort.people[0]
    links = cohorts.new_links(cohort.id, [first.id, teacher.id])
    assert [link.person for link in links] == [first]
    assert people.enter(links[0].token) == first


def test_a_launch_starts_a_lab_for_each_and_one_failure_stops_nobody(
    cohorts: TrainingCohorts, cohort: Cohort, labs: FakeLabs, teacher: Person, sittings: TrainingSittings
) -> None:
    labs.broken.add("jean")
    told: list[tuple[int, dict[str, Any]]] = []
    rows = cohorts.launch(cohort.id, "fake", teacher, lambda person, what: told.append((person, what)))
    assert [each.lab_state for each in rows] == ["running", "none", "running"]
    zoe, jean, _lukasz = cohort.people
    assert (zoe.id, {"device": "plc1", "state": "ok"}) in told
    assert (zoe.id, {"state": "running"}) in told
    assert any(person == jean.id and "fr" in what.get("error", {}) for person, what in told)
    labs.broken.clear()
    assert {each.lab_state for each in cohorts.launch(cohort.id, "fake", teacher)} == {"running"}
    assert len(labs.started) == 3, "a second launch starts only what is missing"
    assert cohorts.cohort(cohort.id).exercises == ["fake"]
    assert len(sittings.of(zoe)) == 1


def test_labs_are_carried_by_the_runtime_that_was_chosen_and_each_says_which(
    context: Context, people: TrainingPeople, labs: FakeLabs, cohort: Cohort, teacher: Person, alice: Person
) -> None:
    chosen = dataclasses.replace(context, runtime="docker")
    rows = TrainingCohorts(chosen, people).launch(cohort.id, "fake", teacher)
    assert {each.runtime for each in rows} == {"docker"}
    sittings = TrainingSittings(chosen)
    mine = sittings.open(alice, "fake")
    assert mine.runtime == ""
    assert sittings.start_lab(mine.id, alice).runtime == "docker"
    assert {lab.runtime for lab in labs.labs.values()} == {"docker"}
    assert sittings.reset(mine.id, alice, "lab").runtime == "docker"
    sittings.stop_lab(mine.id, alice)
    assert sittings.sitting(mine.id).runtime == ""


def test_a_launch_takes_over_what_a_member_began_alone(
    cohorts: TrainingCohorts, cohort: Cohort, teacher: Person, sittings: TrainingSittings
) -> None:
    alone = sittings.open(cohort.people[0], "fake")
    rows = cohorts.launch(cohort.id, "fake", teacher)
    assert rows[0].sitting == alone.id
    assert sittings.open(cohort.people[0], "fake").id == alone.id
    other, _links = cohorts.create("other", "Zoé;zoe@univ.fr")
    assert cohorts.launch(other.id, "fake", teacher)[0].sitting != alone.id


def test_the_matrix_says_who_is_where(
    cohorts: TrainingCohorts, cohort: Cohort, teacher: Person, sittings: TrainingSittings, clock: Clock
) -> None:
    assert [each.sitting for each in cohorts.matrix(cohort.id, "fake")] == [None] * 3
    rows = cohorts.launch(cohort.id, "fake", teacher)
    assert [each.last_seen_unix_s for each in rows] == [None] * 3, "a launch is the instructor's doing"
    zoe, _jean, _lukasz = cohort.people
    work = row(rows, "Zoé").sitting
    assert work is not None
    clock.after(60)
    sittings.take_hint(work, zoe, "two")
    clock.after(60)
    sittings.check(work, zoe)
    seen = row(cohorts.matrix(cohort.id, "fake"), "Zoé")
    assert (seen.score, seen.attempts, seen.last_seen_unix_s) == (60, 1, clock.now)
    assert [(cell.step, cell.outcome, cell.hints) for cell in seen.cells] == [
        ("one", "pass", 0),
        ("two", "fail", 1),
    ]
    assert row(cohorts.matrix(cohort.id, "fake"), "Jean").last_seen_unix_s is None


def test_grades_are_what_moodle_imports(
    cohorts: TrainingCohorts,
    cohort: Cohort,
    teacher: Person,
    engine: FakeEngine,
    sittings: TrainingSittings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_LANG", "en")
    rows = cohorts.launch(cohort.id, "fake", teacher)
    zoe, jean, _lukasz = cohort.people
    engine.answer = report({"one": "pass", "two": "fail"}, cap=15.5)
    sittings.check(row(rows, "Zoé").sitting or 0, zoe)
    text = cohorts.grades_csv(cohort.id, "fake")
    assert list(csv.reader(io.StringIO(text))) == [
        ["Email address", "ID number", "Name", "Harden the PLC", "Maximum"],
        ["zoe@univ.fr", "p12", "Zoé Évrard", "15.5", "100"],
        ["jean@univ.fr", "", "Jean Dupont", "", "100"],
    ]
    assert [person.display for person in cohorts.unmatched(cohort.id)] == ["Łukasz Ødegård-Ünal"]
    monkeypatch.setenv("LAB_LANG", "fr")
    assert cohorts.grades_csv(cohort.id, "fake").startswith(
        "Adresse de courriel,Numéro d'identification,Nom,Durcir l'automate,Maximum\r\n"
    )
    work = row(rows, "Jean").sitting or 0
    sittings.stop_lab(work, jean)
    assert "jean@univ.fr,,Jean Dupont,,100" in cohorts.grades_csv(cohort.id, "fake"), "nothing was checked"
    sittings.start_lab(work, jean)
    engine.answer = report({"one": "inconclusive", "two": "fail"}, conclusive=False)
    sittings.check(work, jean)
    assert "jean@univ.fr,,Jean Dupont,,100" in cohorts.grades_csv(cohort.id, "fake"), "nothing was concluded"
    engine.answer = report({"one": "fail", "two": "fail"})
    sittings.check(work, jean)
    assert "jean@univ.fr,,Jean Dupont,0,100" in cohorts.grades_csv(cohort.id, "fake"), (
        "who worked in vain has 0"
    )


def test_a_class_that_nobody_came_to_has_no_grade_and_was_never_seen(
    cohorts: TrainingCohorts,
    cohort: Cohort,
    teacher: Person,
    engine: FakeEngine,
    labs: FakeLabs,
    context: Context,
    clock: Clock,
) -> None:
    check = Check(probe="none", expect="yes")
    engine.known["fake"] = exercise(setup=Setup(warm_up_s=60), baseline=[check])
    rows = cohorts.launch(cohort.id, "fake", teacher)
    soon(lambda: _noted(context, "warmed") == 3)
    assert _noted(context, "baseline") == 3
    labs.labs.pop(rows[0].lab)
    sweep(context)  # its lab is lost
    clock.now = (rows[1].expires_unix_s or 0) + IDLE_S
    sweep(context)  # the others' time is over
    seen = cohorts.matrix(cohort.id, "fake")
    assert [each.lab_state for each in seen] == ["lost", "none", "none"]
    assert [each.last_seen_unix_s for each in seen] == [None] * 3
    grades = [line.split(",")[3] for line in cohorts.grades_csv(cohort.id, "fake").splitlines()]
    assert grades[1:] == ["", ""]


def _noted(context: Context, what: str) -> int:
    """How many sittings have a note of it."""
    with context.database.read() as session:
        notes = session.scalars(select(EventRow.data).where(EventRow.kind == "note"))
        return [data.get("what") for data in notes].count(what)


def test_a_name_is_no_formula(cohorts: TrainingCohorts) -> None:
    cohort, _links = cohorts.create("x", '=HYPERLINK("x");a@univ.fr')
    assert "'=HYPERLINK" in cohorts.grades_csv(cohort.id, "fake")


def test_an_archived_cohort_is_frozen(
    cohorts: TrainingCohorts,
    cohort: Cohort,
    teacher: Person,
    engine: FakeEngine,
    labs: FakeLabs,
    sittings: TrainingSittings,
) -> None:
    rows = cohorts.launch(cohort.id, "fake", teacher)
    zoe = cohort.people[0]
    work = rows[0].sitting or 0
    sittings.check(work, zoe)
    grades = cohorts.grades_csv(cohort.id, "fake")
    cohorts.archive(cohort.id)
    assert labs.labs == {}
    assert sittings.sitting(work).closed
    with pytest.raises(InputError, match=r"clos|closed"):
        sittings.start_lab(work, zoe)
    with pytest.raises(InputError, match=r"archiv"):
        cohorts.launch(cohort.id, "fake", teacher)
    engine.known.clear()  # not even the exercise's end changes them
    frozen = cohorts.matrix(cohort.id, "fake")
    assert [(each.score, each.lab_state) for each in frozen] == [(60, "none"), (0, "none"), (0, "none")]
    engine.known = FakeEngine().known
    assert cohorts.grades_csv(cohort.id, "fake") == grades
    cohorts.restore(cohort.id)
    assert not sittings.sitting(work).closed
    assert not cohorts.cohort(cohort.id).archived
    assert cohorts.matrix(cohort.id, "fake")[0].score == 60
    cohorts.archive(cohort.id)


def test_classes_may_be_enrolled_at_once(cohorts: TrainingCohorts, people: TrainingPeople) -> None:
    def create(number: int) -> list[str]:
        return [p.name for p in cohorts.create(f"class {number}", f"P {number} A\nP {number} B")[0].people]

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(create, range(4)))
    assert len({name for names in made for name in names}) == 8
    assert len(people.all()) == 8
