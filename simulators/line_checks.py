"""What is wrong between the parts of a line file, each at its line."""

import contextlib
import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from simulators.document import Document, convert, read
from simulators.errors import InputError
from simulators.kinds import asset_kinds, device_kinds
from simulators.model import PLC_KINDS, Device, Line, Tag, inside
from simulators.plc.address import parse_address
from simulators.validation import Place

Networks = dict[str, ipaddress.IPv4Network]


class Problem(NamedTuple):
    """What is wrong at a place of the file, in French and in English."""

    place: Place
    fr: str
    en: str


def checked(document: Document) -> Line:
    """The line of a document. Raises: InputError: names the file, the line, the place and the remedy."""
    path = Path(document.name)
    line = msgspec.structs.replace(convert(document, Line), folder=str(path.parent), file=str(path), texts={})
    for problem in _problems(line):
        where = f"{path}:{document.line(problem.place)}"
        raise InputError(f"{where} : {problem.fr}", f"{where}: {problem.en}")
    return line


@contextlib.contextmanager
def located(line: Line, *place: str | int) -> Iterator[None]:
    """Errors about a part of a line name the file and the line where it stands. Raises: InputError."""
    try:
        yield
    except InputError as error:
        where = _whereabouts(line, (*place, *error.at))
        if not where:
            raise
        raise InputError(f"{where} : {error.text.fr}", f"{where}: {error.text.en}") from error


def _whereabouts(line: Line, place: Place) -> str:
    """`line.yaml:12`; empty for a line that no file is known of here."""
    if not line.file or not Path(line.file).is_file():
        return ""
    return f"{line.file}:{read(Path(line.file)).line(place)}"


def _problems(line: Line) -> Iterable[Problem]:
    networks: Networks = {}
    yield from _duplicates(line)
    for number, zone in enumerate(line.zones):
        try:
            networks[zone.id] = ipaddress.IPv4Network(zone.subnet)
        except ValueError:
            yield Problem(
                ("zones", number, "subnet"),
                f"zone {zone.id} : sous-réseau {zone.subnet} incorrect ; écrivez par exemple 10.20.1.0/24",
                f"zone {zone.id}: subnet {zone.subnet} is not valid; write for example 10.20.1.0/24",
            )
    known = ", ".join(networks)
    for number, conduit in enumerate(line.conduits):
        for end in ("source", "target"):
            zone_id = getattr(conduit, end)
            if zone_id not in networks:
                yield Problem(
                    ("conduits", number, end),
                    f"conduit {conduit.id} : zone {zone_id} inconnue ; choisissez parmi : {known}",
                    f"conduit {conduit.id}: unknown zone {zone_id}; choose one of: {known}",
                )
    yield from _unknown_kinds(line)
    for number, device in enumerate(line.devices):
        yield from _device_problems(line, device, networks, ("devices", number))
    yield from _shared_addresses(line)
    for number, tag in enumerate(line.tags):
        yield from _tag_problems(line, tag, ("tags", number))


def _duplicates(line: Line) -> Iterable[Problem]:
    for kind in ("zones", "conduits", "assets", "devices", "tags"):
        names = [item.id for item in getattr(line, kind)]
        for name, count in Counter(names).items():
            if count > 1:
                yield Problem(
                    (kind, _second(names, name), "id"),
                    f"{kind} : {name} est défini {count} fois ; gardez-en un",
                    f"{kind}: {name} is defined {count} times; keep one",
                )
    places = [
        (tag.device, tag.address.upper() if tag.address[:1] == "%" else tag.address) for tag in line.tags
    ]
    for found, count in Counter(places).items():
        if count > 1:
            yield Problem(
                ("tags", _second(places, found), "address"),
                f"tags : {found[0]} {found[1]} sert {count} variables ; donnez une adresse à chacune",
                f"tags: {found[0]} {found[1]} serves {count} tags; give each an address",
            )


def _second(items: Sequence[object], item: object) -> int:
    return items.index(item, items.index(item) + 1)


def _unknown_kinds(line: Line) -> Iterable[Problem]:
    for part, known, fr, en in (
        ("assets", asset_kinds(), "actif", "asset"),
        ("devices", device_kinds(), "équipement", "device"),
    ):
        listed = ", ".join(known)
        for number, item in enumerate(getattr(line, part)):
            if item.kind not in known:
                yield Problem(
                    (part, number, "kind"),
                    f"{fr} {item.id} : type {item.kind} inconnu ; choisissez parmi : {listed}",
                    f"{en} {item.id}: unknown kind {item.kind}; choose one of: {listed}",
                )


