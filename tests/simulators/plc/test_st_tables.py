"""The compiler's tables from a file make the parser that would be made without."""

from pathlib import Path

import pytest
from lark import Lark

from simulators.plc.st import parse
from simulators.plc.st.errors import Report
from simulators.plc.st.parse import TABLES_VARIABLE, parser

PROGRAM = "PROGRAM main VAR a : INT; END_VAR IF a > 2 THEN a := a + 1; END_IF; END_PROGRAM"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tables") / "tables.bin"
    parser(str(path))
    return str(path)


def tree(made: Lark, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(parse, "_parser", lambda: made)
    return repr(parse.parse(PROGRAM, Report()))


def test_the_tree_is_the_same(tables: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tree(parser(tables), monkeypatch) == tree(parser(None), monkeypatch)


def test_what_an_image_has_ready_is_read_and_not_worked_out(
    tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TABLES_VARIABLE, tables)
    monkeypatch.setattr("lark.load_grammar.load_grammar", None)
    assert parse._parser.__wrapped__() is not None


@pytest.mark.parametrize("content", [b"", b"nothing", b"nothing\nelse"])
def test_a_file_that_is_no_good_is_left_aside(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.bin"
    bad.write_bytes(content)
    assert tree(parser(str(bad)), monkeypatch) == tree(parser(None), monkeypatch)
