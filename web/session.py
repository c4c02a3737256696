"""Who is signed in: Flask-Login over the accounts."""

from flask import Flask, session
from flask_login import (  # type: ignore[import-untyped]
    LoginManager,
    UserMixin,
    current_user,
    login_user,
    logout_user,
)

from lab.training.contract import Person
from simulators.errors import NotFoundError
from web.settings import settings


class Account(UserMixin):  # type: ignore[misc]
    """A person, as Flask-Login wants one."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def get_id(self) -> str:
        return str(self.person.id)


def install(app: Flask) -> None:
    """Know the person of each request; who was deactivated meanwhile is nobody."""
    manager = LoginManager(app)
    manager.session_protection = None  # a laptop changes its address between two rooms
    manager.user_loader(_load)
    app.context_processor(lambda: {"person": find_person()})


def find_person() -> Person | None:
    """Who asks, None for a stranger."""
    return current_user.person if current_user.is_authenticated else None


def current_person() -> Person:
    """Who asks, in a view that strangers do not reach."""
    person = find_person()
    assert person is not None, "a view that declares `access.anybody` knows nobody"
    return person


def sign_in(person: Person) -> None:
    """Open this browser's session, in place of any other."""
    session.clear()
    session.permanent = True
    login_user(Account(person))


def sign_out() -> None:
    """End it."""
    logout_user()
    session.clear()


def _load(account_id: str) -> Account | None:
    try:
        person = settings().people.person(int(account_id))
    except (NotFoundError, ValueError):
        return None
    return Account(person) if person.active else None
