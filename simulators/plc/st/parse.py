"""From source to tree, with every syntax error that can be told apart."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.lexer import Lexer

from simulators.plc.st.build import Builder, RefusedError, place_of
from simulators.plc.st.errors import Report, StError
from simulators.plc.st.recovery import BLOCKS, Driver
from simulators.plc.st.tokens import NESTING_LIMIT, SOURCE_LIMIT, tokenize
from simulators.plc.st.tree import Source

STATEMENT_DEPTH_LIMIT = 16


class _NoLexer(Lexer):
    """Lark asks for one; tokens.py does the work."""

    def __init__(self, _conf: object) -> None: ...

    def lex(self, *_arguments: object) -> Any:
        return iter(())


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_NoLexer, transformer=Builder(), maybe_placeholders=True)


def parse(source: str, file: str) -> Source:
    """The tree of `source`.

    Raises:
        StError: every syntax error that could be told apart.
    """
    report = Report()
    if len(source) > SOURCE_LIMIT:
        report.add((1, 1), f"programme de plus de {SOURCE_LIMIT // 1024} Kio ; découpez-le",
                   f"program larger than {SOURCE_LIMIT // 1024} KiB; split it")  # fmt: skip
        raise StError(file, report.diagnostics)
    tokens = tokenize(source, report)
    result = None
    try:
        _check_nesting(tokens)
        result = Driver(_parser().parse_interactive(""), tokens, report).run()
    except RefusedError as error:
        report.add(error.place, error.text.fr, error.text.en)
    if report.diagnostics or result is None:
        raise StError(file, report.diagnostics)
    return result


def _check_nesting(tokens: list[Token]) -> None:
    """Refuse nesting that later stages, which are recursive, would have to follow."""
    brackets = blocks = 0
    ends = set(BLOCKS.values())
    for token in tokens:
        kind = token.type
        if kind in ("LPAR", "LSQB"):
            brackets += 1
        elif kind in ("RPAR", "RSQB", "SEMICOLON"):
            brackets = 0 if kind == "SEMICOLON" else max(0, brackets - 1)
        elif kind in BLOCKS:
            blocks += 1
        elif kind in ends:
            blocks = max(0, blocks - 1)
        elif kind in ("END_PROGRAM", "END_FUNCTION", "END_FUNCTION_BLOCK"):
            blocks = 0
        if brackets > NESTING_LIMIT or blocks > STATEMENT_DEPTH_LIMIT:
            limit = NESTING_LIMIT if brackets > NESTING_LIMIT else STATEMENT_DEPTH_LIMIT
            raise RefusedError(
                place_of(token),
                f"imbrication de plus de {limit} niveaux ; découpez en fonctions ou en blocs fonctionnels",
                f"nested deeper than {limit} levels; split into functions or function blocks",
            )
