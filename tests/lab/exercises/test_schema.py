import pytest

from lab.exercises.schema import exercise_schema, line_schema
from tests.lab.exercises.stage import PROBES


@pytest.mark.usefixtures("probes")
def test_a_check_is_flat_with_its_probes_arguments() -> None:
    definitions = exercise_schema()["$defs"]
    assert {ref["$ref"] for ref in definitions["Check"]["oneOf"]} == {
        f"#/$defs/Check.{name}" for name in PROBES
    }
    door = definitions["Check.stage.door"]
    assert door["properties"]["probe"] == {"const": "stage.door"}
    assert {"device", "user", "zone", "expect", "control", "feedback"} <= set(door["properties"])
    assert door["required"] == ["probe", "expect", "device"]
    assert not door["additionalProperties"]
    assert door["properties"]["expect"]["anyOf"][0]["enum"] == ["accepted", "rejected", "silent"]


def test_every_reference_leads_somewhere() -> None:
    for schema in (exercise_schema(), line_schema()):
        assert schema["$schema"].startswith("https://json-schema.org/")
        assert references(schema) <= {f"#/$defs/{name}" for name in schema["$defs"]}


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_only_what_authors_write_is_in_it() -> None:
    properties = exercise_schema()["$defs"]["Exercise"]["properties"]
    assert "folder" not in properties
    assert {"schema", "id", "steps", "tests", "gates", "setup"} <= set(properties)
    assert line_schema()["title"] == "usine-ecole/line/v1"
