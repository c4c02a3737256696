"""`lab attacks`, `lab attack`: which attacks there are, and one of them inside a lab."""

from typing import Annotated, Any

import typer

from lab.cli.arguments import Arguments, parsed
from lab.cli.grammar import argument
from lab.cli.options import AsJson, LabName, supervisor
from lab.cli.output import console, print_json, say, table, tell
from lab.labs import Job

LIMIT_S = 3600.0


def attacks(as_json: AsJson = False) -> None:
    from lab.attacks.engine import attacks as known

    found = known().values()
    if as_json:
        print_json([{"id": a.id, "name": a.name, "technique": a.technique, "zone": a.zone} for a in found])
        return
    shown = table(say("attaque", "attack"), "ATT&CK", "zone", say("nom", "name"))
    for each in found:
        shown.add_row(each.id, each.technique, each.zone, str(each.name))
    console.print(shown)


def attack(
    name: LabName,
    attack_id: Annotated[
        str,
        argument(("ATTAQUE", "ATTACK"), ("attaque (voir « lab attacks »)", "attack (see 'lab attacks')")),
    ],
    arg: Arguments = [],  # noqa: B006 -- typer reads it, nobody changes it
    zone: Annotated[
        str | None, typer.Option(help=say("zone d'où elle part", "zone that it starts from"))
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help=say("laisse ce qu'elle a changé", "leave what it changed"))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from lab.attacks.engine import attack as known

    found = known(attack_id)
    arguments = {**parsed(arg), "undo": not keep}
    labels: list[Any] = []

    def show(message: dict[str, Any]) -> None:
        if "label" in message:
            labels[:] = [message["label"]]
        elif "say" in message and not as_json:
            tell(message["say"]["fr"], message["say"]["en"])

    job = Job(name, "attack", found.id, zone or found.zone, arguments, LIMIT_S)
    supervisor().run(job, show)
    if as_json:
        print_json({"attack": found.id, "label": labels[0] if labels else None})
    else:
        tell(f"{found.id} : terminée.", f"{found.id}: done.")


def register(app: typer.Typer) -> None:
    app.command(help=say("Liste les attaques.", "List the attacks."))(attacks)
    app.command(
        help=say(
            "Lance une attaque dans un labo ; Ctrl-C l'arrête.", "Run an attack in a lab; Ctrl-C ends it."
        )
    )(attack)
