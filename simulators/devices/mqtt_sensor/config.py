"""The configuration of an MQTT sensor, as a student edits it. Everything left out is the weak default."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import msgspec

from simulators.devices._mqtt.topics import is_topic
from simulators.devices._schema import described, parse_yaml, schema_of
from simulators.document import PlaceError
from simulators.validation import UnfitError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

PERIOD_MIN_S, PERIOD_MAX_S = 0.1, 3600.0
Period = Annotated[float, msgspec.Meta(ge=PERIOD_MIN_S, le=PERIOD_MAX_S)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Pem = Annotated[str, msgspec.Meta(max_length=65536)]
Command = Literal["period_s", "window_period_s", "offset", "mute"]
ALL_COMMANDS: tuple[Command, ...] = ("period_s", "window_period_s", "offset", "mute")


class BrokerPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the broker is, where it is not the line's own."""

    address: Annotated[
        str | None,
        described(
            "Adresse ; celle du courtier de la ligne si absente", "Address; the line's broker if absent"
        ),
    ] = None
    port: Annotated[
        Port | None, described("Port ; celui du courtier si absent", "Port; the broker's if absent")
    ] = None


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Transport security. The texts are PEM, pasted whole."""

    ca: Annotated[
        Pem | None,
        described(
            "Autorité qui a signé le courtier ; absente, il n'est pas vérifié",
            "Authority that signed the broker; absent, it is not verified",
        ),
    ] = None
    cert: Annotated[Pem | None, described("Certificat du capteur", "The sensor's certificate")] = None
    key: Annotated[Pem | None, described("Clé privée du capteur", "The sensor's private key")] = None
    server_name: Annotated[
        Words | None,
        described(
            "Nom attendu dans le certificat ; l'adresse si absent",
            "Name expected in the certificate; the address if absent",
        ),
    ] = None
    verify_name: Annotated[bool, described("Vérifier ce nom", "Check that name")] = True


class Commands(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `LINE/SENSOR/cmd` is obeyed in. The weak default obeys anyone who may publish there."""

    enabled: Annotated[bool, described("Obéir aux commandes", "Obey commands")] = True
    allowed: Annotated[tuple[Command, ...], described("Commandes permises", "Commands permitted")] = (
        ALL_COMMANDS
    )
    token: Annotated[
        Words | None,
        described("Secret que chaque commande doit porter", "Secret that each command must carry"),
    ] = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weak default: anonymous, in clear, obeying everyone."""

    broker: Annotated[BrokerPlace, described("Le courtier", "The broker")] = BrokerPlace()
    client_id: Annotated[
        Words | None,
        described(
            "Identifiant MQTT ; le nom de l'équipement si absent",
            "MQTT client identifier; the device's name if absent",
        ),
    ] = None
    username: Annotated[Words | None, described("Nom d'utilisateur", "User name")] = None
    password: Annotated[Words | None, described("Mot de passe", "Password")] = None
    tls: Annotated[Tls | None, described("TLS ; en clair si absent", "TLS; in clear if absent")] = None
    qos: Annotated[Literal[0, 1], described("Qualité de service MQTT", "MQTT quality of service")] = 0
    retain: Annotated[
        bool, described("Le courtier garde la dernière mesure", "The broker keeps the last measurement")
    ] = False
    period_s: Annotated[Period, described("Une mesure toutes les … s", "A measurement every … s")] = 1.0
    window_period_s: Annotated[
        Period, described("Une fenêtre de vibrations toutes les … s", "A vibration window every … s")
    ] = 10.0
    topic: Annotated[
        Words | None,
        described(
            "Racine des sujets status, cmd et reply ; LIGNE/CAPTEUR si absente",
            "Root of the topics status, cmd and reply; LINE/SENSOR if absent",
        ),
    ] = None
    commands: Annotated[Commands, described("Commandes à distance", "Remote commands")] = Commands()

    def __post_init__(self) -> None:
        if self.topic is not None and not is_topic(self.topic):
            raise UnfitError(
                ("`topic` ne prend ni + ni #", "`topic` takes no + nor #"),
                ("écrivez par exemple bottling/pump", "write for example bottling/pump"),
                field="topic",
            )
        if self.password is not None and self.username is None:
            raise UnfitError(
                ("`password` demande `username`", "`password` needs `username`"),
                ("ajoutez `username`", "add `username`"),
                field="password",
            )


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration in `text`, called `name` in errors.

    Raises:
        InputError: names the line and the remedy.
    """
    return parse_yaml(text, Config, name, check=check_tls)


class HasTls(Protocol):
    """A configuration with these keys."""

    @property
    def tls(self) -> Tls | None: ...


def check_tls(config: HasTls) -> None:
    """Raises: PlaceError: a text under `tls` is no PEM, or the key is not the certificate's."""
    if config.tls is None:
        return
    if (config.tls.cert is None) != (config.tls.key is None):
        raise PlaceError(
            ("tls",),
            "`cert` et `key` vont ensemble ; donnez les deux ou aucun",
            "`cert` and `key` go together; give both or none",
        )
    if config.tls.ca is not None:
        _public_key(config.tls.ca, "ca")
    if config.tls.cert is None or config.tls.key is None:
        return
    if _public_key(config.tls.cert, "cert") != _private_key(config.tls.key).public_key():
        raise PlaceError(
            ("tls", "key"),
            "ce n'est pas la clé du certificat `cert` ; donnez celle qui va avec",
            "this is not the key of the certificate `cert`; give the matching one",
        )


def _public_key(pem: str, key: str) -> object:
    """That of the first certificate of a text."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem.encode())[0].public_key()
    except ValueError as error:
        raise PlaceError(
            ("tls", key),
            "ce n'est pas un certificat ; collez le texte entier (PEM, de BEGIN à END)",
            "this is no certificate; paste the whole text (PEM, from BEGIN to END)",
        ) from error


def _private_key(pem: str) -> "PrivateKeyTypes":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise PlaceError(
            ("tls", "key"),
            "ce n'est pas une clé sans phrase secrète ; collez le texte entier (PEM, de BEGIN à END)",
            "this is no key without a pass phrase; paste the whole text (PEM, from BEGIN to END)",
        ) from error
