"""Operators of Structured Text: which types they take, what they give, and whether it can overflow."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import replace

from simulators.plc.st import tree
from simulators.plc.st.code import (
    AND,
    ATOM,
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    COMPARE,
    NOT,
    OR,
    PRODUCT,
    SIGN,
    SUM,
    WRONG,
    Code,
    boolean,
    calculated,
    call,
    canonical,
    constant,
    rounded,
    wrap,
)
from simulators.plc.st.convert import as_bits, common, implicit, natural, remedy
from simulators.plc.st.literals import Constant
from simulators.plc.st.places import Places
from simulators.plc.st.runtime import div, mod
from simulators.plc.st.scope import Line
from simulators.plc.st.types import (
    ANY_INT,
    ANY_REAL,
    BOOL,
    DATE,
    DT,
    LREAL,
    REAL,
    TIME,
    TOD,
    Array,
    Block,
    Elementary,
    Enumeration,
    Structure,
    Text,
    Type,
    is_kind,
)

SYMBOL = {"OR": "OR", "XOR": "XOR", "AND": "AND", "EQ": "=", "NE": "<>", "LT": "<", "GT": ">", "LE": "<=", "GE": ">=",
          "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "MOD": "MOD", "POWER": "**"}  # fmt: skip
_COMPARE: dict[str, tuple[str, Callable[[Constant, Constant], bool]]] = {
    "EQ": ("==", operator.eq), "NE": ("!=", operator.ne), "LT": ("<", operator.lt), "GT": (">", operator.gt),
    "LE": ("<=", operator.le), "GE": (">=", operator.ge),
}  # fmt: skip


class Operators(Places):
    """Combines the codes of operands."""

    def _binary(self, node: tree.Binary, wanted: Type | None) -> Code:
        chain: list[tuple[tree.Binary, Type | None]] = []
        left: tree.Expression = node
        while isinstance(left, tree.Binary):
            if left.operator in _COMPARE or left.operator == "POWER":
                wanted = None
            chain.append((left, wanted))
            left = left.left
        code = self.value(left, wanted)
        for item, around in reversed(chain):
            says = is_kind(code.type, "bits") or isinstance(code.type, Enumeration)
            beside = code.type if around is None and says else around
            before = len(self.scope.lines)
            right = self.value(item.right, beside)
            if len(self.scope.lines) == before:
                code = self.combine(item.operator, code, right, item.place)
            else:
                code = self._after(item, code, right, before)
        return code

    def _after(self, node: tree.Binary, left: Code, right: Code, before: int) -> Code:
        """An operation whose right side has lines of its own, from `before` on: the left side is worked out before them,
        and where it decides AND or OR they do not run.
        """
        late = self.scope.lines[before:]
        del self.scope.lines[before:]
        if left.wrong or right.wrong:
            return WRONG
        name = self.scope.temporary()
        self.scope.add(f"{name} = {left.text}")
        if left.type is BOOL and right.type is BOOL and node.operator in ("AND", "OR"):
            self.scope.add(f"if {name}:" if node.operator == "AND" else f"if not {name}:")
            self.scope.lines += [Line(line.indent + 1, line.text, line.source) for line in late]
            with self.scope.indented():
                self.scope.add(f"{name} = {right.text}")
            return boolean(name, ATOM)
        self.scope.lines += late
        kept = left if left.constant is not None else replace(left, text=name, precedence=ATOM)
        return self.combine(node.operator, kept, right, node.place)

    def combine(self, op: str, a: Code, b: Code, place: tree.Place) -> Code:
        """`a op b`, `op` being a token type such as PLUS."""
        if a.wrong or b.wrong:
            return WRONG
        try:
            if op in ("AND", "OR", "XOR"):
                result = self._logic(op, a, b)
            elif op in _COMPARE:
                result = self._compare(op, a, b)
            elif op == "POWER":
                result = self._power(a, b)
            else:
                result = self._arithmetic(op, a, b)
        except ZeroDivisionError:
            self.scope.error(place, "division par zéro", "division by zero")
            return WRONG
        except OverflowError:
            self.scope.error(place, "le résultat de cette constante dépasse son type",
                             "the result of this constant is beyond its type")  # fmt: skip
            return WRONG
        except ValueError:
            self.scope.error(place, f"{SYMBOL[op]} n'a pas de résultat pour {a.text} et {b.text}",
                             f"{SYMBOL[op]} has no result for {a.text} and {b.text}")  # fmt: skip
            return WRONG
        if result is None:
            return self._mismatch(op, a, b, place)
        return result

    def _mismatch(self, op: str, a: Code, b: Code, place: tree.Place) -> Code:
        fr = en = ""
        if op in ("PLUS", "MINUS", "STAR", "SLASH", "MOD") and (
            is_kind(a.type, "bits") or is_kind(b.type, "bits")
        ):
            of = a.type if is_kind(a.type, "bits") else b.type
            fr, en = (
                f" ; convertissez par exemple avec {of}_TO_DINT",
                f"; convert for example with {of}_TO_DINT",
            )
        elif op in ("AND", "OR", "XOR") and (is_kind(a.type, "int") or is_kind(b.type, "int")):
            fr, en = (
                " ; attendu : BOOL ou BYTE, WORD, DWORD, LWORD",
                "; expected BOOL or BYTE, WORD, DWORD, LWORD",
            )
        elif op == "PLUS" and isinstance(a.type, Text):
            fr, en = " ; employez CONCAT", "; use CONCAT"
        elif remedy(b.type, a.type):
            name = remedy(b.type, a.type)
            fr, en = f" ; convertissez, par exemple avec {name}", f"; convert, for example with {name}"
        self.scope.error(place, f"{SYMBOL[op]} ne s'applique pas à {a.type} et {b.type}{fr}",
                         f"{SYMBOL[op]} does not apply to {a.type} and {b.type}{en}")  # fmt: skip
        return WRONG

    def _meet(self, a: Code, b: Code) -> tuple[Type, Code, Code] | None:
        of = common(a, b)
        if of is None:
            return None
        if of in (ANY_INT, ANY_REAL):
            return of, a, b
        left, right = (self._to(a, of), self._to(b, of))
        return (of, left, right) if left is not None and right is not None else None

    def _to(self, code: Code, of: Type) -> Code | None:
        # Sums stay unwrapped within one type: wrapping once at the end gives the same.
        if code.type is of:
            return code
        if of is LREAL and code.type is ANY_REAL and code.constant is not None:
            return constant(LREAL, float(code.constant))
        return implicit(code, of)

    def _logic(self, op: str, a: Code, b: Code) -> Code | None:
        met = self._meet(a, b)
        if met is None:
            return None
        of, a, b = met
        if of is BOOL:
            return _boolean_logic(op, a, b)
        literals = of is ANY_INT and a.low >= 0 and b.low >= 0
        if not is_kind(of, "bits") and not literals:
            return None
        sign, precedence, function = {
            "AND": ("&", BIT_AND, operator.and_), "OR": ("|", BIT_OR, operator.or_), "XOR": ("^", BIT_XOR, operator.xor),
        }[op]  # fmt: skip
        if isinstance(a.constant, int) and isinstance(b.constant, int):
            return constant(of, function(a.constant, b.constant))
        high = min(a.high, b.high) if op == "AND" else (1 << max(a.high, b.high).bit_length()) - 1
        return Code(f"{a.at(precedence)} {sign} {b.at(precedence + 1)}", of, precedence, None, 0, high)

    def _compare(self, op: str, a: Code, b: Code) -> Code | None:
        met = self._meet(a, b)
        if met is None:
            return None
        of, a, b = met
        if isinstance(of, Array | Structure | Block):
            return None
        if isinstance(of, Enumeration) and op not in ("EQ", "NE"):
            return None
        a, b = canonical(a), canonical(b)
        sign, function = _COMPARE[op]
        if is_kind(of, "real") and op in ("EQ", "NE"):
            a, b = rounded(a), rounded(b)
        if a.constant is not None and b.constant is not None:
            return constant(BOOL, function(a.constant, b.constant))
        return boolean(f"{a.at(COMPARE + 1)} {sign} {b.at(COMPARE + 1)}", COMPARE)

    def _power(self, a: Code, b: Code) -> Code | None:
        if a.type is ANY_INT and b.type is ANY_INT:
            whole = _whole_power(a.constant, b.constant)
            if whole is not None:
                return whole
        of = _power_type(a)
        base_code, exponent = a if of is ANY_REAL else implicit(a, of), natural(b)
        if base_code is None or not is_kind(exponent.type, "int", "real"):
            return None
        exponent = canonical(exponent)
        if base_code.constant is not None and exponent.constant is not None:
            return _folded(of, math.pow(float(base_code.constant), float(exponent.constant)))
        return Code(call("rt_power", base_code, exponent), of, exact=of is LREAL)

    def _arithmetic(self, op: str, a: Code, b: Code) -> Code | None:
        timed = self._time_arithmetic(op, a, b)
        if timed is not None:
            return timed
        met = self._meet(a, b)
        if met is None:
            return None
        of, a, b = met
        if is_kind(of, "real"):
            assert isinstance(of, Elementary)
            return None if op == "MOD" else _real_arithmetic(op, of, a, b)
        if not is_kind(of, "int"):
            return None
        assert isinstance(of, Elementary)
        if isinstance(a.constant, int) and isinstance(b.constant, int):
            return _folded(of, _INTEGER[op](a.constant, b.constant))
        return integer_arithmetic(op, of, a, b)

    def _time_arithmetic(self, op: str, a: Code, b: Code) -> Code | None:
        """Sums of times and dates, and a time times or divided by a number (table 30 of the standard)."""
        of = _TIME_SUMS.get((op, a.type, b.type))  # type: ignore[arg-type]
        if of is not None:
            return self._fold_time(op, of, a, b)
        if op == "STAR" and b.type is TIME and is_kind(a.type, "int", "real"):
            a, b = b, a
        if op not in ("STAR", "SLASH") or a.type is not TIME or not is_kind(b.type, "int", "real"):
            return None
        if is_kind(b.type, "int"):
            return self._fold_time(op, TIME, a, canonical(b))
        sign = "*" if op == "STAR" else "/"
        text = call(
            "rt_trunc",
            f"{canonical(a).at(PRODUCT)} {sign} {b.at(PRODUCT + 1)}",
            str(TIME.low),
            str(TIME.high),
        )
        return Code(text, TIME, low=TIME.low, high=TIME.high)

    def _fold_time(self, op: str, of: Elementary, a: Code, b: Code) -> Code:
        if isinstance(a.constant, int) and isinstance(b.constant, int):
            return constant(of, wrap(_INTEGER[op](a.constant, b.constant), of))
        return integer_arithmetic(op, of, a, b)

    def _unary(self, node: tree.Unary, wanted: Type | None) -> Code:
        code = self.value(node.operand, wanted)
        if code.wrong:
            return WRONG
        if node.operator == "NOT":
            code = as_bits(code, wanted)
        result = self.negated(code) if node.operator == "NOT" else self._signed(node.operator, code)
        if result is None:
            word = {"NOT": "NOT", "MINUS": "-", "PLUS": "+"}[node.operator]
            fr = en = ""
            if word == "NOT" and code.type is ANY_INT:
                fr, en = (
                    " ; écrivez son type, par exemple WORD#16#FF",
                    "; write its type, for example WORD#16#FF",
                )
            self.scope.error(node.place, f"{word} ne s'applique pas à {code.type}{fr}",
                             f"{word} does not apply to {code.type}{en}")  # fmt: skip
            return WRONG
        return result

    def negated(self, code: Code) -> Code | None:
        """NOT, None where it does not apply."""
        if code.type is ANY_INT and code.constant in (0, 1):
            code = constant(BOOL, bool(code.constant))
        if code.type is BOOL:
            if code.constant is not None:
                return constant(BOOL, not code.constant)
            return boolean(f"not {code.at(NOT)}", NOT)
        if not is_kind(code.type, "bits"):
            return None
        assert isinstance(code.type, Elementary)
        mask = code.type.high
        if isinstance(code.constant, int):
            return constant(code.type, code.constant ^ mask)
        return Code(f"{code.at(BIT_XOR)} ^ {mask}", code.type, BIT_XOR, None, 0, mask)

    def _signed(self, sign: str, code: Code) -> Code | None:
        if not is_kind(code.type, "int", "real", "time"):
            return None
        if sign == "PLUS":
            return code
        assert isinstance(code.type, Elementary)
        if code.constant is not None and not isinstance(code.constant, str):
            return _folded(code.type, -code.constant)
        if is_kind(code.type, "real"):
            return replace(code, text=f"-{code.at(SIGN)}", precedence=SIGN)
        return calculated(code.type, f"-{code.at(SIGN)}", SIGN, -code.high, -code.low)


_INTEGER: dict[str, Callable[[int, int], int]] = {
    "PLUS": operator.add, "MINUS": operator.sub, "STAR": operator.mul, "SLASH": div, "MOD": mod,
}  # fmt: skip
_TIME_SUMS: dict[tuple[str, Elementary, Elementary], Elementary] = {
    ("PLUS", TIME, TIME): TIME, ("MINUS", TIME, TIME): TIME, ("PLUS", TOD, TIME): TOD, ("MINUS", TOD, TIME): TOD,
    ("PLUS", DT, TIME): DT, ("MINUS", DT, TIME): DT, ("MINUS", DATE, DATE): TIME, ("MINUS", TOD, TOD): TIME,
    ("MINUS", DT, DT): TIME,
}  # fmt: skip


def _power_type(a: Code) -> Elementary:
    """Of `a ** b`: the base's, which a literal leaves to what is around it."""
    if a.type in (ANY_INT, ANY_REAL):
        return ANY_REAL
    wide = a.type is LREAL or (is_kind(a.type, "int") and isinstance(a.type, Elementary) and a.type.bits > 16)
    return LREAL if wide else REAL


