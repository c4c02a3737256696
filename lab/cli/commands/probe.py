"""`lab probes`, `lab probe`: what can be observed of a lab, and one observation, for authors of exercises."""

from typing import Annotated, Any

import msgspec
import typer

from lab.cli.arguments import Arguments, parsed
from lab.cli.grammar import argument
from lab.cli.options import AsJson, LabName, supervisor
from lab.cli.output import console, print_json, say, table
from lab.labs import Job
from lab.probes.contract import Finding, Probe
from simulators.model import Line


def probes(as_json: AsJson = False) -> None:
    from lab.probes.contract import probes as known

    if as_json:
        print_json([_described(each) for each in known().values()])
        return
    shown = table(
        say("sonde", "probe"), say("lieu", "place"), say("issues", "outcomes"), say("arguments", "arguments")
    )
    for each in known().values():
        fields = ", ".join(field.name for field in msgspec.structs.fields(each.arguments))
        shown.add_row(each.name, each.place, ", ".join(each.outcomes), fields)
    console.print(shown)


def probe(
    name: LabName,
    probe_name: Annotated[
        str,
        argument(("SONDE", "PROBE"), ("sonde (voir « lab probes »)", "probe (see 'lab probes')")),
    ],
    arg: Arguments = [],  # noqa: B006 -- typer reads it, nobody changes it
    zone: Annotated[str, typer.Option(help=say("zone d'où regarder", "zone to look from"))] = "control",
    as_json: AsJson = False,
) -> None:
    from lab.probes.contract import probe as known

    found = known(probe_name)
    finding = (
        _inside(name, found, parsed(arg))
        if found.place == "inside"
        else _zoned(name, found, zone, parsed(arg))
    )
    if as_json:
        print_json(finding)
        return
    console.print(f"[bold]{finding.observed}[/]  {finding.said}")
    for figure, value in finding.figures.items():
        console.print(f"  {figure} = {value:g}")
    for exchange in finding.exchanges:
        console.print(f"  {exchange.request} → {exchange.answer}", markup=False, highlight=False)


def _zoned(name: str, found: Probe, zone: str, arguments: dict[str, Any]) -> Finding:
    job = Job(name, "probe", found.name, zone, arguments, found.limit_s)
    return msgspec.convert(supervisor().run(job), Finding)


def _inside(name: str, found: Probe, arguments: dict[str, Any]) -> Finding:
    from lab.exercises.observe import Grader
    from lab.jobs import checked

    with supervisor().attach(name) as lab:
        seen = lab.request("describe")
        seen.pop("fault_modes", None)
        grader = Grader(msgspec.convert(seen, Line), lab, name, supervisor(), "", {}, 1)
        look: Any = found.look
        finding: Finding = look(grader, checked(found.name, arguments, found.arguments))
    return finding


def _described(each: Probe) -> dict[str, Any]:
    return {
        "name": each.name,
        "place": each.place,
        "outcomes": each.outcomes,
        "refusals": each.refusals,
        "figures": each.figures,
        "limit_s": each.limit_s,
        "arguments": msgspec.json.schema(each.arguments),
    }


def register(app: typer.Typer) -> None:
    app.command(help=say("Liste les sondes.", "List the probes."))(probes)
    app.command(help=say("Observe un labo par une sonde.", "Look at a lab through a probe."))(probe)
