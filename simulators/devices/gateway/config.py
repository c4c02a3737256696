"""The gateway's configuration, as a student edits it (`gateway.yaml`)."""

from typing import Annotated, Any, Literal

import msgspec

from simulators.devices._schema import described, parse_yaml, schema_of
from simulators.document import PlaceError
from simulators.validation import Place

Action = Literal["allow", "deny", "drop"]
Protocol = Literal["modbus", "opcua", "mqtt", "any"]
Span = int | Annotated[str, msgspec.Meta(pattern=r"^\d{1,5}(-\d{1,5})?$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class ModbusMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which Modbus requests a rule is about; what is left out matches any.

    `read` and `write` are spans of protocol addresses (0-based, `0-99`). As soon as one is given, requests
    of the other direction, or without an address, do not match. A rule that allows needs the whole request
    inside one span; a rule that denies matches as soon as the request touches one.
    """

    units: Annotated[
        list[Annotated[int, msgspec.Meta(ge=0, le=255)]] | None,
        described("Numéros d'unité ; tous si absent", "Unit identifiers; all if absent"),
    ] = None
    functions: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=127)]] | None,
        described("Codes de fonction ; tous si absent", "Function codes; all if absent"),
    ] = None
    read: Annotated[
        list[Span] | None,
        described(
            "Plages d'adresses lues, à partir de 0 (0-99) ; sans `read` ni `write`, toutes",
            "Spans of addresses read, from 0 (0-99); without `read` and `write`, all",
        ),
    ] = None
    write: Annotated[
        list[Span] | None,
        described(
            "Plages d'adresses écrites, à partir de 0 (0-99) ; sans `read` ni `write`, toutes",
            "Spans of addresses written, from 0 (0-99); without `read` and `write`, all",
        ),
    ] = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of the policy; the first that matches decides.

    `from` and `to` are a zone, a device, an address, a subnet or `any`, or a list of these.
    """

    source: Annotated[
        str | list[str],
        described(
            "D'où vient le flux : zone, équipement, adresse, sous-réseau, any, ou une liste de ceux-ci",
            "Where the flow comes from: zone, device, address, subnet, any, or a list of these",
        ),
    ] = msgspec.field(name="from", default="any")
    target: Annotated[
        str | list[str],
        described(
            "Où va le flux : zone, équipement, adresse, sous-réseau, any, ou une liste de ceux-ci",
            "Where the flow goes: zone, device, address, subnet, any, or a list of these",
        ),
    ] = msgspec.field(name="to", default="any")
    protocol: Annotated[
        Protocol,
        described("Protocole que le flux doit parler", "Protocol that the flow must speak"),
    ] = "any"
    port: Annotated[
        Port | None,
        described(
            "Port TCP de la cible ; tous ceux qu'elle ouvre si absent",
            "TCP port of the target; all those it opens if absent",
        ),
    ] = None
    modbus: Annotated[
        ModbusMatch | None,
        described(
            "Requêtes Modbus dont parle la règle ; le flux entier si absent",
            "Modbus requests that the rule is about; the whole flow if absent",
        ),
    ] = None
    action: Annotated[
        Action,
        described(
            "Laisser passer (allow), refuser (deny), ou refuser sans réponse (drop)",
            "Let pass (allow), refuse (deny), or refuse without an answer (drop)",
        ),
    ]
    log: Annotated[
        bool,
        described(
            "Noter au journal les connexions que la règle laisse passer ; les refus le sont toujours",
            "Log the connections that the rule lets pass; refusals always are",
        ),
    ] = False


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Zero means no limit. Requests above `requests_per_s` of one Modbus flow wait; they are not lost."""

    connections: Annotated[
        int,
        described(
            "Connexions ouvertes à la fois, en tout ; 0 : sans limite",
            "Connections open at once, in all; 0: no limit",
            ge=0,
            le=10_000,
        ),
    ] = 250
    connections_per_source: Annotated[
        int,
        described(
            "Connexions ouvertes à la fois, par adresse source ; 0 : sans limite",
            "Connections open at once, by source address; 0: no limit",
            ge=0,
        ),
    ] = 0
    connections_per_s: Annotated[
        float,
        described(
            "Connexions nouvelles par seconde et par adresse source ; 0 : sans limite",
            "New connections per second and source address; 0: no limit",
            ge=0,
        ),
    ] = 0
    requests_per_s: Annotated[
        float,
        described(
            "Requêtes par seconde d'un flux Modbus, les autres attendent ; 0 : sans limite",
            "Requests per second of a Modbus flow, the others wait; 0: no limit",
            ge=0,
        ),
    ] = 0
    idle_s: Annotated[
        float,
        described(
            "Fermer un flux muet depuis ce temps (s) ; 0 : jamais",
            "Close a flow silent for this long (s); 0: never",
            ge=0,
        ),
    ] = 0


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`default` is what happens to a flow that no rule matches: `drop` denies without an answer.

    `record` keeps the events of what passes; `tap` names zones whose inner traffic is recorded as well.
    """

    default: Annotated[
        Action,
        described(
            "Sort d'un flux dont aucune règle ne parle : allow, deny, ou drop (refusé sans réponse)",
            "Fate of a flow that no rule is about: allow, deny, or drop (refused without an answer)",
        ),
    ] = "allow"
    rules: Annotated[
        list[Rule],
        described(
            "Règles, dans l'ordre ; la première qui convient décide",
            "Rules, in order; the first that matches decides",
        ),
    ] = []
    limits: Annotated[Limits, described("Limites de débit et de nombre", "Limits of rate and number")] = (
        Limits()
    )
    record: Annotated[
        bool, described("Enregistrer ce qui passe d'une zone à l'autre", "Record what passes between zones")
    ] = True
    tap: Annotated[
        list[str],
        described(
            "Zones dont le trafic interne est enregistré aussi",
            "Zones whose inner traffic is recorded as well",
        ),
    ] = []


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration; an empty text lets everything pass.

    Raises:
        InputError: not YAML, not of the shape, or a rule that contradicts itself; names the line or the rule.
    """
    return parse_yaml(text, Config, name, check=_check)


def _check(config: Config) -> None:
    """Raises: PlaceError: a rule that contradicts itself."""
    for index, rule in enumerate(config.rules):
        if rule.modbus is None:
            continue
        if rule.protocol not in {"modbus", "any"}:
            raise PlaceError(
                ("rules", index),
                f"`modbus` ne va pas avec le protocole {rule.protocol} ; ôtez l'un des deux",
                f"`modbus` does not go with protocol {rule.protocol}; remove one of them",
            )
        for of, spans in (("read", rule.modbus.read), ("write", rule.modbus.write)):
            for number, span in enumerate(spans or ()):
                bounds(span, ("rules", index, "modbus", of, number))


def bounds(span: Span, place: Place = ()) -> tuple[int, int]:
    """First and last address of a span. Raises: PlaceError: reversed, or above 65535."""
    first, _, last = str(span).partition("-")
    low, high = int(first), int(last or first)
    if not 0 <= low <= high <= 65535:
        raise PlaceError(
            place,
            f"la plage {span} est vide ou dépasse 65535 ; écrivez par exemple 0-99",
            f"the span {span} is empty or above 65535; write for example 0-99",
        )
    return low, high
