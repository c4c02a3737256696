"""What the parser would have accepted, in words."""

from simulators.plc.st.tokens import OPERATORS

OPERANDS = frozenset(("NUMBER", "STRING", "TYPED", "TRUE", "FALSE"))
WORDS_OF_EXPRESSIONS = frozenset(("TRUE", "FALSE", "NOT", "AND", "OR", "XOR", "MOD"))
_EXPRESSION = OPERANDS | WORDS_OF_EXPRESSIONS | {"LPAR", "IDENT", "MINUS", "PLUS", "ADDRESS"}
_OPERATOR = frozenset(
    ("OR", "XOR", "EQ", "NE", "LT", "GT", "LE", "GE", "PLUS", "MINUS", "STAR", "SLASH", "MOD", "POWER")
)
_STATEMENT = frozenset(("IF", "RETURN", "WHILE", "FOR", "CASE", "REPEAT", "EXIT", "CONTINUE"))
_SPELLING = {kind: text for text, kind in OPERATORS.items()} | {"AND": "AND"}
_NAMED = {
    "IDENT": ("un nom", "a name"),
    "NUMBER": ("un nombre", "a number"),
    "ADDRESS": ("une adresse %", "an address %"),
    "$END": ("la fin du fichier", "the end of the file"),
}
SHOWN = 8


def expected(accepted: set[str]) -> tuple[str, str]:
    """The kinds of tokens `accepted`, in French and in English."""
    kinds = set(accepted)
    words: list[tuple[str, str]] = []
    if kinds >= OPERANDS:
        kinds -= _EXPRESSION
        words.append(("une expression", "an expression"))
    if kinds >= _OPERATOR:
        kinds -= _OPERATOR | {"AND"}
        words.append(("un opérateur", "an operator"))
    if kinds >= _STATEMENT:
        kinds -= _STATEMENT | {"IDENT", "ADDRESS", "SEMICOLON"}
        words.append(("une instruction", "a statement"))
    words += [_word(kind) for kind in sorted(kinds)][:SHOWN]
    return " ou ".join(fr for fr, _ in words), " or ".join(en for _, en in words)


def _word(kind: str) -> tuple[str, str]:
    if kind in _NAMED:
        return _NAMED[kind]
    text = _SPELLING.get(kind, kind)
    return (text, text) if text[:1].isalpha() else (f"« {text} »", f"'{text}'")
