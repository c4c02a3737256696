"""From what the grammar recognises to the typed tree; called by the parser at each reduction, never recursive."""

from typing import Any

from lark import Token, Transformer

from simulators.errors import InputError
from simulators.plc.st import tree
from simulators.plc.st.tree import Place

# The standard's table of operators (IEC 61131-3:2013, table 71): all of them associate to the left.
PRECEDENCE = {
    "OR": 1, "XOR": 2, "AND": 3, "EQ": 4, "NE": 4, "LT": 5, "GT": 5, "LE": 5, "GE": 5,
    "PLUS": 6, "MINUS": 6, "STAR": 7, "SLASH": 7, "MOD": 7, "POWER": 8,
}  # fmt: skip
DEPTH_LIMIT = 40
CHAIN_LIMIT = 200
IDENT_LIMIT = 64


class RefusedError(InputError):
    """What the grammar allows and we do not, at `place`."""

    def __init__(self, place: Place, fr: str, en: str) -> None:
        super().__init__(fr, en)
        self.place = place


def place_of(token: Token) -> Place:
    """Where a token stands."""
    return (token.line or 1, token.column or 1)


def _ident(token: Token) -> str:
    if len(token) > IDENT_LIMIT:
        raise RefusedError(
            place_of(token),
            f"nom de plus de {IDENT_LIMIT} caractères ; raccourcissez-le",
            f"name longer than {IDENT_LIMIT} characters; shorten it",
        )
    return str(token)


def _deep(place: Place, *parts: Any) -> int:
    depth = 1 + max((part.depth for part in parts if part is not None), default=0)
    if depth > DEPTH_LIMIT:
        raise RefusedError(
            place,
            f"expression imbriquée sur plus de {DEPTH_LIMIT} niveaux ; découpez-la",
            f"expression nested deeper than {DEPTH_LIMIT} levels; split it",
        )
    return depth


def _fold(items: list[Any]) -> tree.Expression:
    """`operand operator operand …` → a tree, by precedence climbing over an explicit stack."""
    if len(items) > 2 * CHAIN_LIMIT:
        raise RefusedError(
            place_of(items[1]),
            f"plus de {CHAIN_LIMIT} opérateurs dans une expression ; découpez-la",
            f"more than {CHAIN_LIMIT} operators in one expression; split it",
        )
    values: list[Any] = [items[0]]
    operators: list[Token] = []
    for token, operand in zip(items[1::2], items[2::2], strict=True):
        while operators and PRECEDENCE[operators[-1].type] >= PRECEDENCE[token.type]:
            _reduce(values, operators)
        operators.append(token)
        values.append(operand)
    while operators:
        _reduce(values, operators)
    result: tree.Expression = values[0]
    return result


def _reduce(values: list[Any], operators: list[Token]) -> None:
    right, left, token = values.pop(), values.pop(), operators.pop()
    # A chain of one precedence adds no depth on its left: it is bounded by CHAIN_LIMIT instead.
    flat = isinstance(left, tree.Binary) and PRECEDENCE[left.operator] == PRECEDENCE[token.type]
    depth = max(left.depth, _deep(place_of(token), right)) if flat else _deep(place_of(token), left, right)
    values.append(tree.Binary(place_of(token), token.type, left, right, depth))


