"""The application over fake labs and fake training, and its clients: an instructor, trainees, a stranger."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, FileSystemBytecodeCache

import hatch_build
from lab.training.contract import Person
from simulators.model import Line, load_line
from tests.web.fake_cohorts import FakeClassroom, FakeCohorts
from tests.web.fake_labs import BOTTLING, FakeLab, FakeLabs
from tests.web.fake_training import ALICE, BOB, OWNER, FakePeople, FakeSittings
from tests.web.serving import Served, serving
from web.app import create_app
from web.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
Enter = Callable[[Person], FlaskClient]


@pytest.fixture(scope="session", autouse=True)
def catalogues() -> None:
    """The words of the tree, not those of the last installation."""
    hatch_build.compile_catalogues(ROOT)


@pytest.fixture(scope="session")
def line() -> Line:
    return load_line(BOTTLING)


@pytest.fixture
def lab(line: Line) -> FakeLab:
    return FakeLab(line, period_s=0.01)


@pytest.fixture
def labs(lab: FakeLab) -> Iterator[FakeLabs]:
    """One free lab, `one`, that no sitting holds."""
    made = FakeLabs({"one": lab})
    yield made
    for end in made.terminals:
        end.close()


@pytest.fixture
def people() -> FakePeople:
    return FakePeople()


@pytest.fixture
def sittings(labs: FakeLabs) -> FakeSittings:
    return FakeSittings(labs)


@pytest.fixture
def given(labs: FakeLabs, people: FakePeople, sittings: FakeSittings) -> Settings:
    return Settings(labs, people, sittings, FakeCohorts(), FakeClassroom(), "secret")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates compiled once for all the applications of the tests."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(given: Settings, templates: BytecodeCache) -> Flask:
    app = create_app(given)
    app.jinja_env.bytecode_cache = templates
    app.config["TESTING"] = True
    return app


@pytest.fixture
def anonymous(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def enter(app: Flask, people: FakePeople) -> Enter:
    """A browser in which a person used their link, and reads English."""

    def signed_in(person: Person) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        client.get(f"/login/{people.link(person).token}")
        return client

    return signed_in


@pytest.fixture
def client(enter: Enter) -> FlaskClient:
    """The instructor's browser."""
    return enter(OWNER)


@pytest.fixture
def alice(enter: Enter) -> FlaskClient:
    return enter(ALICE)


@pytest.fixture
def bob(enter: Enter) -> FlaskClient:
    return enter(BOB)


def token(client: FlaskClient) -> dict[str, str]:
    """The header that the pages' own scripts send."""
    page = client.get("/account").get_data(as_text=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return {"X-CSRF-Token": found[1]}


@pytest.fixture
def csrf(client: FlaskClient) -> dict[str, str]:
    return token(client)


@pytest.fixture
def served(line: Line) -> Iterator[Served]:
    """The same application behind the real server."""
    with serving(line, period_s=0.1) as place:
        yield place
