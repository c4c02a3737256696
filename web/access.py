"""Who may reach what: each view declares it with one of these; a view that does not is closed to everybody.

@blueprint.get("/sittings/<int:sitting_id>")
@access.sitting_owner
def show(sitting_id: int) -> ResponseReturnValue: ...
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue

from lab.training.contract import Person
from simulators.errors import NotFoundError
from web import failures
from web.session import find_person
from web.settings import settings

Rule = Callable[[Person, dict[str, Any]], bool]
View = TypeVar("View", bound=Callable[..., Any])
DECLARED = "_access"


def install(app: Flask) -> None:
    """Ask the rule before every view; before anything else looks at the request."""
    app.before_request(_enforce)
    anybody(app.view_functions["static"])


def rule_of(view: Callable[..., Any]) -> Rule | None:
    """What a view declared."""
    rule: Rule | None = getattr(view, DECLARED, None)
    return rule


def _anybody(_person: Person, _arguments: dict[str, Any]) -> bool:
    return True


def _signed_in(_person: Person, _arguments: dict[str, Any]) -> bool:
    return True


def _instructor(person: Person, _arguments: dict[str, Any]) -> bool:
    return person.role == "instructor"


def _sitting_owner(person: Person, arguments: dict[str, Any]) -> bool:
    if person.role == "instructor":
        return True
    try:
        return settings().sittings.sitting(arguments["sitting_id"]).person.id == person.id
    except NotFoundError:
        return False


def _lab_owner(person: Person, arguments: dict[str, Any]) -> bool:
    """Labs that no sitting holds (`lab start`, `lab up`) belong to instructors."""
    return person.role == "instructor" or owns_lab(person, arguments["name"])


def owns_lab(person: Person, name: str) -> bool:
    """Whether `name` is the lab of one of the person's own sittings."""
    return any(sitting.lab == name for sitting in settings().sittings.of(person))


def _declares(rule: Rule) -> Callable[[View], View]:
    def declare(view: View) -> View:
        setattr(view, DECLARED, rule)
        return view

    return declare


anybody = _declares(_anybody)
"""Strangers too."""
signed_in = _declares(_signed_in)
"""Any person; the view shows each their own."""
sitting_owner = _declares(_sitting_owner)
"""Instructors, and the person of `<int:sitting_id>`."""
lab_owner = _declares(_lab_owner)
"""Instructors, and the person in whose sitting the lab `<name>` runs."""
instructor = _declares(_instructor)
"""Instructors only."""


def _enforce() -> ResponseReturnValue | None:
    rule = rule_of(current_app.view_functions[request.endpoint]) if request.endpoint else _signed_in
    if rule is _anybody:
        return None
    person = find_person()
    if person is None:
        return failures.unauthorized()
    if rule is None or not rule(person, request.view_args or {}):
        return failures.forbidden(owned=rule in {_sitting_owner, _lab_owner})
    return None
