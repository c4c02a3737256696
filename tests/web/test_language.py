"""French and English: chosen, remembered, complete."""

import importlib
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

WEB = Path(__file__).resolve().parents[2] / "web"
WORDS = [
    ".".join(path.relative_to(WEB.parent).with_suffix("").parts) for path in sorted(WEB.rglob("words.py"))
]
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None}
LANGUAGES = ["fr", "en"]
# The same in both languages: names, symbols, units.
UNTRANSLATED = {"Usine-École", "Modbus TCP", "OPC UA", "MQTT", "lab start bottling", "mL"}


def catalogue(language: str) -> Catalog:
    with (WEB / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def said() -> set[str]:
    """Every message of the code and the templates."""
    return {str(found[2]) for found in extract_from_dir(WEB, METHODS, keywords=KEYWORDS)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    known = catalogue(language)
    missing = {message for message in said() if message not in known or not known[message].string}
    assert not missing
    unused = {str(message.id) for message in known if message.id} - said()
    assert not unused, "remove them from the catalogue"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_places_of_values(language: str) -> None:
    places = re.compile(r"%\(\w+\)s|\{\w+\}")
    for message in catalogue(language):
        assert (
            sorted(places.findall(str(message.id))) == sorted(places.findall(str(message.string)))
            or not message.id
        )


def test_french_typography() -> None:
    for message in catalogue("fr"):
        assert not re.search(
            r"(?<![\u202f\u00a0])[;?!»]|(?<![\u202f\u00a0])(?<!\d):(?=\s|$)", str(message.string)
        ) or (not message.id), message.string


@pytest.mark.parametrize("path", sorted(WEB.glob("templates/**/*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_outside_the_catalogues(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(script|code|symbol)\b.*?</\1>", "\u241f", text, flags=re.DOTALL
    )
    attributes = re.findall(r'\s(?:title|alt|placeholder|aria-label|label)="([^"]*)"', text)
    pieces = [piece.strip() for piece in re.split(r"<[^>]*>|\u241f", text, flags=re.DOTALL)] + attributes
    words_left = {
        p for p in pieces if re.search(r"[A-Za-zÀ-ÿ]{2,}", p) and p.strip("· \n\u241f") not in UNTRANSLATED
    }
    assert not words_left


def test_modules_say_only_words_that_the_page_gives(app: Flask) -> None:
    with app.test_request_context("/"):
        app.preprocess_request()
        given = {key for module in WORDS for key in importlib.import_module(module).words()}
    asked: set[str] = set()
    for path in (WEB / "static" / "js").rglob("*.mjs"):
        asked |= set(re.findall(r"\bt\(\s*\"(\w+)\"", path.read_text(encoding="utf-8")))
    assert not asked - given


@pytest.mark.parametrize(
    ("header", "expected"), [("en-GB,en;q=0.8,fr;q=0.5", "en"), ("fr-CA", "fr"), ("de,it", "fr"), ("", "fr")]
)
def test_the_browser_chooses_and_french_is_the_default(
    anonymous: FlaskClient, header: str, expected: str
) -> None:
    page = anonymous.get("/", headers={"Accept-Language": header}).get_data(as_text=True)
    assert f'<html lang="{expected}"' in page


def test_a_choice_is_remembered(client: FlaskClient) -> None:
    assert '<html lang="fr"' in client.get("/labs/one?lang=fr").get_data(as_text=True)
    page = client.get("/labs/one").get_data(as_text=True)
    assert '<html lang="fr"' in page
    assert "Pompe d&#39;alimentation" in page
    assert "Variables" in page


def test_a_language_that_is_not_spoken_changes_nothing(client: FlaskClient) -> None:
    assert '<html lang="en"' in client.get("/labs/one?lang=xx").get_data(as_text=True)


def test_the_switch_keeps_the_place(client: FlaskClient) -> None:
    assert 'href="/labs/one?lang=fr"' in client.get("/labs/one").get_data(as_text=True)