def _whole_power(a: Constant | None, b: Constant | None) -> Code | None:
    """`a ** b` as an untyped integer literal, None where it is not one."""
    if not isinstance(a, int) or not isinstance(b, int) or not 0 <= b <= 64:
        return None
    value = a**b
    return constant(ANY_INT, value) if -(1 << 63) <= value < 1 << 64 else None


def _folded(of: Elementary, value: Constant) -> Code:
    """A constant result; an untyped one must stay within 64 bits, a typed integer wraps."""
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise OverflowError
        return constant(of, value)
    assert isinstance(value, int)
    if of is ANY_INT:
        if not -(1 << 63) <= value < 1 << 64:
            raise OverflowError
        return constant(of, value)
    return constant(of, float(value) if of.kind == "real" else wrap(value, of))


def _boolean_logic(op: str, a: Code, b: Code) -> Code:
    if a.constant is not None and b.constant is not None:
        x, y = bool(a.constant), bool(b.constant)
        return constant(BOOL, {"AND": x and y, "OR": x or y, "XOR": x != y}[op])
    if op == "XOR":
        return boolean(f"{a.at(COMPARE + 1)} != {b.at(COMPARE + 1)}", COMPARE)
    word, precedence = ("and", AND) if op == "AND" else ("or", OR)
    return boolean(f"{a.at(precedence)} {word} {b.at(precedence + 1)}", precedence)


