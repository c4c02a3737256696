"""The application with a class of its own."""

import pytest

from lab.training.contract import Cohort, Row
from tests.web.fake_labs import FakeLabs
from tests.web.fake_training import OWNER, FakePeople, FakeSittings
from tests.web.instructor.fake_class import FakeClass, FakeClassroom
from web.settings import Settings

ROSTER = "Chloé Lefèvre;chloe@example.org;2003\nDavid Nguyen;david@example.org\nÉmilie Rousseau"
EXERCISE = "opcua-fake"


@pytest.fixture
def cohorts(people: FakePeople, sittings: FakeSittings) -> FakeClass:
    return FakeClass(people, sittings)


@pytest.fixture
def classroom(sittings: FakeSittings, cohorts: FakeClass) -> FakeClassroom:
    return FakeClassroom(sittings, cohorts)


@pytest.fixture
def given(
    labs: FakeLabs,
    people: FakePeople,
    sittings: FakeSittings,
    cohorts: FakeClass,
    classroom: FakeClassroom,
) -> Settings:
    return Settings(labs, people, sittings, cohorts, classroom, "secret")


@pytest.fixture
def cohort(cohorts: FakeClass) -> Cohort:
    """Three trainees, nothing launched."""
    return cohorts.create("Group A", ROSTER)[0]


@pytest.fixture
def rows(cohorts: FakeClass, cohort: Cohort) -> list[Row]:
    """The same with an exercise launched."""
    return cohorts.launch(cohort.id, EXERCISE, OWNER)
