"""Every line's drawing: well-formed, bound to tags that exist, in both languages."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from simulators.model import load_line
from web.mimic import drawing
from web.settings import LINES

DRAWINGS = sorted(LINES.glob("*/mimic.svg"))
KINDS = {"text", "value", "bar", "pointer", "running", "valve", "eye", "flag", "bottles"}
BINDINGS = ["data-" + name for name in ("tag", "setpoint", "floor", "rate", "filler", "capper", "count")]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.parent.name)
def test_a_drawing_shows_its_line(path: Path) -> None:
    line = load_line(path.with_name("line.yaml"))
    known = {tag.id: tag for tag in line.tags}
    for element in ET.parse(path).iter():
        kind = element.get("data-kind")
        assert (kind is None) == (element.get("data-tag") is None)
        assert kind is None or kind in KINDS
        bound = " ".join(element.get(name, "") for name in BINDINGS).split()
        assert set(bound) <= known.keys(), f"{path}: unknown tag in {bound}"
        if kind == "flag":
            assert all(known[tag].alarms for tag in bound), f"{path}: a flag needs alarms: {bound}"
        if kind in {"bar", "pointer"}:
            assert known[bound[0]].range, f"{path}: {bound[0]} has no range"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.parent.name)
def test_a_drawing_speaks_both_languages(path: Path) -> None:
    for element in ET.parse(path).iter(f"{SVG}text"):
        languages = [child.get("lang") for child in element.iter(f"{SVG}tspan") if child.get("lang")]
        words = (element.text or "").strip()
        assert languages in ([], ["fr", "en"]), words
        # Alone stands only what is the same in both: a motor's M.
        assert languages or len(words) <= 1, words


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.parent.name)
def test_a_drawing_has_no_script_and_no_style_of_its_own(path: Path) -> None:
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|href=", path.read_text(encoding="utf-8"))


def test_every_alarm_of_a_drawn_line_is_flagged() -> None:
    """Whatever alarms is seen on the drawing, at its place."""
    for path in DRAWINGS:
        line = load_line(path.with_name("line.yaml"))
        shown = set(" ".join(re.findall(r'data-tag="([^"]+)"', path.read_text(encoding="utf-8"))).split())
        missing = {tag.id for tag in line.tags if tag.alarms} - shown
        assert not missing, f"{path}: no place for the alarms of {missing}"


def test_the_prologue_stays_out_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mimic.svg").write_text('<?xml version="1.0"?>\n<!-- a -->\n<svg/>', encoding="utf-8")
    assert drawing(tmp_path, "x") == "<svg/>"
    assert drawing(tmp_path, "y") is None
