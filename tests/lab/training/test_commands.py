"""`lab user` and `lab cohort`, on a database of their own and without any lab."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from lab.cli.main import run
from lab.paths import Paths
from lab.training.people import TrainingPeople
from lab.training.service import open_database


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.delenv("USINE_DATABASE", raising=False)
    monkeypatch.setenv("LAB_LANG", "en")
    return tmp_path


def lab(*arguments: str, status: int = 0) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    assert code == status, out.getvalue() + err.getvalue()
    return out.getvalue() if not code else " ".join(err.getvalue().split())


def as_json(*arguments: str) -> Any:
    return json.loads(lab(*arguments, "--json"))


def people(home: Path) -> TrainingPeople:
    return TrainingPeople(open_database(Paths(home)))


def test_an_account_is_added_listed_disabled_and_enabled() -> None:
    assert as_json("user", "list") == []
    made = as_json(
        "user", "add", "zoe", "--display", "Zoé É", "--role", "instructor", "--email", "z@u.fr", "--id", "7"
    )
    assert {key: made[key] for key in ("name", "display", "role", "email", "id_number", "active")} == {
        "name": "zoe", "display": "Zoé É", "role": "instructor", "email": "z@u.fr", "id_number": "7", "active": True,
    }  # fmt: skip
    assert as_json("user", "list") == [made]
    assert as_json("user", "disable", "zoe")["active"] is False
    assert as_json("user", "enable", "zoe")["active"] is True
    assert "exists already" in lab("user", "add", "zoe", status=1)
    assert "which account" in lab("user", "add", status=2)
    assert "lab user list" in lab("user", "link", "nobody", status=3)


def test_a_link_opens_its_account_once(home: Path) -> None:
    lab("user", "add", "zoe")
    [link] = as_json("user", "link", "zoe", "--url", "https://lab.example/")
    assert link["link"].startswith("https://lab.example/login/")
    person = people(home).enter(link["link"].rsplit("/", 1)[1])
    assert person is not None
    assert person.name == "zoe"


def test_a_password_comes_from_standard_input_never_from_the_command_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab("user", "add", "zoe")
    monkeypatch.setattr("sys.stdin", io.StringIO("blue tank 42\nmore"))
    lab("user", "password", "zoe")
    assert people(home).authenticate("zoe", "blue tank 42").name == "zoe"
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    assert "from 10 to 200" in lab("user", "password", "zoe", status=1)


def test_a_cohort_is_made_from_a_file_and_graded(tmp_path: Path, home: Path) -> None:
    roster = tmp_path / "class.txt"
    roster.write_text("\ufeffZoé;z@u.fr\nJean\n", encoding="utf-8")
    links = as_json("cohort", "create", "BUT2", "--roster", str(roster))
    assert [link["name"] for link in links] == ["zoe", "jean"]
    assert people(home).enter(links[0]["link"].rsplit("/", 1)[1]) is not None
    [cohort] = as_json("cohort", "list")
    assert (cohort["name"], len(cohort["people"])) == ("BUT2", 2)
    assert len(as_json("cohort", "links", "BUT2")) == 2
    exercise = as_json("exercises")[0]["id"]
    text = lab("cohort", "grades", "BUT2", exercise, "--csv")
    assert text.startswith("Email address,ID number,")
    assert "z@u.fr,,Zoé,," in text
    assert "Jean" not in text
    assert [row["person"]["name"] for row in as_json("cohort", "grades", "BUT2", exercise)] == ["zoe", "jean"]
    assert as_json("cohort", "archive", "BUT2")["archived"] is True
    assert "archived" in lab("cohort", "launch", "BUT2", exercise, status=1)
    assert as_json("cohort", "restore", "BUT2")["archived"] is False


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    assert "--roster" in lab("cohort", "create", "x", status=2)
    assert "cannot be read" in lab("cohort", "create", "x", "--roster", str(tmp_path / "none"), status=1)
    assert "which cohort" in lab("cohort", "grades", status=2)
    assert "lab cohort list" in lab("cohort", "grades", "x", "y", status=3)


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://me:hush@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("USINE_DATABASE", url)
    said = lab("user", "list", status=1)
    assert "USINE_DATABASE" in said
    assert "hush" not in said
    assert "Traceback" not in said
