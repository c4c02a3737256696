"""Drives lark's LALR parser token by token: at an error it says what is wrong, mends it, and goes on."""

import difflib
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from simulators.plc.st.build import place_of
from simulators.plc.st.errors import Report
from simulators.plc.st.expected import OPERANDS, WORDS_OF_EXPRESSIONS, expected
from simulators.plc.st.parts import ENDS, Part
from simulators.plc.st.tokens import KEYWORDS
from simulators.plc.st.tree import Source

ERROR_LIMIT = 20
BLOCKS = {"IF": "END_IF", "CASE": "END_CASE", "FOR": "END_FOR", "WHILE": "END_WHILE", "REPEAT": "END_REPEAT"}
# Tokens that only a place where a statement, a declaration or a program unit may start accepts.
_SYNC = ("RETURN", "END_VAR", "CONFIGURATION", "END_CONFIGURATION", "END_RESOURCE", "END_TYPE", "END_STRUCT")
# Tokens that an expression, and those that a statement or a declaration may end with.
_LAST_OF_EXPRESSION = OPERANDS | {"IDENT", "ADDRESS", "RPAR", "RSQB"}
_LAST = _LAST_OF_EXPRESSION | {"EXIT", "CONTINUE", "RETURN", *BLOCKS.values()}
# Keywords after which an expression is over.
_AFTER_CONDITION = ("THEN", "DO", "OF")
_STARTS = KEYWORDS - WORDS_OF_EXPRESSIONS


