"""An author's Markdown: nothing in it runs, nothing in it is wider than the page."""

from flask import Flask
from markupsafe import Markup

from web.prose import line, prose


def shown(app: Flask, text: str, prefix: str = "") -> Markup:
    with app.test_request_context("/?lang=en"):
        app.preprocess_request()
        return prose(text, prefix)


def test_raw_html_and_scripts_are_text(app: Flask) -> None:
    made = shown(app, "<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://example.org/a.png)")
    assert "<script" not in made
    assert 'href="javascript' not in made
    assert "<img" not in made
    assert "<b>" not in line("<b>x</b>")


def test_code_is_escaped_and_copied(app: Flask) -> None:
    made = shown(app, "```yaml\na: <b>\n```\n", "brief")
    assert "a: &lt;b&gt;" in made
    assert 'data-copy="brief-0"' in made
    assert "data-copy" not in shown(app, "```\nx\n```\n")


def test_headings_stand_below_the_page_s_own(app: Flask) -> None:
    made = shown(app, "# The exercise\n\n## Context\n\n### Detail\n\nText")
    assert "The exercise" not in made
    assert "<h3>Context</h3>" in made
    assert "<h4>Detail</h4>" in made


def test_tables_scroll_by_keyboard(app: Flask) -> None:
    made = shown(app, "| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert 'tabindex="0"' in made
    assert "<td>1</td>" in made
