"""Cuts a source into its declarations before any is parsed, so that what is wrong in one reaches no other."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token

from simulators.plc.st.build import place_of
from simulators.plc.st.tree import Place

# The words that open a declaration of the file, and those that end it.
ENDS = {"PROGRAM": "END_PROGRAM", "FUNCTION": "END_FUNCTION", "FUNCTION_BLOCK": "END_FUNCTION_BLOCK", "TYPE": "END_TYPE",
        "CONFIGURATION": "END_CONFIGURATION", "VAR_GLOBAL": "END_VAR"}  # fmt: skip
POUS = ("PROGRAM", "FUNCTION", "FUNCTION_BLOCK")


@dataclass(frozen=True, slots=True)
class Part:
    """The words of one declaration; `kind` is the one that opens it, empty where none does. `following` comes behind."""

    kind: str
    tokens: list[Token]
    following: Token | None

    @property
    def closed(self) -> bool:
        """Does it end as it should?"""
        return bool(self.kind) and self.tokens[-1].type == ENDS[self.kind]

    def holds(self, place: Place) -> bool:
        """Is `place` in it, or between it and what follows?"""
        behind = self.following is None or place < place_of(self.following)
        return behind and place_of(self.tokens[0]) <= place

    def names(self) -> list[tuple[Place, str]]:
        """What it may declare for the rest of the source, in lower case."""
        local = self.kind in POUS and not any(token.type == "VAR_GLOBAL" for token in self.tokens)
        names: list[tuple[Place, str]] = []
        for token in self.tokens:
            if local and (token.type in ("COLON", "SEMICOLON") or (names and token.type.startswith("VAR"))):
                break
            if token.type == "IDENT":
                names.append((place_of(token), str(token).lower()))
        return names


def parts(tokens: list[Token]) -> list[Part]:
    """All of `tokens`, in their order."""
    cuts: list[tuple[str, int, int]] = []
    kind, start = "", 0
    for index, token in enumerate(tokens):
        if token.type in ENDS and _opens(tokens, index, kind):
            cuts.append((kind, start, index))
            kind, start = token.type, index
        elif kind and token.type == ENDS[kind]:
            cuts.append((kind, start, index + 1))
            kind, start = "", index + 1
    cuts.append((kind, start, len(tokens)))
    return [
        Part(kind, tokens[start:end], tokens[end] if end < len(tokens) else None)
        for kind, start, end in cuts
        if start < end
    ]


def _opens(tokens: list[Token], index: int, within: str) -> bool:
    """Does this word open a declaration? Inside another one, whose end was then forgotten, only with what goes with it."""
    if not within:
        return True
    following = [token.type for token in tokens[index + 1 : index + 3]] + ["", ""]
    word = tokens[index].type
    if word == "VAR_GLOBAL":
        return within in ("TYPE", "VAR_GLOBAL")
    if word == "PROGRAM" and within == "CONFIGURATION":
        return following[0] == "IDENT" and following[1] not in ("WITH", "COLON")
    return following[0] == "IDENT"