def _real_arithmetic(op: str, of: Elementary, a: Code, b: Code) -> Code:
    if a.constant is not None and b.constant is not None:
        x, y = float(a.constant), float(b.constant)
        value = {
            "PLUS": operator.add,
            "MINUS": operator.sub,
            "STAR": operator.mul,
            "SLASH": operator.truediv,
        }[op](x, y)
        return _folded(of, value)
    sign, precedence = {
        "PLUS": ("+", SUM),
        "MINUS": ("-", SUM),
        "STAR": ("*", PRODUCT),
        "SLASH": ("/", PRODUCT),
    }[op]
    text = f"{a.at(precedence)} {sign} {b.at(precedence + 1)}"
    return Code(text, of, precedence, exact=of is LREAL and (a.exact or b.exact or op == "SLASH"))


def integer_arithmetic(op: str, of: Elementary, a: Code, b: Code) -> Code:
    """`a op b` on integers or times whose types have met; the bounds tell whether it can overflow."""
    if op in ("SLASH", "MOD"):
        return _division(op, of, canonical(a), canonical(b))
    if op == "PLUS":
        return calculated(of, f"{a.at(SUM)} + {b.at(SUM + 1)}", SUM, a.low + b.low, a.high + b.high)
    if op == "MINUS":
        return calculated(of, f"{a.at(SUM)} - {b.at(SUM + 1)}", SUM, a.low - b.high, a.high - b.low)
    ends = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high]
    return calculated(of, f"{a.at(PRODUCT)} * {b.at(PRODUCT + 1)}", PRODUCT, min(ends), max(ends))


def _division(op: str, of: Elementary, a: Code, b: Code) -> Code:
    if b.constant == 0 and op == "SLASH":
        raise ZeroDivisionError
    ends = (a.low, a.high) if b.low >= 0 else (a.low, a.high, -a.low, -a.high)
    if a.low >= 0 and b.low > 0:
        sign = "//" if op == "SLASH" else "%"
        high = a.high if op == "SLASH" else min(a.high, b.high - 1)
        return Code(f"{a.at(PRODUCT)} {sign} {b.at(PRODUCT + 1)}", of, PRODUCT, None, 0, high)
    if a.low >= 0 and b.low >= 0 and op == "SLASH":
        return Code(f"{a.at(PRODUCT)} // {b.at(PRODUCT + 1)}", of, PRODUCT, None, 0, a.high)
    if op == "MOD":
        return Code(call("rt_mod", a, b), of, ATOM, None, min(a.low, 0), max(a.high, 0))
    return calculated(of, call("rt_div", a, b), ATOM, min(*ends, 0), max(*ends, 0))
