"""Everything in which a document has not the shape of its type: msgspec stops at the first error, a lint does not."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from simulators.text import Text

Misfit = tuple[str, str, str]  # place, in French, in English


def misfits(data: Any, kind: Any, place: str = "$") -> Iterator[Misfit]:
    """Each place of `data` that is no `kind` (a type that msgspec converts to)."""
    try:
        msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        inner = list(_inside(data, _bare(kind), place))
        reason, _, where = str(error).partition(" - at `")
        whole = place + where.rstrip("`").removeprefix("$")
        yield from inner or [(whole, reason, reason)]


def _inside(data: Any, kind: Any, place: str) -> Iterator[Misfit]:
    if isinstance(data, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _struct(data, kind, place)
    elif isinstance(data, list) and get_origin(kind) is list:
        for number, item in enumerate(data):
            yield from misfits(item, get_args(kind)[0], f"{place}[{number}]")
    elif isinstance(data, dict) and get_origin(kind) is dict:
        name_kind, value_kind = get_args(kind)
        for name, value in data.items():
            yield from misfits(name, name_kind, f"{place}.{name}")
            yield from misfits(value, value_kind, f"{place}.{name}")


def _struct(data: dict[Any, Any], kind: type[msgspec.Struct], place: str) -> Iterator[Misfit]:
    hints = get_type_hints(kind, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in data:
            yield from misfits(data[name], hints[field.name], f"{place}.{name}")
        elif field.required:
            yield _missing(kind, name, place)
    if kind.__struct_config__.forbid_unknown_fields:
        known = ", ".join(fields)
        for name in data:
            if name not in fields:
                yield (
                    f"{place}.{name}",
                    f"clé inconnue (celles qui sont permises : {known})",
                    f"unknown key (those allowed: {known})",
                )


def _missing(kind: type[msgspec.Struct], name: str, place: str) -> Misfit:
    if kind is Text:
        return place, f"traduction « {name} » absente", f"translation '{name}' is missing"
    return place, f"« {name} » manque", f"'{name}' is missing"


def _bare(kind: Any) -> Any:
    """`kind` without its constraints, and without its None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        arms = [arm for arm in get_args(kind) if arm is not type(None)]
        return _bare(arms[0]) if len(arms) == 1 else kind
    return kind