class Driver:
    """One parse of a part of the source."""

    def __init__(self, parser: InteractiveParser, part: Part, report: Report) -> None:
        self.parser, self.tokens, self.report = parser, part.tokens, report
        # Words that no declaration opens are wrong because of the first one.
        self.limit = ERROR_LIMIT if part.kind else 1
        last = part.tokens[-1]
        self.end = Token("$END", "", last.start_pos, last.line, (last.column or 1) + len(last))
        if part.following is not None:
            self.end = Token.new_borrow_pos("$END", str(part.following), part.following)
        self.position = 0
        self.errors = 0

    def run(self) -> Source | None:
        """The tree, None if the errors were too many, or too deep, to go on; they are reported."""
        while self.errors < self.limit:
            token = self._token(0)
            try:
                result = self.parser.feed_token(token)
            except UnexpectedToken:
                self.errors += 1
                if not self._mend(token):
                    return None
            else:
                if token is self.end:
                    assert isinstance(result, Source)
                    return result
                self.position += 1
        return None

    def _token(self, ahead: int) -> Token:
        index = self.position + ahead
        return self.tokens[index] if 0 <= index < len(self.tokens) else self.end

    def _accepts(self) -> set[str]:
        accepted: set[str] = self.parser.accepts()  # type: ignore[no-untyped-call] # lark leaves it unannotated
        return accepted

    def _mend(self, token: Token) -> bool:
        """Report the error at `token` and get ready to go on; False if nothing can be."""
        accepted = self._accepts()
        mended = (
            self._insert_word(token, accepted)
            or self._insert_semicolon(token, accepted)
            or self._close_block(token, accepted)
            or self._close_declarations(token, accepted)
        )
        if mended:
            return True
        self._report(token, accepted)
        return self._skip(token)

    def _feed(self, kind: str, text: str, where: Token) -> None:
        self.parser.feed_token(Token.new_borrow_pos(kind, text, where))

    # What is missing, put in

    def _on_a_new_line(self, token: Token, previous: Token) -> bool:
        return token.line != previous.line or token is self.end

    def _insert_word(self, token: Token, accepted: set[str]) -> bool:
        """THEN, DO or OF forgotten at the end of a line."""
        missing = [word for word in _AFTER_CONDITION if word in accepted]
        previous = self._token(-1)
        if len(missing) != 1 or previous.type not in _LAST_OF_EXPRESSION:
            return False
        if not self._on_a_new_line(token, previous):
            return False
        self._say_missing(missing[0], previous)
        self._feed(missing[0], missing[0], previous)
        return True

    def _insert_semicolon(self, token: Token, accepted: set[str]) -> bool:
        previous = self._token(-1)
        boundary = (
            "RETURN" in accepted
        )  # an empty statement could stand here: nothing waits for its semicolon
        if boundary or "SEMICOLON" not in accepted or previous.type not in _LAST:
            return False
        ends = token.type.startswith("END_") or token.type in ("ELSE", "ELSIF")
        if not (ends or self._on_a_new_line(token, previous)):
            return False
        self._say_missing(";", previous)
        self._feed("SEMICOLON", ";", previous)
        return True

    def _say_missing(self, text: str, previous: Token) -> None:
        place = (previous.line or 1, (previous.column or 1) + len(previous))
        fr, en = (text, text) if text.isalpha() else (f"« {text} »", f"'{text}'")
        self.report.add(place, f"il manque {fr} après {previous}", f"missing {en} after {previous}")

    def _close_block(self, token: Token, accepted: set[str]) -> bool:
        """A block's end that is missing before `token`, which ends something around it."""
        opener = next((t for t in reversed(self.parser.parser_state.value_stack)
                       if isinstance(t, Token) and t.type in BLOCKS), None)  # fmt: skip
        if opener is None or not (token.type.startswith("END_") or token is self.end):
            return False
        end = BLOCKS[opener.type]
        if end not in accepted:
            return False
        fr, en = ("la fin du fichier", "the end of the file") if not token else (token, token)
        self.report.add(
            place_of(token),
            f"il manque {end} avant {fr} : {opener.type} s'ouvre ligne {opener.line}",
            f"missing {end} before {en}: {opener.type} opens at line {opener.line}",
        )
        self._feed(end, end, opener)
        self._feed("SEMICOLON", ";", opener)
        return True

    def _close_declarations(self, token: Token, accepted: set[str]) -> bool:
        """A statement among declarations: END_VAR was forgotten."""
        name = self._token(-1)
        declaring = {"AT", "COLON", "COMMA"} <= accepted and name.type == "IDENT"
        if not declaring or token.type not in ("ASSIGN", "LPAR", "LSQB", "DOT"):
            return False
        self._unwind()
        if "END_VAR" not in self._accepts():
            return False
        self.report.add(place_of(name), f"il manque END_VAR avant {name}", f"missing END_VAR before {name}")
        self._feed("END_VAR", "END_VAR", name)
        self.position -= 1
        return True

    # What cannot be mended

    def _report(self, token: Token, accepted: set[str]) -> None:
        fr, en = self._hint(token, accepted)
        if not fr:
            wanted_fr, wanted_en = expected(accepted)
            found_fr = f"« {token} » inattendu" if token else "fin du fichier inattendue"
            found_en = f"'{token}'" if token else "the end of the file"
            fr, en = f"{found_fr} ; attendu : {wanted_fr}", f"unexpected {found_en}; expected {wanted_en}"
        self.report.add(place_of(token), fr, en)

    def _hint(self, token: Token, accepted: set[str]) -> tuple[str, str]:
        """What beginners, and people from other languages, write."""
        if (
            token.type in KEYWORDS
            and "IDENT" in accepted
            and self._token(1).type in ("COLON", "COMMA", "ASSIGN")
        ):
            return (f"{token} est un mot réservé ; choisissez un autre nom",
                    f"{token} is a reserved word; choose another name")  # fmt: skip
        if token.type == "STRUCT":
            return ("STRUCT se déclare dans un bloc TYPE ; donnez ici le nom du type",
                    "STRUCT is declared in a TYPE block; give the name of the type here")  # fmt: skip
        if token.type in ("COLON", "COMMA") and accepted == {"ADDRESS"}:
            word = self._token(-1)
            return (f"{word} est un mot réservé ; choisissez un autre nom",
                    f"{word} is a reserved word; choose another name")  # fmt: skip
        if token.type == "EQ" and "ASSIGN" in accepted:
            return "« = » compare ; attendu : « := » pour affecter", "'=' compares; expected ':=' to assign"
        if token.type == "COLON" and {"ASSIGN", "LPAR"} <= accepted:
            return ("« : » inattendu ; une déclaration s'écrit entre VAR et END_VAR",
                    "unexpected ':'; a declaration stands between VAR and END_VAR")  # fmt: skip
        if token.type == "IDENT" and accepted >= ENDS.keys():
            close = difflib.get_close_matches(token.upper(), ENDS, n=1, cutoff=0.7)
            return (f"{token} : écrivez {close[0]}", f"{token}: write {close[0]}") if close else ("", "")
        previous = self._token(-1)
        meant = _MEANT.get(previous.lower()) if previous.type == "IDENT" and "ASSIGN" in accepted else None
        if meant is not None:
            return f"{previous} : écrivez {meant}", f"{previous}: write {meant}"
        return "", ""

    def _unwind(self) -> None:
        """Drop what the parser has of the statement or declaration that it is in."""
        state = self.parser.parser_state
        states = state.parse_conf.states
        while len(state.state_stack) > 1 and not _is_sync(states[state.state_stack[-1]]):
            state.state_stack.pop()
            state.value_stack.pop()

    def _skip(self, token: Token) -> bool:
        """Unwind, and go on behind the next semicolon, or at the next word that starts or ends something."""
        self._unwind()
        accepted = self._accepts()
        if token is self.end or accepted >= ENDS.keys():
            return False  # not even the name was understood: what comes would be taken for something else
        start = self.position
        while self.position < len(self.tokens):
            kind = self.tokens[self.position].type
            if kind == "SEMICOLON":
                self.position += 1
                return True
            if self.position > start and kind in _STARTS and kind in accepted:
                return True
            if kind.startswith("END_") or (kind in ("ELSE", "ELSIF") and kind in accepted):
                self._at_end(kind, accepted)
                return True
            self.position += 1
        return True

    def _at_end(self, kind: str, accepted: set[str]) -> None:
        """At a word that ends something: keep it if it ends what is open, or something around it."""
        opened = [t.type for t in self.parser.parser_state.value_stack if isinstance(t, Token)]
        if kind not in accepted and kind.removeprefix("END_") not in opened:
            self.position += 1


def _is_sync(actions: dict[str, tuple[Any, Any]]) -> bool:
    """May a statement, a declaration or a unit start here, or end? Where that would first have to end something, no."""
    return any(
        action is Shift or goal.origin.name in ("var_section", "qualifier")
        for action, goal in (actions[word] for word in _SYNC if word in actions)
    )


_MEANT = {"end" + word.lower(): "END_" + word for word in ("IF", "FOR", "WHILE", "CASE", "REPEAT", "VAR")}
_MEANT |= {"elseif": "ELSIF", "elif": "ELSIF", "else_if": "ELSIF", "end": "END_IF, END_FOR…"}
