"""Standard functions on strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulators.plc.st import tree
from simulators.plc.st.code import (
    ATOM,
    Code,
    call,
    canonical,
)
from simulators.plc.st.numerical import Handler
from simulators.plc.st.types import (
    INT,
    STRING_LIMIT,
    Text,
    is_kind,
)

if TYPE_CHECKING:
    from simulators.plc.st.expressions import Expressions


def text(name: str, kinds: str, length: Callable[[list[Code]], int]) -> Handler:
    """`kinds` has a letter an argument: s string, i integer."""

    def handler(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
        fitting = [isinstance(a.type, Text) if k == "s" else is_kind(a.type, "int")
                   for a, k in zip(arguments, kinds, strict=True)]  # fmt: skip
        if not all(fitting):
            return None
        return Code(
            call(name, *(canonical(a) for a in arguments)), Text(min(length(arguments), STRING_LIMIT))
        )

    return handler


def _length_of(code: Code) -> int:
    return code.type.length if isinstance(code.type, Text) else 0


def concat(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """CONCAT."""
    if not all(isinstance(a.type, Text) for a in arguments):
        return None
    return Code(call("rt_concat", *arguments), Text(min(sum(map(_length_of, arguments)), STRING_LIMIT)))


def length(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """LEN."""
    if not isinstance(arguments[0].type, Text):
        return None
    return Code(call("len", arguments[0]), INT, ATOM, None, 0, STRING_LIMIT)


def find(_lowering: Expressions, _node: tree.Call, arguments: list[Code]) -> Code | None:
    """FIND."""
    if not all(isinstance(a.type, Text) for a in arguments):
        return None
    return Code(call("rt_find", *arguments), INT, ATOM, None, 0, STRING_LIMIT)


def same(codes: list[Code]) -> int:
    """A result no longer than the first argument."""
    return _length_of(codes[0])


def both(codes: list[Code]) -> int:
    """A result no longer than both strings together."""
    return _length_of(codes[0]) + _length_of(codes[1])
