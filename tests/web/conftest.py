"""The application over fake labs, and its clients."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache, FileSystemBytecodeCache

import hatch_build
from simulators.model import Line, load_line
from tests.web.fake_labs import BOTTLING, FakeLab, FakeLabs
from tests.web.serving import Served, serving
from web.app import create_app
from web.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-link"


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
def labs(lab: FakeLab) -> FakeLabs:
    return FakeLabs({"one": lab})


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates compiled once for all the applications of the tests."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(labs: FakeLabs, tmp_path: Path, templates: BytecodeCache) -> Flask:
    app = create_app(Settings(labs, "secret", frozenset({TOKEN, "another-link"}), tmp_path))
    app.jinja_env.bytecode_cache = templates
    app.config["TESTING"] = True
    return app


@pytest.fixture
def anonymous(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that used its link, and reads English."""
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    client.get(f"/login/{TOKEN}")
    return client


@pytest.fixture
def csrf(client: FlaskClient) -> dict[str, str]:
    """The header that the page's own scripts send."""
    page = client.get("/labs/one").get_data(as_text=True)
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found
    return {"X-CSRF-Token": found[1]}


@pytest.fixture
def served(line: Line, tmp_path: Path) -> Iterator[Served]:
    """The same application behind the real server."""
    with serving(line, tmp_path, period_s=0.1) as place:
        yield place
