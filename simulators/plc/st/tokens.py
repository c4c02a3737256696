"""Structured Text cut into tokens: a scanner of our own, because comments nest and keywords have no case."""

import re

from lark import Token

from simulators.plc.st.errors import Report

SOURCE_LIMIT = 256 * 1024
TOKEN_LIMIT = 60_000
NESTING_LIMIT = 40

_KEYWORDS = """ARRAY AT BY CASE CONFIGURATION CONSTANT CONTINUE DO ELSE ELSIF END_CASE END_CONFIGURATION END_FOR
    END_FUNCTION END_FUNCTION_BLOCK END_IF END_PROGRAM END_REPEAT END_RESOURCE END_STRUCT END_TYPE END_VAR
    END_WHILE EXIT FOR FUNCTION FUNCTION_BLOCK IF MOD NON_RETAIN NOT OF OR AND XOR PROGRAM REPEAT RESOURCE
    RETAIN RETURN STRUCT TASK THEN TO TYPE UNTIL VAR VAR_EXTERNAL VAR_GLOBAL VAR_INPUT VAR_IN_OUT VAR_OUTPUT
    VAR_TEMP WHILE WITH FALSE TRUE R_EDGE F_EDGE"""
KEYWORDS = frozenset(_KEYWORDS.split())

OPERATORS = {
    ":=": "ASSIGN", "=>": "ARROW", "**": "POWER", "<=": "LE", ">=": "GE", "<>": "NE", "..": "RANGE",
    ".": "DOT", ",": "COMMA", ":": "COLON", ";": "SEMICOLON", "(": "LPAR", ")": "RPAR", "[": "LSQB",
    "]": "RSQB", "+": "PLUS", "-": "MINUS", "*": "STAR", "/": "SLASH", "<": "LT", ">": "GT", "=": "EQ",
    "&": "AND",
}  # fmt: skip

_DURATION = r"[-+]?(?:\d[\d_]*(?:\.\d+)?(?:ms|us|ns|d|h|m|s)_?)+"
_TOKEN = re.compile(
    rf"""
    (?P<space>[ \t\r\n\f\v]+)
  | (?P<line_comment>//[^\n]*)
  | (?P<comment>\(\*|/\*)
  | (?P<pragma>\{{[^}}]*\}})
  | (?P<TYPED>(?:L?T(?:IME)?)\#{_DURATION}
      | (?:L?DT|DATE_AND_TIME|L?TOD|TIME_OF_DAY|L?D|DATE)\#[\d:.\-]*\d
      | [A-Za-z_]\w*\#(?:\d+\#\w+|[-+]?\d[\d_]*(?:\.\d[\d_]*)?(?:e[-+]?\d+)?|[A-Za-z_]\w*|'(?:\$.|[^'$\n])*'))
  | (?P<NUMBER>\d+\#[0-9A-Za-z_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:e[-+]?\d+)?)
  | (?P<IDENT>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<STRING>'(?:\$.|[^'$\n])*'|"(?:\$.|[^"$\n])*")
  | (?P<ADDRESS>%[A-Za-z]+[\d.]*\*?)
  | (?P<operator>:=|=>|\*\*|<=|>=|<>|\.\.|[.,:;()\[\]+\-*/<>=&])
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_COMMENT_EDGE = {"(*": re.compile(r"\(\*|\*\)"), "/*": re.compile(r"/\*|\*/")}


def tokenize(source: str, report: Report) -> tuple[list[Token], bool]:
    """The tokens of `source`, without comments and pragmas, and whether they go to its end.

    What is no token is reported and left out; so is all that stands behind a comment or pragma that is never closed.
    """
    tokens: list[Token] = []
    whole = True
    position, line, line_start, size = 0, 1, 0, len(source)
    while position < size:
        match = _TOKEN.match(source, position)
        if match is None:
            end = _strange(source, position, (line, position - line_start + 1), report)
            whole = whole and source[position] != "{"
            position = end
            continue
        kind, text, end = match.lastgroup or "", match.group(), match.end()
        if kind == "comment":
            closed = _comment_end(source, position, text, (line, position - line_start + 1), report)
            if closed is None:
                whole = False
                break
            end, text = closed, source[position:closed]
        elif kind not in ("space", "line_comment", "pragma"):
            tokens.append(_token(kind, text, position, line, position - line_start + 1))
            if len(tokens) > TOKEN_LIMIT:
                report.add((line, 1), f"programme trop long : plus de {TOKEN_LIMIT} mots ; découpez-le",
                           f"program too long: more than {TOKEN_LIMIT} words; split it")  # fmt: skip
                whole = False
                break
        newlines = text.count("\n")
        if newlines:
            line += newlines
            line_start = position + text.rfind("\n") + 1
        position = end
    return tokens, whole


def _token(kind: str, text: str, position: int, line: int, column: int) -> Token:
    if kind == "IDENT":
        upper = text.upper()
        kind = upper if upper in KEYWORDS else "IDENT"
    elif kind == "operator":
        kind = OPERATORS[text]
    return Token(kind, text, position, line, column)


def _comment_end(source: str, start: int, opening: str, place: tuple[int, int], report: Report) -> int | None:
    """Where the comment that opens at `start` ends, None (reported) if never; they nest, as the third edition allows."""
    depth, position = 0, start
    for edge in _COMMENT_EDGE[opening].finditer(source, start):
        depth += 1 if edge.group() == opening else -1
        position = edge.end()
        if depth == 0:
            return position
    closing = "*)" if opening == "(*" else "*/"
    report.add(place, f"commentaire jamais fermé ; ajoutez {closing}", f"comment never closed; add {closing}")
    return None


def _strange(source: str, position: int, place: tuple[int, int], report: Report) -> int:
    """Report what starts no token; returns where to go on."""
    char = source[position]
    if char in "'\"":
        report.add(place, f"chaîne jamais fermée ; ajoutez {char} avant la fin de la ligne",
                   f"string never closed; add {char} before the end of the line")  # fmt: skip
        end = source.find("\n", position)
        return len(source) if end < 0 else end
    if char == "{":
        report.add(place, "pragma jamais fermé ; ajoutez }", "pragma never closed; add }")
        return len(source)
    report.add(place, f"caractère {char!r} inattendu ; les noms s'écrivent avec A-Z, 0-9 et _, sans accent",
               f"unexpected character {char!r}; names are written with A-Z, 0-9 and _, without accents")  # fmt: skip
    end = position + 1
    while end < len(source) and not source[end].isascii():
        end += 1
    return end
