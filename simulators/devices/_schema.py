"""A configuration's keys as editors show them, in French and in English, and the YAML text as it is read."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from simulators.document import PlaceError, loads, located

T = TypeVar("T")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def described(fr: str, en: str, **constraints: Any) -> msgspec.Meta:
    """What editors show beside a key, with the constraints that msgspec.Meta takes (`ge=0`, `pattern=…`)."""
    words = {"x-description": {"fr": fr, "en": en}}
    return msgspec.Meta(description=f"{fr} / {en}", extra_json_schema=words, **constraints)


def schema_of(config_type: type) -> dict[str, Any]:
    """The JSON Schema of `config_type`. Docstrings stay out of it: they are for programmers, in English only."""
    schema = msgspec.json.schema(config_type)
    for definition in schema.get("$defs", {}).values():
        definition.pop("description", None)
    return {"$schema": DIALECT, **schema}


def parse_yaml(
    text: str,
    config_type: type[T],
    name: str,
    empty: str = "{}",
    check: Callable[[T], None] = lambda _config: None,
) -> T:
    """The `config_type` in YAML `text`, called `name` in errors; nothing but comments is the YAML text `empty`.

    `check` raises PlaceError for what the types cannot say.

    Raises:
        InputError: names the line and the remedy.
    """
    optional: Any = config_type | None  # a union is a type to msgspec, not to mypy
    config: T | None = loads(text, optional, name)
    if config is None:
        return loads(empty, config_type, name)
    try:
        check(config)
    except PlaceError as error:
        raise located(error, text, name) from error
    return config
