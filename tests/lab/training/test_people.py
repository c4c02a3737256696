"""Accounts: names, passwords, waits after failures, links that open once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from lab.store.database import Database
from lab.store.tables import LoginLink, PersonRow
from lab.training.contract import Person
from lab.training.passwords import Cost, hash_password, verify_password
from lab.training.people import FREE_FAILURES, TrainingPeople
from simulators.errors import InputError, NotFoundError
from tests.lab.training.fakes import Clock

PASSWORD = "blue tank 42"


def test_an_account_is_found_again(people: TrainingPeople, alice: Person) -> None:
    assert people.person(alice.id) == people.named("Alice") == alice
    assert (alice.display, alice.role, alice.active) == ("Alice Évrard", "trainee", True)
    with pytest.raises(NotFoundError):
        people.person(alice.id + 1)
    with pytest.raises(NotFoundError, match="lab user list"):
        people.named("bob")


@pytest.mark.parametrize("name", ["", "a", "Alice", "é", "a b", "1a", "a" * 41, "a\n", "alice;drop"])
def test_a_name_that_cannot_be_is_refused(people: TrainingPeople, name: str) -> None:
    with pytest.raises(InputError):
        people.add(name)
    assert people.all() == []


def test_a_name_is_taken_once(people: TrainingPeople, alice: Person) -> None:
    with pytest.raises(InputError, match=r"existe déjà|exists already"):
        people.add("alice")
    assert people.all() == [alice]


def test_the_owner_is_one_also_when_two_ask(people: TrainingPeople) -> None:
    with ThreadPoolExecutor(4) as pool:
        owners = set(pool.map(lambda _n: people.owner().id, range(4)))
    assert len(owners) == 1
    assert people.owner().role == "instructor"


def test_a_password_opens_its_account_only(people: TrainingPeople, database: Database) -> None:
    alice = people.add("alice", password=PASSWORD)
    assert people.authenticate(" Alice ", PASSWORD) == alice
    with database.read() as session:
        assert PASSWORD not in str(session.scalars(select(PersonRow.password_hash)).one())
    refusals = set()
    for name, password in (
        ("alice", "blue tank 43"),
        ("bob", PASSWORD),
        ("", ""),
        ("alice", ""),
        ("alice\0", "\0"),
    ):
        with pytest.raises(InputError) as raised:
            people.authenticate(name, password)
        refusals.add(str(raised.value))
    assert len(refusals) == 1, "the words tell whether an account exists"


def test_without_a_password_only_a_link_opens(people: TrainingPeople, alice: Person) -> None:
    for password in ("", "None", people._nobody):
        with pytest.raises(InputError):
            people.authenticate("alice", password)


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaa", "alicealice"])
def test_a_weak_password_is_refused(people: TrainingPeople, alice: Person, password: str) -> None:
    with pytest.raises(InputError, match=r"mot de passe|password"):
        people.set_password(alice, password)


def test_a_new_password_replaces_the_old_one(people: TrainingPeople) -> None:
    alice = people.add("alice", password=PASSWORD)
    people.set_password(alice, "another green tank")
    with pytest.raises(InputError):
        people.authenticate("alice", PASSWORD)
    assert people.authenticate("alice", "another green tank") == alice


@pytest.mark.parametrize("name", ["alice", "nobody-of-that-name"])
def test_failures_make_wait_and_the_wait_ends(people: TrainingPeople, clock: Clock, name: str) -> None:
    people.add("alice", password=PASSWORD)
    for _ in range(FREE_FAILURES):
        with pytest.raises(InputError, match=r"refusé|refused"):
            people.authenticate(name, "wrong password")
    with pytest.raises(InputError, match=r"dans \d+ s|in \d+ s"):
        people.authenticate(name, PASSWORD)
    clock.after(16)
    if name == "alice":
        assert people.authenticate(name, PASSWORD).name == "alice"
        for _ in range(FREE_FAILURES):
            with pytest.raises(InputError, match=r"refusé|refused"):
                people.authenticate(name, "wrong password")


def test_waits_grow_and_stay_bounded(people: TrainingPeople, clock: Clock) -> None:
    for _ in range(30):
        clock.after(121)
        with pytest.raises(InputError, match=r"refusé|refused"):
            people.authenticate("alice", "wrong password")


def test_guesses_at_once_are_counted_each(people: TrainingPeople) -> None:
    people.add("alice", password=PASSWORD)

    def guess(number: int) -> str:
        try:
            people.authenticate("alice", f"wrong password {number}")
        except InputError as error:
            return error.text.en
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(guess, range(24)))
    assert sum("too many" in text for text in said) == 24 - FREE_FAILURES


def test_who_is_disabled_does_not_come_in(people: TrainingPeople) -> None:
    alice = people.add("alice", password=PASSWORD)
    link = people.link(alice)
    people.set_active(alice, False)
    assert people.enter(link.token) is None
    with pytest.raises(InputError):
        people.authenticate("alice", PASSWORD)
    people.set_active(alice, True)
    assert people.authenticate("alice", PASSWORD).active
    assert people.enter(link.token) is None


def test_a_link_opens_once(people: TrainingPeople, alice: Person, database: Database) -> None:
    link, other = people.link(alice), people.link(alice)
    with database.read() as session:
        kept = session.scalars(select(LoginLink.token_hash)).all()
    assert not any(link.token in text for text in kept)
    assert people.enter(link.token) == alice
    assert people.enter(link.token) is None
    assert people.enter("") is None
    assert people.enter(other.token) == alice


def test_of_many_who_use_a_link_at_once_one_comes_in(people: TrainingPeople, alice: Person) -> None:
    for _ in range(5):
        token = people.link(alice).token
        with ThreadPoolExecutor(8) as pool:
            entered = [person for person in pool.map(people.enter, [token] * 8) if person is not None]
        assert entered == [alice]


def test_a_link_ends(people: TrainingPeople, alice: Person, clock: Clock) -> None:
    link = people.link(alice, minutes=5)
    assert link.expires_unix_s == clock.now + 300
    clock.after(300)
    assert people.enter(link.token) is None


def test_a_hash_carries_its_cost() -> None:
    hashed = hash_password(PASSWORD, Cost(n=4, r=2, p=1))
    assert hashed.startswith("scrypt$4$2$1$")
    assert verify_password(PASSWORD, hashed)
    assert not verify_password("blue tank 43", hashed)
    assert hash_password(PASSWORD, Cost(n=4, r=2, p=1)) != hashed
