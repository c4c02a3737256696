"""The typed tree of a program, as parse.py builds it. `place` is a 1-based (line, column)."""

from __future__ import annotations

from dataclasses import dataclass, field

Place = tuple[int, int]


@dataclass(slots=True)
class Literal:
    """`kind` is NUMBER, TYPED, STRING, TRUE or FALSE."""

    place: Place
    kind: str
    text: str
    depth: int = 0


@dataclass(slots=True)
class Name:
    place: Place
    name: str
    depth: int = 0


@dataclass(slots=True)
class Direct:
    """A directly represented variable, `%IX0.0`."""

    place: Place
    address: str
    depth: int = 0


@dataclass(slots=True)
class Member:
    """`base.name`; `name` is a number for the bit of a bit string."""

    place: Place
    base: Variable
    name: str
    depth: int = 0


@dataclass(slots=True)
class Subscript:
    place: Place
    base: Variable
    indices: list[Expression]
    depth: int = 0


@dataclass(slots=True)
class Unary:
    place: Place
    operator: str
    operand: Expression
    depth: int = 0


@dataclass(slots=True)
class Binary:
    place: Place
    operator: str
    left: Expression
    right: Expression
    depth: int = 0


@dataclass(slots=True)
class Argument:
    """`way` is positional, input (`:=`), output (`=>`) or negated_output (`NOT … =>`)."""

    place: Place
    way: str
    name: str
    value: Expression


@dataclass(slots=True)
class Call:
    place: Place
    callee: Variable
    arguments: list[Argument]
    depth: int = 0


Variable = Name | Direct | Member | Subscript
Expression = Literal | Unary | Binary | Call | Variable


@dataclass(slots=True)
class ArrayInit:
    """Items with how many times each is repeated; None repeats the type's own initial value."""

    place: Place
    items: list[tuple[int, Init | None]]


@dataclass(slots=True)
class StructInit:
    place: Place
    items: list[tuple[Place, str, Init]]


Init = Expression | ArrayInit | StructInit


@dataclass(slots=True)
class NamedType:
    place: Place
    name: str


@dataclass(slots=True)
class SubrangeType:
    place: Place
    name: str
    low: Expression
    high: Expression


@dataclass(slots=True)
class SizedString:
    place: Place
    name: str
    length: Expression


@dataclass(slots=True)
class ArraySpec:
    place: Place
    bounds: list[tuple[Expression, Expression]]
    element: TypeSpec


@dataclass(slots=True)
class EnumSpec:
    """`base` is the integer type that its values are of, when it is said."""

    place: Place
    items: list[tuple[Place, str, Expression | None]]
    base: NamedType | None = None


@dataclass(slots=True)
class StructSpec:
    place: Place
    fields: list[Declaration]


TypeSpec = NamedType | SubrangeType | SizedString | ArraySpec | EnumSpec | StructSpec


@dataclass(slots=True)
class Declaration:
    """`names` of one type and initial value; `edge` is R_EDGE or F_EDGE, with its place."""

    names: list[tuple[Place, str]]
    address: tuple[Place, str] | None
    spec: TypeSpec
    init: Init | None
    edge: tuple[Place, str] | None = None


@dataclass(slots=True)
class VarBlock:
    """`section` is VAR, VAR_INPUT, … or VAR_GLOBAL."""

    place: Place
    section: str
    retain: bool
    constant: bool
    declarations: list[Declaration]


@dataclass(slots=True)
class Assign:
    place: Place
    target: Variable
    value: Expression


@dataclass(slots=True)
class CallStatement:
    place: Place
    call: Call


@dataclass(slots=True)
class If:
    """`branches` are (condition, statements), the first IF's and then each ELSIF's."""

    place: Place
    branches: list[tuple[Expression, list[Statement]]]
    otherwise: list[Statement]


@dataclass(slots=True)
class Label:
    """A value, or a range when `high` is given."""

    low: Expression
    high: Expression | None


@dataclass(slots=True)
class Case:
    place: Place
    selector: Expression
    branches: list[tuple[Place, list[Label], list[Statement]]]
    otherwise: list[Statement]


@dataclass(slots=True)
class For:
    place: Place
    control: Variable
    start: Expression
    end: Expression
    step: Expression | None
    body: list[Statement]


@dataclass(slots=True)
class While:
    place: Place
    condition: Expression
    body: list[Statement]


@dataclass(slots=True)
class Repeat:
    place: Place
    body: list[Statement]
    until: Expression


@dataclass(slots=True)
class Jump:
    """`word` is EXIT, CONTINUE or RETURN."""

    place: Place
    word: str


Statement = Assign | CallStatement | If | Case | For | While | Repeat | Jump


@dataclass(slots=True)
class TypeDeclaration:
    place: Place
    name: str
    spec: TypeSpec
    init: Init | None


@dataclass(slots=True)
class Pou:
    """A program organisation unit; `kind` is PROGRAM, FUNCTION or FUNCTION_BLOCK."""

    place: Place
    kind: str
    name: str
    returns: TypeSpec | None
    blocks: list[VarBlock]
    body: list[Statement]


@dataclass(slots=True)
class Task:
    place: Place
    name: str
    arguments: list[Argument]


@dataclass(slots=True)
class ProgramInstance:
    place: Place
    name: str
    task: tuple[Place, str] | None
    program: tuple[Place, str]
    retain: bool
    arguments: list[Argument]


@dataclass(slots=True)
class Configuration:
    """A CONFIGURATION with its resources flattened: one PLC has one processor."""

    place: Place
    name: str
    blocks: list[VarBlock] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    instances: list[ProgramInstance] = field(default_factory=list)


@dataclass(slots=True)
class Source:
    """A file. `broken`: lower-case names that declarations with syntax errors may declare; without any it `is_whole`."""

    types: list[TypeDeclaration] = field(default_factory=list)
    pous: list[Pou] = field(default_factory=list)
    blocks: list[VarBlock] = field(default_factory=list)
    configurations: list[Configuration] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    is_whole: bool = True

    def extend(self, other: Source) -> None:
        """Add what another one has."""
        self.types += other.types
        self.pous += other.pous
        self.blocks += other.blocks
        self.configurations += other.configurations
        self.broken |= other.broken
        self.is_whole = self.is_whole and other.is_whole
