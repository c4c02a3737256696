"""The training side over each database, with an engine and labs that a test commands."""

import pytest

from lab.store.database import Database
from lab.training.classroom import TrainingClassroom
from lab.training.cohorts import TrainingCohorts
from lab.training.context import Context, server_secret
from lab.training.contract import Person
from lab.training.passwords import Cost
from lab.training.people import TrainingPeople
from lab.training.sittings import TrainingSittings
from tests.lab.training.fakes import Clock, FakeEngine, FakeLabs

# As weak as can be: the tests are about accounts, not about scrypt.
CHEAP = Cost(n=2, r=1, p=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def labs() -> FakeLabs:
    return FakeLabs()


@pytest.fixture
def people(database: Database, clock: Clock) -> TrainingPeople:
    return TrainingPeople(database, clock, CHEAP)


@pytest.fixture
def context(database: Database, labs: FakeLabs, engine: FakeEngine, clock: Clock) -> Context:
    return Context(database, labs, engine, server_secret(database), clock)


@pytest.fixture
def sittings(context: Context) -> TrainingSittings:
    return TrainingSittings(context)


@pytest.fixture
def cohorts(context: Context, people: TrainingPeople) -> TrainingCohorts:
    return TrainingCohorts(context, people)


@pytest.fixture
def classroom(context: Context) -> TrainingClassroom:
    return TrainingClassroom(context)


@pytest.fixture
def alice(people: TrainingPeople) -> Person:
    return people.add("alice", "Alice Évrard")


@pytest.fixture
def teacher(people: TrainingPeople) -> Person:
    return people.add("teacher", "Professeur", "instructor")
