"""`lab tags`: the truth beside what SCADA shows."""

from typing import Any

import typer

from lab.cli.options import AsJson, LabName, attach
from lab.cli.output import console, print_json, say, table


def tags(name: LabName, as_json: AsJson = False) -> None:
    with attach(name) as lab:
        line = lab.request("describe")
        seen = lab.request("snapshot")["tags"]
    if as_json:
        specs = {tag["id"]: tag for tag in line["tags"]}
        print_json([{**_spec(specs[tag_id]), **values} for tag_id, values in seen.items()])
        return
    made = table(
        say("Variable", "Tag"), say("Vrai", "True"), say("Affiché", "Shown"), say("Unité", "Unit"),
        say("Qualité", "Quality"), say("Équipement", "Device"), say("Adresse", "Address"),
    )  # fmt: skip
    for spec in line["tags"]:
        value = seen[spec["id"]]
        made.add_row(
            spec["id"], _number(value["truth"]), _number(value["shown"]), spec.get("unit", ""),
            value["quality"], spec["device"], spec["address"],
        )  # fmt: skip
    console.print(made)


def _spec(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: spec.get(key) for key in ("id", "name", "unit", "range", "device", "address", "writable")}


def _number(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "1", False: "0", None: "–"}[value]
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def register(app: typer.Typer) -> None:
    app.command(
        help=say(
            "Valeur vraie de chaque variable, à côté de ce que la SCADA affiche.",
            "Each tag's true value, beside what SCADA shows.",
        )
    )(tags)
