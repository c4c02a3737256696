"""JSON Schemas for editors: of `exercise.yaml` and of `line.yaml`."""

from typing import Any

import msgspec

from lab.exercises.judge import SILENT
from lab.exercises.model import Check, Exercise
from lab.probes import contract
from lab.probes.contract import Probe
from simulators.model import Line

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN = tuple(field.name for field in msgspec.structs.fields(Check) if field.name not in ("probe", "arguments"))


def line_schema() -> dict[str, Any]:
    """Of `line.yaml`, schema usine-ecole/line/v1."""
    schema = msgspec.json.schema(Line)
    for ours in ("folder", "file"):
        schema["$defs"]["Line"]["properties"].pop(ours)
    return _whole(schema, "usine-ecole/line/v1")


def exercise_schema() -> dict[str, Any]:
    """Of `exercise.yaml`, schema usine-ecole/exercise/v1: a check is flat there, with the arguments of its probe."""
    schema = msgspec.json.schema(Exercise)
    definitions = schema["$defs"]
    own = {name: definitions["Check"]["properties"][name] for name in OWN}
    definitions["Exercise"]["properties"].pop("folder")
    alternatives = []
    for name, probe in contract.probes().items():
        definition, others = _check(probe, own)
        key = f"Check.{name}"
        definitions |= {key: definition, **others}
        alternatives.append({"$ref": f"#/$defs/{key}"})
    definitions["Check"] = {"oneOf": alternatives}
    return _whole(schema, "usine-ecole/exercise/v1")


def _check(probe: Probe, own: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of a check that uses `probe`, and the definitions that its arguments need."""
    made = msgspec.json.schema(probe.arguments, ref_template=f"#/$defs/{probe.name}.{{name}}")
    others = {f"{probe.name}.{name}": definition for name, definition in made.get("$defs", {}).items()}
    arguments = others.pop(f"{probe.name}.{probe.arguments.__name__}")
    clashing = {name: kind for name, kind in arguments["properties"].items() if name in own}
    flat = {name: _or_place(kind) for name, kind in arguments["properties"].items() if name not in own}
    required = [name for name in arguments.get("required", []) if name in flat]
    properties = {"probe": {"const": probe.name}, **own, **flat}
    if clashing:
        properties["arguments"] = {"type": "object", "properties": clashing}
    return {
        "type": "object",
        "properties": properties | {"expect": _expect(probe)},
        "required": ["probe", "expect", *required],
        "additionalProperties": False,
    }, others


def _or_place(kind: dict[str, Any]) -> dict[str, Any]:
    """An argument may be a parameter's place instead."""
    return {"anyOf": [kind, {"type": "string", "pattern": r"^\$\{\w+\}$"}]}


def _expect(probe: Probe) -> dict[str, Any]:
    outcome = {"enum": list(dict.fromkeys((*probe.outcomes, SILENT)))}
    figures = {name: {"type": ["string", "number"]} for name in probe.figures}
    wanted: list[dict[str, Any]] = [outcome, {"type": "array", "items": outcome, "minItems": 1}]
    if figures:
        wanted.append({"type": "object", "properties": figures, "additionalProperties": False})
    return {"anyOf": wanted}


def _whole(schema: dict[str, Any], title: str) -> dict[str, Any]:
    # Docstrings stay out of it: they are for programmers, in English only.
    for definition in schema["$defs"].values():
        definition.pop("description", None)
    return {"$schema": DIALECT, "title": title, **schema}
