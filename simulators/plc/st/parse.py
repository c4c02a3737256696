"""From source to tree, with every syntax error that can be told apart; each declaration is read on its own."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token
from lark.lexer import Lexer

from simulators.plc.st.build import Builder, RefusedError, place_of
from simulators.plc.st.errors import Report
from simulators.plc.st.parts import Part, parts
from simulators.plc.st.recovery import BLOCKS, Driver
from simulators.plc.st.tokens import NESTING_LIMIT, SOURCE_LIMIT, tokenize
from simulators.plc.st.tree import Place, Source

STATEMENT_DEPTH_LIMIT = 16
REPORT_LIMIT = 100
# Names the file in which an image has the parser's tables ready: to work them out takes 0.4 s and 4 MiB.
TABLES_VARIABLE = "USINE_ST_TABLES"


class _NoLexer(Lexer):
    """Lark asks for one; tokens.py does the work."""

    def __init__(self, _conf: object) -> None: ...

    def lex(self, *_arguments: object) -> Any:
        return iter(())


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return parser(os.environ.get(TABLES_VARIABLE))


def parser(tables: str | None) -> Lark:
    """The grammar's parser. The file `tables` has it ready, where it is of this grammar and library, and is written where not."""
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar, parser="lalr", lexer=_NoLexer, transformer=Builder(), maybe_placeholders=True, cache=tables or False
    )  # fmt: skip


def parse(source: str, report: Report) -> Source | None:
    """The tree of `source`, without the declarations that have syntax errors: these are told to `report`, every one that
    can be told apart, and `Source.broken` has the names that they may declare. None if what is missing is unknown.
    """
    if len(source) > SOURCE_LIMIT:
        report.add((1, 1), f"programme de plus de {SOURCE_LIMIT // 1024} Kio ; découpez-le",
                   f"program larger than {SOURCE_LIMIT // 1024} KiB; split it")  # fmt: skip
        return None
    tokens, whole = tokenize(source, report)
    strange = [(d.line, d.column) for d in report.diagnostics]
    result = Source()
    for part in parts(tokens):
        if len(report.diagnostics) >= REPORT_LIMIT:
            return None
        if part.following is None and not whole and not part.closed:
            continue  # what is missing may be in the text that was left out
        before, said = len(report.diagnostics), report.said
        read = _read(part, report)
        wrong = [place for place in strange if part.holds(place)]
        wrong += [(d.line, d.column) for d in report.diagnostics[before:]]
        if wrong or report.said > said:
            read = _sound(part, read or Source(), wrong)
        assert read is not None
        result.extend(read)
    return result if whole else None


def _read(part: Part, report: Report) -> Source | None:
    """The tree of one part, mended where it could be; None if it could not."""
    try:
        _check_nesting(part.tokens)
        return Driver(_parser().parse_interactive(""), part, report).run()
    except RefusedError as error:
        report.add(error.place, error.text.fr, error.text.en)
        return None


def _sound(part: Part, read: Source, wrong: list[Place]) -> Source:
    """What can be relied upon in a part with errors at the places `wrong`."""
    starts = [declaration.place for declaration in read.types]
    ends = [*starts[1:], (1 << 30, 0)]
    kept = [
        (start, end)
        for start, end in zip(starts, ends, strict=False)
        if not any(start <= place < end for place in wrong)
    ]
    return Source(
        types=[declaration for declaration in read.types if declaration.place in dict(kept)],
        blocks=[*read.blocks, *(block for c in read.configurations for block in c.blocks)],
        broken={name for place, name in part.names() if not any(start <= place < end for start, end in kept)},
        is_whole=False,
    )


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
