"""Random expressions against a reference, and hostile sources: only StError, in bounded time."""

import operator
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.plc.image import Image
from simulators.plc.st.errors import StError, StFaultError
from simulators.plc.st.program import Program, compile_program
from simulators.plc.st.runtime import Watchdog, single
from tests.simulators.plc.rack import Rack, body

RANGES = {"SINT": (-128, 127), "USINT": (0, 255), "INT": (-32768, 32767), "UINT": (0, 65535),
          "DINT": (-(2**31), 2**31 - 1), "LINT": (-(2**63), 2**63 - 1)}  # fmt: skip
PRIORITY = {
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "MOD": 7,
    "AND": 3,
    "XOR": 2,
    "OR": 1,
    "neg": 9,
    "NOT": 9,
    "leaf": 10,
}


@dataclass(frozen=True)
class Node:
    """An expression: how it is written and what it is worth."""

    text: str
    value: int | float | bool
    priority: int


def leaf(name: str, value: int | float | bool) -> Node:
    return Node(name, value, PRIORITY["leaf"])


def written(node: Node, least: int) -> str:
    return node.text if node.priority >= least else f"({node.text})"


def binary(op: str, left: Node, right: Node, value: int | float | bool) -> Node:
    priority = PRIORITY[op]
    return Node(f"{written(left, priority)} {op} {written(right, priority + 1)}", value, priority)


def wrapped(value: int, of: str) -> int:
    low, high = RANGES[of]
    return (value - low) % (high - low + 1) + low


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def integer_value(op: str, a: int, b: int) -> int:
    if op == "/":
        return quotient(a, b)
    if op == "MOD":
        return a - b * quotient(a, b) if b else 0
    function: Callable[[int, int], int] = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op]
    return function(a, b)


@st.composite
def integers(draw: st.DrawFn) -> tuple[str, dict[str, int], Node]:
    """A type, the values of its variables, and an expression over them."""
    of = draw(st.sampled_from(list(RANGES)))
    low, high = RANGES[of]
    edge = st.sampled_from([low, high, 0, 1, min(high, 7)]) | st.integers(low, high)
    values = {name: draw(edge) for name in "abcd"}
    nodes = [leaf(name, value) for name, value in values.items()] + [leaf("3", 3), leaf(str(high), high)]
    for _ in range(draw(st.integers(1, 8))):
        left, right = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        op = draw(st.sampled_from(["+", "-", "*", "/", "MOD", "neg"]))
        if len(left.text) + len(right.text) > 200 or (op == "/" and right.value == 0):
            continue
        if op == "neg" and not left.text[0].isdigit():
            nodes.append(Node(f"-{written(left, 9)}", wrapped(-int(left.value), of), 9))
        elif op != "neg" and not (left.text.isdigit() and right.text.isdigit()):
            nodes.append(
                binary(op, left, right, wrapped(integer_value(op, int(left.value), int(right.value)), of))
            )
    variables = [node for node in nodes if any(name in node.text for name in "abcd")]
    return of, values, draw(st.sampled_from(variables[-3:]))


@given(integers())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_integer_expressions(case: tuple[str, dict[str, int], Node]) -> None:
    of, values, node = case
    rack = Rack(
        body(
            f"a, b, c, d, out : {of}; less : BOOL;",
            f"out := {node.text}; less := {node.text} < {written(node, 6)};",
        )
    )
    for name, value in values.items():
        rack[name] = value
    rack.run()
    assert rack["out"] == node.value, f"{of} {values} {node.text}"
    assert rack["less"] is False


@st.composite
def booleans(draw: st.DrawFn) -> tuple[dict[str, bool], Node]:
    values = {name: draw(st.booleans()) for name in "abcd"}
    nodes = [leaf(name, value) for name, value in values.items()]
    functions: dict[str, Callable[[bool, bool], bool]] = {
        "AND": operator.and_,
        "OR": operator.or_,
        "XOR": operator.xor,
    }
    for _ in range(draw(st.integers(1, 8))):
        left, right = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        op = draw(st.sampled_from([*functions, "NOT"]))
        if op == "NOT":
            nodes.append(Node(f"NOT {written(left, 9)}", not left.value, 9))
        elif len(left.text) + len(right.text) < 200:
            nodes.append(binary(op, left, right, functions[op](bool(left.value), bool(right.value))))
    return values, nodes[-1]


