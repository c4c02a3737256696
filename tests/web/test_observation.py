"""Evidence in words: labels in both languages, small tables, no id and no JSON left."""

import re
from typing import Any

import msgspec
import pytest
from flask import Flask, render_template_string

from lab.catalog import find_line
from lab.exercises.catalog import exercises
from lab.exercises.evidence import Keeper
from lab.exercises.model import Check
from lab.exercises.parameters import drawn
from lab.probes.contract import Evidence, Exchange, Finding, probe
from simulators.text import Text
from web.observation import Table, observation

SAID = Text(fr="vu", en="seen")
SHOWN = '{% from "_observation.html" import observation, subject with context %}{{ subject(seen) }}{{ observation(seen) }}'


def in_language(app: Flask, language: str, seen: Evidence) -> str:
    """The text of the template, without its tags."""
    with app.test_request_context(f"/?lang={language}"):
        app.preprocess_request()
        page = render_template_string(SHOWN, seen=seen)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def kept(**arguments: Any) -> Evidence:
    as_json = {
        key: msgspec.json.encode(value).decode() if isinstance(value, list | dict) else value
        for key, value in arguments.items()
    }
    return Evidence("opcua.raw_session", as_json, "rejected", SAID, {"tried": 3.0}, [Exchange("a", "b")])


def test_labels_and_values(app: Flask) -> None:
    seen = kept(zone="enterprise", policy="Basic256_SignAndEncrypt", port=4840)
    french, english = in_language(app, "fr", seen), in_language(app, "en", seen)
    assert "Session OPC UA, annoncée ou non · Basic256_SignAndEncrypt" in french
    assert "vu de la zone : enterprise" in french
    assert "Identités essayées 3" in french
    assert "OPC UA session, advertised or not · Basic256_SignAndEncrypt" in english
    assert "seen from zone: enterprise" in english
    assert "Identities tried 3" in english


def test_a_list_of_accounts_is_a_table(app: Flask) -> None:
    identities = [{}, {"user": "admin", "password": "admin"}]
    with app.test_request_context("/?lang=fr"):
        app.preprocess_request()
        (made,) = observation(kept(identities=identities)).arguments
    assert made.name == "identités essayées"
    assert made.table == Table(["compte", "mot de passe"], [["anonyme", "–"], ["admin", "admin"]])


def test_a_text_that_was_cut_stays_a_text(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()
        (made,) = observation(kept(identities='[{"user": "adm…')).arguments
    assert (made.text, made.table) == ('[{"user": "adm…', None)


CHECKS = [
    pytest.param(exercise, check, id=f"{exercise.id}-{step.id}-{number}")
    for exercise in exercises()
    for step in exercise.steps
    for number, check in enumerate(step.checks)
]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(("exercise", "check"), CHECKS)
def test_no_exercise_shows_ids_or_json(app: Flask, language: str, exercise: Any, check: Check) -> None:
    """What the grader keeps of each check, with every figure that its probe may give."""
    values = drawn(exercise, find_line(exercise.line), secret=b"s", student="1")
    of = probe(check.probe)
    finding = Finding(of.outcomes[0], SAID, dict.fromkeys(of.figures, 1.5))
    text = in_language(app, language, Keeper(exercise, values).keep(check, finding, 1.0, 2.0))
    assert not re.search(r"[{}\[\]\"]", text), "JSON"
    for name in (*of.figures, *check.arguments):
        if "_" in name:
            assert not re.search(rf"\b{name}\b", text), name
