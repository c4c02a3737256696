"""`lab user`: accounts of the pages: add, list, one-time link, password, disable, enable."""

import getpass
import sys
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lab.cli.grammar import MisuseError, argument
from lab.cli.options import ACTION, NAME, AsJson
from lab.cli.output import console, print_json, say, table, tell
from lab.paths import default_paths
from simulators.errors import InputError

if TYPE_CHECKING:
    from lab.training.contract import Link, Person
    from lab.training.people import TrainingPeople

ROLES = {"trainee": ("stagiaire", "trainee"), "instructor": ("formateur", "instructor")}
BASE_URL = "http://127.0.0.1:8000"


class Action(StrEnum):
    LIST = "list"
    ADD = "add"
    LINK = "link"
    PASSWORD = "password"  # noqa: S105 - a word of the command line
    DISABLE = "disable"
    ENABLE = "enable"


class Role(StrEnum):
    TRAINEE = "trainee"
    INSTRUCTOR = "instructor"


class Language(StrEnum):
    FR = "fr"
    EN = "en"


BaseUrl = Annotated[
    str, typer.Option("--url", help=say("adresse des pages, pour les liens", "the pages' address, for links"))
]


def user(
    action: Annotated[
        Action,
        argument(
            ACTION,
            (
                "lister, ajouter, donner un lien à usage unique, changer le mot de passe, désactiver, réactiver",
                "list, add, give a one-time link, change the password, disable, enable",
            ),
        ),
    ],
    name: Annotated[str | None, argument(NAME, ("nom du compte", "the account's name"))] = None,
    role: Annotated[
        Role, typer.Option(help=say("rôle d'un nouveau compte", "a new account's role"))
    ] = Role.TRAINEE,
    display: Annotated[str, typer.Option(help=say("nom affiché", "name that is shown"))] = "",
    email: Annotated[
        str, typer.Option(help=say("adresse, pour les notes", "email address, for grades"))
    ] = "",
    id_number: Annotated[
        str, typer.Option("--id", help=say("numéro d'identification dans Moodle", "ID number in Moodle"))
    ] = "",
    language: Annotated[
        Language, typer.Option(help=say("langue des pages", "language of the pages"))
    ] = Language.FR,
    minutes: Annotated[
        float, typer.Option(min=1, max=60 * 24 * 30, help=say("durée du lien", "how long the link lasts"))
    ] = 15,
    url: BaseUrl = BASE_URL,
    as_json: AsJson = False,
) -> None:
    # The database's library is slow to import, and most commands need none of it.
    from lab.training.people import TrainingPeople
    from lab.training.service import open_database

    with closing(open_database(default_paths())) as database:
        people = TrainingPeople(database)
        if action is Action.LIST:
            show(people.all(), as_json)
            return
        if not name:
            raise MisuseError(
                f"quel compte ? « lab user {action} NOM »", f"which account? 'lab user {action} NAME'"
            )
        if action is Action.ADD:
            made = people.add(name, display, role.value, email, id_number, language=language.value)
            done(made, as_json, ("ajouté", "added"))
            return
        person = people.named(name)
        if action is Action.LINK:
            show_links([people.link(person, minutes)], url, as_json)
        else:
            change(people, person, action, as_json)


def change(people: "TrainingPeople", person: "Person", action: Action, as_json: bool) -> None:
    """Password, disable, enable."""
    if action is Action.PASSWORD:
        people.set_password(person, asked())
        done(person, as_json, ("mot de passe changé", "password changed"))
    else:
        people.set_active(person, action is Action.ENABLE)
        words = {Action.DISABLE: ("désactivé", "disabled"), Action.ENABLE: ("réactivé", "enabled")}[action]
        done(people.person(person.id), as_json, words)


def asked() -> str:
    """A password, typed twice, or the first line of standard input where nobody types."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(say("Mot de passe : ", "Password: "))
    if getpass.getpass(say("Encore une fois : ", "Once more: ")) != first:
        raise InputError("les deux mots de passe diffèrent", "the two passwords differ")
    return first


def show(people: "list[Person]", as_json: bool) -> None:
    if as_json:
        print_json(people)
        return
    if not people:
        tell("Aucun compte. « lab user add NOM ».", "No account. 'lab user add NAME'.")
        return
    made = table(
        say("Compte", "Account"), say("Nom", "Name"), say("Rôle", "Role"), say("Adresse", "Email"),
        say("Numéro", "ID number"), "",
    )  # fmt: skip
    for person in people:
        state = "" if person.active else say("désactivé", "disabled")
        made.add_row(
            person.name, person.display, say(*ROLES[person.role]), person.email, person.id_number, state
        )
    console.print(made)


def show_links(links: "list[Link]", url: str, as_json: bool) -> None:
    """Each link with its person; the only time that it can be read."""
    shown: list[dict[str, Any]] = [
        {
            "name": link.person.name,
            "display": link.person.display,
            "link": f"{url.rstrip('/')}/login/{link.token}",
            "expires_unix_s": link.expires_unix_s,
        }
        for link in links
    ]
    if as_json:
        print_json(shown)
        return
    for one in shown:
        until = datetime.fromtimestamp(one["expires_unix_s"]).astimezone().strftime("%Y-%m-%d %H:%M")
        console.print(f"{one['display']} ({one['name']}) → {until}", markup=False, highlight=False)
        console.print(one["link"], markup=False, highlight=False, soft_wrap=True)


def done(person: "Person", as_json: bool, words: tuple[str, str]) -> None:
    if as_json:
        print_json(msgspec.to_builtins(person))
    else:
        tell(f"{person.name} : {words[0]}.", f"{person.name}: {words[1]}.")


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Comptes des pages : lister, ajouter, lien à usage unique, mot de passe, désactiver.",
            "Accounts of the pages: list, add, one-time link, password, disable.",
        )
    )(user)
