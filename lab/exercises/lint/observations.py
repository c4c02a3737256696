"""Checks, controls and gates: probes that exist, arguments that they take, outcomes that they can see."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from lab.exercises.expect import bound, outcomes
from lab.exercises.judge import SILENT
from lab.exercises.lint.found import Problems, Subject
from lab.exercises.model import Check
from lab.exercises.parameters import fill
from lab.exercises.windows import PROBE as WINDOW
from lab.probes import contract
from lab.probes.contract import Probe, probe
from lab.probes.operation import set_point
from simulators.errors import InputError, NotFoundError
from simulators.validation import misfits, written

VERDICTS = ("pass", "fail", "inconclusive")


def observation_problems(subject: Subject) -> Problems:
    """All that is wrong with what the exercise observes."""
    for place, check in subject.checks():
        if check.probe not in contract.probes():
            known = ", ".join(contract.probes()) or "–"
            yield subject.wrong(
                f"{place}.probe",
                (f"sonde {check.probe} inconnue", f"unknown probe {check.probe}"),
                (f"choisissez parmi : {known}", f"choose one of: {known}"),
            )
            continue
        wanted = probe(check.probe)
        yield from _arguments(subject, place, check, wanted)
        yield from _expectation(subject, place, check, wanted)
        yield from _control(subject, place, check, wanted)
        yield from _feedback(subject, place, check, wanted)
    yield from _gates(subject)


def _arguments(subject: Subject, place: str, check: Check, wanted: Probe) -> Problems:
    if wanted.place == "zone":
        yield from _zone(subject, place, check)
    try:
        arguments = fill(check.arguments, subject.values)
    except InputError:
        return  # said once, with the parameters
    known = ", ".join(field.encode_name for field in msgspec.structs.fields(wanted.arguments)) or "–"
    found = list(misfits(arguments, wanted.arguments))
    for each in found:
        yield subject.wrong(
            written(each.place, root=place),
            (f"argument de {check.probe} : {each.what.fr}", f"argument of {check.probe}: {each.what.en}"),
            (f"ceux qu'elle prend : {known}", f"those that it takes: {known}"),
        )
    if not found:
        yield from _names(subject, place, arguments)


def _zone(subject: Subject, place: str, check: Check) -> Problems:
    known = ", ".join(zone.id for zone in subject.line.zones)
    if check.zone is None or check.zone not in {zone.id for zone in subject.line.zones}:
        yield subject.wrong(
            f"{place}.zone" if check.zone else place,
            (f"zone {check.zone or 'absente'}", f"zone {check.zone or 'missing'}"),
            (f"dites d'où regarder : {known}", f"say where to look from: {known}"),
        )


def _names(subject: Subject, place: str, arguments: dict[str, Any]) -> Problems:
    """Devices, tags, assets and zones that arguments name, at any depth."""
    line = subject.line
    finders: dict[str, Callable[[str], object]] = {
        "device": line.device, "tag": line.tag, "asset": line.asset, "zone": line.zone,
    }  # fmt: skip
    for key, value in _named(arguments):
        find = finders.get(key.removesuffix("s"))
        for name in value if isinstance(value, list) else [value]:
            if find is None or not isinstance(name, str) or not name:
                continue
            try:
                find(name)
            except NotFoundError as error:
                yield subject.wrong(
                    f"{place}.{key}",
                    (error.text.fr, error.text.en),
                    (f"nommez ce qui est dans la ligne {line.id}", f"name what is in the line {line.id}"),
                )


def _named(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) or (isinstance(item, list) and all(isinstance(i, str) for i in item)):
                yield str(key), item
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _expectation(subject: Subject, place: str, check: Check, wanted: Probe) -> Problems:
    allowed = ", ".join(dict.fromkeys((*wanted.outcomes, SILENT)))
    for outcome in outcomes(check.expect):
        if outcome not in (*wanted.outcomes, SILENT):
            yield subject.wrong(
                f"{place}.expect",
                (f"{check.probe} ne voit jamais « {outcome} »", f"{check.probe} never sees '{outcome}'"),
                (f"ce qu'elle voit : {allowed}", f"what it sees: {allowed}"),
            )
    if check.expect in ([], {}):
        yield subject.wrong(
            f"{place}.expect", ("rien n'est attendu", "nothing is expected"), (allowed, allowed)
        )
    if isinstance(check.expect, dict):
        yield from _figures(subject, f"{place}.expect", check.probe, check.expect)


def _figures(subject: Subject, place: str, name: str, wanted: dict[str, str | int | float]) -> Problems:
    known = contract.probes()[name].figures if name in contract.probes() else ()
    for figure, limit in wanted.items():
        if figure not in known:
            listed = ", ".join(known) or "–"
            yield subject.wrong(
                f"{place}.{figure}",
                (f"{name} ne mesure pas {figure}", f"{name} does not measure {figure}"),
                (f"ce qu'elle mesure : {listed}", f"what it measures: {listed}"),
            )
        try:
            bound(fill(limit, subject.values))
        except InputError as error:
            yield subject.wrong(
                f"{place}.{figure}", (error.text.fr, error.text.en), ("corrigez", "correct it")
            )


def _control(subject: Subject, place: str, check: Check, wanted: Probe) -> Problems:
    refused = [o for o in outcomes(check.expect) if o in wanted.refusals or o == SILENT]
    if SILENT in refused and len(outcomes(check.expect)) > 1:
        yield subject.wrong(
            f"{place}.expect",
            ("le silence n'est pas un refus", "silence is no refusal"),
            (
                "attendez la réponse du protocole, sans « silent »",
                "expect the protocol's answer, without 'silent'",
            ),
        )
    if place.endswith(".control"):
        if refused:
            yield subject.wrong(
                f"{place}.expect",
                ("un témoin doit être servi, non refusé", "a control must be served, not refused"),
                ("attendez qu'un client légitime réussisse", "expect a legitimate client to succeed"),
            )
    elif refused and check.control is None:
        yield subject.wrong(
            place,
            (f"« {refused[0]} » attendu sans témoin", f"'{refused[0]}' expected without a control"),
            (
                "ajoutez control: {probe: …} : un client légitime servi",
                "add control: {probe: …}: a legitimate client that is served",
            ),
        )


def _feedback(subject: Subject, place: str, check: Check, wanted: Probe) -> Problems:
    known = tuple(dict.fromkeys((*wanted.outcomes, SILENT, *VERDICTS)))
    for key in check.feedback:
        if key not in known:
            yield subject.wrong(
                f"{place}.feedback.{key}",
                (f"« {key} » n'arrive jamais", f"'{key}' never happens"),
                (f"choisissez parmi : {', '.join(known)}", f"choose one of: {', '.join(known)}"),
            )


def _gates(subject: Subject) -> Problems:
    for number, gate in enumerate(subject.exercise.gates):
        place = f"$.gates[{number}].require"
        if WINDOW not in contract.probes():
            yield subject.wrong(
                place, (f"la sonde {WINDOW} manque", f"probe {WINDOW} is missing"), ("–", "–")
            )
            continue
        if not gate.require:
            yield subject.wrong(
                place, ("rien n'est exigé", "nothing is required"), ('throughput_pct: ">=95"',) * 2
            )
        yield from _figures(subject, place, WINDOW, gate.require)
        yield from _operated(subject, f"$.gates[{number}].operate", gate.operate)


def _operated(subject: Subject, place: str, tags: list[str]) -> Problems:
    for nth, name in enumerate(tags):
        try:
            set_point(subject.line.tag(name))
        except (InputError, NotFoundError) as error:
            yield subject.wrong(
                f"{place}[{nth}]",
                (error.text.fr, error.text.en),
                ("par exemple Filler.SetPoint", "Filler.SetPoint for example"),
            )