def _device_problems(line: Line, device: Device, networks: Networks, here: Place) -> Iterable[Problem]:
    if not device.interfaces:
        yield Problem(
            (*here, "interfaces"),
            f"équipement {device.id} : aucune interface ; écrivez par exemple {{control: 10.20.1.10}}",
            f"device {device.id}: no interface; write for example {{control: 10.20.1.10}}",
        )
    for zone, address in device.interfaces.items():
        place = (*here, "interfaces", zone)
        if zone not in networks:
            known = ", ".join(networks)
            yield Problem(
                place,
                f"équipement {device.id} : zone {zone} inconnue ; choisissez parmi : {known}",
                f"device {device.id}: unknown zone {zone}; choose one of: {known}",
            )
            continue
        try:
            within = ipaddress.IPv4Address(address) in networks[zone]
        except ValueError:
            within = False
        if not within:
            yield Problem(
                place,
                f"équipement {device.id} : {address} n'est pas une adresse de {networks[zone]} ; donnez-en une",
                f"device {device.id}: {address} is not an address of {networks[zone]}; give one",
            )
    if (device.kind in PLC_KINDS) != (device.program is not None):
        plcs = ", ".join(PLC_KINDS)
        yield Problem(
            (*here, "program"),
            f"équipement {device.id} ({device.kind}) : un automate ({plcs}), et lui seul, a un programme ; "
            "ajoutez ou retirez `program`",
            f"device {device.id} ({device.kind}): a PLC ({plcs}), and only a PLC, has a program; "
            "add or remove `program`",
        )
    for key in ("program", "config"):
        name = getattr(device, key)
        if name is not None and not inside(Path(line.folder) / name, Path(line.folder)):
            yield Problem(
                (*here, key),
                f"équipement {device.id} : {name} est hors du dossier de la ligne ; mettez ce fichier dedans",
                f"device {device.id}: {name} is outside the line's folder; put that file into it",
            )


def _shared_addresses(line: Line) -> Iterable[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for number, device in enumerate(line.devices):
        for zone, address in device.interfaces.items():
            owner = owners.setdefault((zone, address), device.id)
            if owner != device.id:
                yield Problem(
                    ("devices", number, "interfaces", zone),
                    f"équipement {device.id} : {address} est déjà l'adresse de {owner} ; donnez-en une autre",
                    f"device {device.id}: {address} is {owner}'s address already; give another one",
                )


def _tag_problems(line: Line, tag: Tag, here: Place) -> Iterable[Problem]:
    device = next((d for d in line.devices if d.id == tag.device), None)
    if device is None:
        known = ", ".join(d.id for d in line.devices)
        yield Problem(
            (*here, "device"),
            f"variable {tag.id} : équipement {tag.device} inconnu ; choisissez parmi : {known}",
            f"tag {tag.id}: unknown device {tag.device}; choose one of: {known}",
        )
        return
    if device.kind in PLC_KINDS:
        try:
            address = parse_address(tag.address)
        except InputError as error:
            yield Problem(
                (*here, "address"), f"variable {tag.id} : {error.text.fr}", f"tag {tag.id}: {error.text.en}"
            )
            return
        if address.area == "I" and tag.writable:
            yield Problem(
                (*here, "writable"),
                f"variable {tag.id} : une entrée (%I) ne s'écrit pas ; retirez `writable`",
                f"tag {tag.id}: an input (%I) is not writable; remove `writable`",
            )
    if tag.signal is not None:
        asset, dot, quantity = tag.signal.partition(".")
        if not (dot and quantity) or asset not in {a.id for a in line.assets}:
            yield Problem(
                (*here, "signal"),
                f"variable {tag.id} : signal {tag.signal} inconnu ; écrivez actif.grandeur",
                f"tag {tag.id}: unknown signal {tag.signal}; write asset.quantity",
            )
    if tag.range is not None and not tag.range[0] < tag.range[1]:
        yield Problem(
            (*here, "range"),
            f"variable {tag.id} : l'étendue {list(tag.range)} est vide ; écrivez [bas, haut]",
            f"tag {tag.id}: the range {list(tag.range)} is empty; write [low, high]",
        )