class Builder(Transformer[Token, Any]):
    """One method per rule of grammar.lark; optional parts arrive as None."""

    def start(self, children: list[Any]) -> tree.Source:
        source = tree.Source()
        for item in children:
            if isinstance(item, tree.Pou):
                source.pous.append(item)
            elif isinstance(item, tree.VarBlock):
                source.blocks.append(item)
            elif isinstance(item, tree.Configuration):
                source.configurations.append(item)
            else:
                source.types.extend(item)
        return source

    # Types

    def type_block(self, c: list[Any]) -> list[tree.TypeDeclaration]:
        return c[1:-1]

    def type_decl(self, c: list[Any]) -> tree.TypeDeclaration:
        return tree.TypeDeclaration(place_of(c[0]), _ident(c[0]), c[2], c[4] if len(c) == 6 else None)

    def struct_spec(self, c: list[Any]) -> tree.StructSpec:
        return tree.StructSpec(place_of(c[0]), c[1:-1])

    def named_type(self, c: list[Any]) -> tree.NamedType:
        return tree.NamedType(place_of(c[0]), _ident(c[0]))

    def subrange_type(self, c: list[Any]) -> tree.SubrangeType:
        return tree.SubrangeType(place_of(c[0]), _ident(c[0]), c[2], c[4])

    def string_type(self, c: list[Any]) -> tree.SizedString:
        return tree.SizedString(place_of(c[0]), _ident(c[0]), c[2])

    def array_type(self, c: list[Any]) -> tree.ArraySpec:
        bounds = [item for item in c if isinstance(item, tuple)]
        return tree.ArraySpec(place_of(c[0]), bounds, c[-1])

    def bounds(self, c: list[Any]) -> tuple[Any, Any]:
        return (c[0], c[2])

    def enum_type(self, c: list[Any]) -> tree.EnumSpec:
        return tree.EnumSpec(place_of(c[0]), c[1:-1:2])

    def typed_enum(self, c: list[Any]) -> tree.EnumSpec:
        return tree.EnumSpec(place_of(c[0]), c[2:-1:2], self.named_type(c))

    def enum_item(self, c: list[Any]) -> tuple[Place, str, Any]:
        return (place_of(c[0]), _ident(c[0]), c[2])

    # Declarations

    def function(self, c: list[Any]) -> tree.Pou:
        return self._pou("FUNCTION", c, c[3], 4)

    def function_block(self, c: list[Any]) -> tree.Pou:
        return self._pou("FUNCTION_BLOCK", c, None, 2)

    def program(self, c: list[Any]) -> tree.Pou:
        return self._pou("PROGRAM", c, None, 2)

    def _pou(self, kind: str, c: list[Any], returns: Any, first: int) -> tree.Pou:
        return tree.Pou(place_of(c[1]), kind, _ident(c[1]), returns, c[first:-2], c[-2])

    def var_block(self, c: list[Any]) -> tree.VarBlock:
        section: Token = c[0]
        words = {item.type for item in c[1:-1] if isinstance(item, Token)}
        declarations = [item for item in c[1:-1] if isinstance(item, tree.Declaration)]
        return tree.VarBlock(
            place_of(section), section.type, "RETAIN" in words, "CONSTANT" in words, declarations
        )

    global_block = var_block

    def var_section(self, c: list[Any]) -> Any:
        return c[0]

    qualifier = retention = var_section

    def var_decl(self, c: list[Any]) -> tree.Declaration:
        names, _at, address, _colon, spec, edge, _assign, init, _end = c
        located = (place_of(address), str(address)) if address is not None else None
        return tree.Declaration(names, located, spec, init, edge)

    def unnamed_decl(self, c: list[Any]) -> tree.Declaration:
        located = (place_of(c[1]), str(c[1]))
        return tree.Declaration([located], located, c[3], c[5])

    def edge(self, c: list[Any]) -> tuple[Place, str]:
        return (place_of(c[0]), c[0].type)

    def names(self, c: list[Any]) -> list[tuple[Place, str]]:
        return [(place_of(token), _ident(token)) for token in c[::2]]

    def array_init(self, c: list[Any]) -> tree.ArrayInit:
        items = [item if isinstance(item, tuple) else (1, item) for item in c[1:-1:2]]
        return tree.ArrayInit(place_of(c[0]), items)

    def repeated(self, c: list[Any]) -> tuple[int, Any]:
        digits = c[0].replace("_", "")
        return (min(int(digits), 1 << 30) if digits.isdigit() and len(digits) < 12 else 1 << 30, c[2])

    def struct_init(self, c: list[Any]) -> tree.StructInit:
        return tree.StructInit(place_of(c[0]), c[1:-1:2])

    def struct_item(self, c: list[Any]) -> tuple[Place, str, Any]:
        return (place_of(c[0]), _ident(c[0]), c[2])

    # Configuration

    def configuration(self, c: list[Any]) -> tree.Configuration:
        result = tree.Configuration(place_of(c[0]), _ident(c[1]))
        items = [part for item in c[2:-1] for part in (item if isinstance(item, list) else [item])]
        for item in items:
            if isinstance(item, tree.VarBlock):
                result.blocks.append(item)
            elif isinstance(item, tree.Task):
                result.tasks.append(item)
            else:
                result.instances.append(item)
        return result

    def resource(self, c: list[Any]) -> list[Any]:
        if c[2].upper() != "ON":  # no keyword, because it is a good name for a variable
            place = place_of(c[2])
            raise RefusedError(place, f"attendu : ON, trouvé {c[2]}", f"expected ON, found {c[2]}")
        return c[4:-1]

    def task(self, c: list[Any]) -> tree.Task:
        return tree.Task(place_of(c[1]), _ident(c[1]), c[3])

    def program_instance(self, c: list[Any]) -> tree.ProgramInstance:
        retention, name, task, program, arguments = c[1], c[2], c[4], c[6], c[8]
        return tree.ProgramInstance(
            place_of(name),
            _ident(name),
            (place_of(task), str(task)) if task is not None else None,
            (place_of(program), str(program)),
            retention is not None and retention.type == "RETAIN",
            arguments or [],
        )

    # Statements

    def statements(self, c: list[Any]) -> list[tree.Statement]:
        return [item for item in c if item is not None]

    def closed_statement(self, c: list[Any]) -> Any:
        return c[0]

    def empty(self, _c: list[Any]) -> None:
        return None

    def assign(self, c: list[Any]) -> tree.Assign:
        return tree.Assign(c[0].place, c[0], c[2])

    def call_statement(self, c: list[Any]) -> tree.CallStatement:
        return tree.CallStatement(c[0].place, self.call(c))

    def if_statement(self, c: list[Any]) -> tree.If:
        branches = [(c[1], c[3])] + [item for item in c[4:-3] if isinstance(item, tuple)]
        return tree.If(place_of(c[0]), branches, c[-2] or [])

    def elsif(self, c: list[Any]) -> tuple[Any, Any]:
        return (c[1], c[3])

    def case(self, c: list[Any]) -> tree.Case:
        branches: list[tuple[Place, list[tree.Label], list[tree.Statement]]] = []
        for item in c[3:-3]:
            if isinstance(item, list):
                branches.append((item[0].low.place, item, []))
            elif item is not None and branches:
                branches[-1][2].append(item)
            elif item is not None:
                # A statement before any label: kept under an impossible one, which the checker reports.
                branches.append((item.place, [], [item]))
        return tree.Case(place_of(c[0]), c[1], branches, c[-2] or [])

    def labels(self, c: list[Any]) -> list[tree.Label]:
        return c[::2]

    def label(self, c: list[Any]) -> tree.Label:
        return tree.Label(c[0], c[2])

    def for_statement(self, c: list[Any]) -> tree.For:
        return tree.For(place_of(c[0]), c[1], c[3], c[5], c[7], c[9])

    def while_statement(self, c: list[Any]) -> tree.While:
        return tree.While(place_of(c[0]), c[1], c[3])

    def repeat(self, c: list[Any]) -> tree.Repeat:
        return tree.Repeat(place_of(c[0]), c[1], c[3])

    def jump(self, c: list[Any]) -> tree.Jump:
        return tree.Jump(place_of(c[0]), c[0].type)

    # Expressions

    def arguments(self, c: list[Any]) -> list[tree.Argument]:
        return [item for item in c[::2] if item is not None]

    def argument(self, c: list[Any]) -> tree.Argument:
        return tree.Argument(c[0].place, "positional", "", c[0])

    def input(self, c: list[Any]) -> tree.Argument:
        return tree.Argument(place_of(c[0]), "input", _ident(c[0]), c[2])

    def output(self, c: list[Any]) -> tree.Argument:
        return tree.Argument(place_of(c[0]), "output", _ident(c[0]), c[2])

    def negated_output(self, c: list[Any]) -> tree.Argument:
        return tree.Argument(place_of(c[0]), "negated_output", _ident(c[1]), c[3])

    def chain(self, c: list[Any]) -> tree.Expression:
        return _fold(c)

    def unary(self, c: list[Any]) -> tree.Unary:
        return tree.Unary(place_of(c[0]), c[0].type, c[1], _deep(place_of(c[0]), c[1]))

    def primary(self, c: list[Any]) -> tree.Expression:
        inner: tree.Expression = c[1]
        inner.depth = _deep(place_of(c[0]), inner)
        return inner

    def literal(self, c: list[Any]) -> tree.Literal:
        return tree.Literal(place_of(c[0]), c[0].type, str(c[0]))

    def call(self, c: list[Any]) -> tree.Call:
        arguments: list[tree.Argument] = c[2]
        depth = _deep(c[0].place, c[0], *(argument.value for argument in arguments))
        return tree.Call(c[0].place, c[0], arguments, depth)

    def word_call(self, c: list[Any]) -> tree.Call:
        return self.call([tree.Name(place_of(c[0]), c[0].type), *c[1:]])

    def name(self, c: list[Any]) -> tree.Name:
        return tree.Name(place_of(c[0]), _ident(c[0]))

    def direct(self, c: list[Any]) -> tree.Direct:
        return tree.Direct(place_of(c[0]), str(c[0]))

    def member(self, c: list[Any]) -> tree.Member:
        return tree.Member(place_of(c[2]), c[0], str(c[2]), _deep(place_of(c[2]), c[0]))

    def subscript(self, c: list[Any]) -> tree.Subscript:
        indices = c[2:-1:2]
        return tree.Subscript(c[0].place, c[0], indices, _deep(c[0].place, c[0], *indices))
