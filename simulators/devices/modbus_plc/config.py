"""The configuration of a Modbus PLC, as a student edits it. Everything left out is the weak default."""

import ipaddress
from typing import Annotated, Any, Literal

import msgspec

from simulators.devices._schema import described, parse_yaml, schema_of
from simulators.plc.address import Table
from simulators.validation import UnfitError

UnitId = Annotated[int, msgspec.Meta(ge=0, le=255)]
Function = Annotated[int, msgspec.Meta(ge=1, le=127)]
Reference = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Words = Annotated[str, msgspec.Meta(max_length=64, pattern="^[ -~]*$")]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$")]
Rate = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Wait = Annotated[float, msgspec.Meta(ge=0.1)]
RoleName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
Access = Literal["read", "write", "any"]


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """References `first` to `last` of one table, both included, counted from 0."""

    table: Annotated[Table, described("La table Modbus", "The Modbus table")]
    first: Annotated[Reference, described("Première adresse, à partir de 0", "First address, from 0")]
    last: Annotated[Reference, described("Dernière adresse, comprise", "Last address, included")]

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UnfitError(
                (f"`last` ({self.last}) précède `first` ({self.first})",
                 f"`last` ({self.last}) comes before `first` ({self.first})"),
                ("échangez-les", "swap them"),
                field="last",
            )  # fmt: skip


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is permitted. A key left out permits every value."""

    units: Annotated[
        list[UnitId] | None, described("Unités permises ; toutes si absent", "Units permitted; all if absent")
    ] = None
    functions: Annotated[
        list[Function] | None,
        described("Codes de fonction permis ; tous si absent", "Function codes permitted; all if absent"),
    ] = None
    access: Annotated[
        Access,
        described(
            "Sens permis : lire (read), écrire (write), les deux (any)",
            "Direction permitted: read, write, both (any)",
        ),
    ] = "any"
    ranges: Annotated[
        list[Range] | None,
        described("Plages permises ; toutes si absent", "Address ranges permitted; all if absent"),
    ] = None


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


class Rule(Grant, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A grant to the peers of one address or network; to all of them if `peer` is left out."""

    peer: Annotated[
        str | None,
        described(
            "Adresse (10.20.3.20) ou réseau (10.20.3.0/24) du client ; tous si absent",
            "The client's address (10.20.3.20) or network (10.20.3.0/24); all if absent",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.peer is not None and not _is_network(self.peer):
            raise UnfitError(
                (
                    f"« {self.peer} » n'est ni une adresse ni un réseau",
                    f"'{self.peer}' is no address and no network",
                ),
                (
                    "écrivez par exemple 10.20.3.20 ou 10.20.3.0/24",
                    "write for example 10.20.3.20 or 10.20.3.0/24",
                ),
                field="peer",
            )


class UnitView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unit 1 is the PLC itself; another one is a read-only view of some of its tags, packed from register 0."""

    tags: Annotated[
        list[str],
        described(
            "Variables servies en lecture, l'une après l'autre depuis le registre 0 ; vide : tout l'automate",
            "Tags served for reading, one after the other from register 0; empty: the whole PLC",
        ),
    ] = []


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What function 43/14 answers; printable ASCII. The product's name is the device's own if left out."""

    vendor_name: Annotated[Words, described("Objet 0 : fabricant", "Object 0: vendor")] = "Usine-Ecole"
    product_code: Annotated[Words, described("Objet 1 : référence", "Object 1: product code")] = "UE-PLC-MB"
    revision: Annotated[Words, described("Objet 2 : révision", "Object 2: revision")] = "1.0"
    vendor_url: Annotated[Words, described("Objet 3 : adresse du site", "Object 3: vendor's site")] = ""
    product_name: Annotated[
        Words | None,
        described(
            "Objet 4 : nom du produit ; celui de l'équipement si absent",
            "Object 4: product name; the device's if absent",
        ),
    ] = None
    model_name: Annotated[Words, described("Objet 5 : modèle", "Object 5: model")] = "Modbus TCP PLC"
    application: Annotated[
        Words | None,
        described(
            "Objet 6 : nom de l'application ; LIGNE/AUTOMATE si absent",
            "Object 6: application name; LINE/PLC if absent",
        ),
    ] = None


class Security(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Modbus/TCP Security: TLS 1.2 or newer, both ends show a certificate, a role stands in the client's.

    Files are in the device's `pki` folder. With `generate` a lab authority, the server's certificate and one
    client certificate per role are made there where they are absent.
    """

    port: Annotated[int, described("Port TLS", "TLS port", ge=1, le=65535)] = 802
    clear_port: Annotated[
        Literal["open", "closed"],
        described("Garder ou fermer le port en clair", "Keep or close the clear-text port"),
    ] = "open"
    generate: Annotated[
        bool,
        described(
            "Créer l'autorité et les certificats absents", "Make the authority and certificates if absent"
        ),
    ] = False
    certificate: Annotated[
        FileName,
        described(
            "Certificat du serveur, dans le dossier pki", "The server's certificate, in the pki folder"
        ),
    ] = "server.pem"
    key: Annotated[
        FileName, described("Clé du serveur, dans le dossier pki", "The server's key, in the pki folder")
    ] = "server.key"
    ca: Annotated[
        FileName,
        described("Autorité des clients, dans le dossier pki", "The clients' authority, in the pki folder"),
    ] = "ca.pem"
    roles: Annotated[
        dict[RoleName, list[Grant]] | None,
        described(
            "Ce que permet chaque rôle ; absent : tout client certifié peut tout",
            "What each role permits; absent: any certified client may do anything",
        ),
    ] = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Modbus PLC's network side."""

    units: Annotated[
        dict[UnitId, UnitView],
        described("Unités servies, par numéro", "Units served, by number"),
    ] = msgspec.field(default_factory=lambda: {1: UnitView()})
    unknown_unit: Annotated[
        Literal["gateway_error", "ignore"],
        described("Unité inconnue : exception 0x0B ou silence", "Unknown unit: exception 0x0B or silence"),
    ] = "gateway_error"
    identity: Annotated[Identity, described("Identité (fonction 43/14)", "Identity (function 43/14)")] = (
        Identity()
    )
    mode_register: Annotated[
        Literal["writable", "read_only"],
        described(
            "Registre de maintien 30000 : changer de mode à distance",
            "Holding register 30000: change the mode from afar",
        ),
    ] = "writable"
    allow: Annotated[
        list[Rule] | None,
        described(
            "Ce qui est permis, et rien d'autre ; absent : tout",
            "What is permitted, and nothing else; absent: all",
        ),
    ] = None
    unlisted_peer: Annotated[
        Literal["refuse", "exception"],
        described(
            "Client qu'aucune règle ne nomme : connexion refusée, ou exception 01",
            "Client that no rule names: connection refused, or exception 01",
        ),
    ] = "refuse"
    rate_limit_per_s: Annotated[
        Rate | None,
        described(
            "Requêtes par seconde et par client ; au-delà, exception 06",
            "Requests a second and client; beyond, exception 06",
        ),
    ] = None
    max_connections: Annotated[
        Count | None, described("Connexions simultanées au plus", "Connections at once, at most")
    ] = None
    idle_timeout_s: Annotated[
        Wait | None,
        described("Fermer une connexion muette depuis ce temps", "Close a connection silent for this long"),
    ] = None
    communication_load_pct: Annotated[
        float,
        described(
            "Part d'un cœur que le réseau peut prendre à l'automate",
            "Share of a core that the network may take from the PLC",
            ge=1,
            le=100,
        ),
    ] = 20
    security: Annotated[
        Security | None,
        described("Modbus/TCP Security ; absent : aucune", "Modbus/TCP Security; absent: none"),
    ] = None


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration in `text`, called `name` in errors.

    Raises:
        InputError: names the line and the remedy.
    """
    return parse_yaml(text, Config, name)