@given(booleans())
@settings(max_examples=80, deadline=None)
def test_boolean_expressions(case: tuple[dict[str, bool], Node]) -> None:
    values, node = case
    rack = Rack(body("a, b, c, d, out : BOOL;", f"out := {node.text};"))
    for name, value in values.items():
        rack[name] = value
    assert rack.run()["out"] is node.value, f"{values} {node.text}"


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_real_stores_are_single_precision(terms: list[tuple[str, float]]) -> None:
    functions: dict[str, Callable[[float, float], float]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
    }
    names = [f"x{n}" for n in range(len(terms))]
    steps = "".join(f"out := out {op} {name};\n" for (op, _), name in zip(terms, names, strict=True))
    rack = Rack(body(f"{', '.join(names)}, out : REAL;", steps))
    expected = 0.0
    for (op, value), name in zip(terms, names, strict=True):
        rack[name] = value
        expected = single(functions[op](expected, value))
    assert rack.run()["out"] == expected


# Fuzz

SAMPLES = [
    path.read_text(encoding="utf-8") for path in sorted(Path(__file__).with_name("programs").glob("*.st"))
]
_WORDS = """PROGRAM p END_PROGRAM VAR END_VAR x y : INT ; BOOL := 1 + ( ) [ ] IF THEN END_IF FOR i TO DO END_FOR CASE OF END_CASE .. ,
    TYPE STRUCT END_STRUCT END_TYPE FUNCTION FUNCTION_BLOCK 'a' T#1s 16#FF TRUE TON . => AT %IX0.0 ARRAY RETAIN => NOT -
    CONFIGURATION RESOURCE TASK WITH WHILE REPEAT UNTIL EXIT RETURN SEL MAX INT_TO_REAL 2.5 {x} (* *) ** MOD INT#5"""
WORDS = _WORDS.split()
# What a program may raise while it runs; anything else would be a bug of the generator.
FAULTS = (StFaultError, ZeroDivisionError, OverflowError, ValueError)


def compiles(source: str) -> Program | None:
    words = ""
    try:
        return compile_program(source, "fuzz.st")
    except StError as error:
        words = error.text.en
    assert "too complex" not in words, source
    return None


def run_if_it_compiles(source: str) -> None:
    program = compiles(source)
    if program is None:
        return
    watchdog = Watchdog(20_000, 5.0)
    instance = program.instantiate(Image(), watchdog)
    for step in range(3):
        watchdog.start()
        try:
            instance.run(step * 100_000_000)
        except FAULTS:
            return


@given(st.binary(max_size=300).map(lambda data: data.decode("latin-1")) | st.text(max_size=200))
@settings(max_examples=80, deadline=None)
def test_noise(source: str) -> None:
    assert compiles(source) is None


@given(st.lists(st.sampled_from(WORDS), max_size=60))
@settings(max_examples=80, deadline=None)
def test_word_soup(words: list[str]) -> None:
    run_if_it_compiles(" ".join(words))
    run_if_it_compiles("PROGRAM p VAR x, y, i : INT; t : TON; END_VAR " + " ".join(words) + " END_PROGRAM")


@pytest.mark.parametrize("seed", range(60))
def test_mutations_of_programs(seed: int) -> None:
    rng = random.Random(seed)
    text = rng.choice(SAMPLES)
    words = text.replace(";", " ; ").replace("(", " ( ").replace(")", " ) ").split(" ")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(words))
        action = rng.randrange(4)
        if action == 0:
            del words[at]
        elif action == 1:
            words[at] = rng.choice(WORDS)
        elif action == 2:
            other = rng.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        else:
            words[at:at] = words[rng.randrange(len(words)) :][: rng.randint(1, 10)]
    run_if_it_compiles(" ".join(words))
