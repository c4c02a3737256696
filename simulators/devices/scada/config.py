"""SCADA's configuration, as a student edits it: how it reaches each device, and what it lets operators do."""

from typing import Annotated, Any, Literal

import msgspec

from simulators.devices._schema import described, parse_yaml, schema_of

_Period = Annotated[float, msgspec.Meta(ge=0.1, le=60)]
_Timeout = Annotated[float, msgspec.Meta(ge=0.1, le=30)]
_Positive = Annotated[float, msgspec.Meta(ge=0)]
_Priority = Annotated[int, msgspec.Meta(ge=1, le=4)]
_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
_PEM_FR = "fichier du dossier pki de SCADA, équipement/fichier pour celui d'un autre équipement, ou texte PEM"
_PEM_EN = "file of SCADA's pki folder, device/file for that of another device, or PEM text"
PolicyName = Literal[
    "None",
    "Basic128Rsa15_Sign",
    "Basic128Rsa15_SignAndEncrypt",
    "Basic256_Sign",
    "Basic256_SignAndEncrypt",
    "Basic256Sha256_Sign",
    "Basic256Sha256_SignAndEncrypt",
    "Aes128Sha256RsaOaep_Sign",
    "Aes128Sha256RsaOaep_SignAndEncrypt",
    "Aes256Sha256RsaPss_Sign",
    "Aes256Sha256RsaPss_SignAndEncrypt",
]


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """TLS towards one device. Without `ca` the peer's certificate is not checked."""

    ca: Annotated[
        str | None,
        described(
            f"Autorité qui doit avoir signé le certificat du pair, non vérifié si absente : {_PEM_FR}",
            f"Authority that must have signed the peer's certificate, not checked if absent: {_PEM_EN}",
        ),
    ] = None
    certificate: Annotated[
        str | None, described(f"Certificat de SCADA : {_PEM_FR}", f"SCADA's certificate: {_PEM_EN}")
    ] = None
    key: Annotated[
        str | None, described(f"Clé de ce certificat : {_PEM_FR}", f"The key of that certificate: {_PEM_EN}")
    ] = None
    server_name: Annotated[
        str | None,
        described(
            "Nom que doit porter le certificat du pair ; non vérifié si absent",
            "Name that the peer's certificate must carry; not checked if absent",
        ),
    ] = None


class ModbusAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How SCADA reaches one Modbus PLC."""

    port: Annotated[
        _Port | None,
        described("Son port TCP ; celui de la ligne si absent", "Its TCP port; the line's if absent"),
    ] = None
    unit: Annotated[
        int, described("Numéro d'unité des requêtes", "Unit identifier of the requests", ge=0, le=255)
    ] = 1
    timeout_s: Annotated[
        _Timeout,
        described(
            "Délai de réponse (s) ; au-delà, c'est une coupure", "Time to answer (s); beyond, it is an outage"
        ),
    ] = 2.0
    requests_at_once: Annotated[
        int,
        described(
            "Requêtes envoyées ensemble ; 1 pour un équipement qui répond à une seule à la fois",
            "Requests sent together; 1 for a device that answers one at a time",
            ge=1,
            le=16,
        ),
    ] = 16
    tls: Annotated[
        Tls | None,
        described("Modbus/TCP Security ; en clair si absent", "Modbus/TCP Security; in clear if absent"),
    ] = None


class OpcuaAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How SCADA reaches one OPC UA PLC."""

    port: Annotated[
        _Port | None,
        described("Son port TCP ; celui de la ligne si absent", "Its TCP port; the line's if absent"),
    ] = None
    policy: Annotated[
        PolicyName,
        described(
            "Politique et mode de sécurité du canal, nommés comme dans l'automate",
            "Security policy and mode of the channel, in the PLC's own words",
        ),
    ] = "None"
    user: Annotated[
        str | None, described("Nom d'utilisateur ; anonyme si absent", "User name; anonymous if absent")
    ] = None
    password: Annotated[str | None, described("Mot de passe de l'utilisateur", "The user's password")] = None
    certificate: Annotated[
        str | None,
        described(
            f"Certificat d'application de SCADA, créé si absent : {_PEM_FR}",
            f"SCADA's application certificate, made if absent: {_PEM_EN}",
        ),
    ] = None
    key: Annotated[
        str | None, described(f"Clé de ce certificat : {_PEM_FR}", f"The key of that certificate: {_PEM_EN}")
    ] = None
    server_certificate: Annotated[
        str | None,
        described(
            f"Seul certificat de serveur accepté, tous si absent : {_PEM_FR}",
            f"The only server certificate to accept, any if absent: {_PEM_EN}",
        ),
    ] = None
    user_certificate: Annotated[
        str | None,
        described(
            f"Certificat qui tient lieu d'utilisateur : {_PEM_FR}",
            f"Certificate that stands for the user: {_PEM_EN}",
        ),
    ] = None
    user_key: Annotated[
        str | None,
        described(
            f"Clé du certificat de l'utilisateur : {_PEM_FR}", f"The key of the user's certificate: {_PEM_EN}"
        ),
    ] = None
    timeout_s: Annotated[
        _Timeout,
        described(
            "Délai de réponse (s) ; au-delà, c'est une coupure", "Time to answer (s); beyond, it is an outage"
        ),
    ] = 2.0


class MqttAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How SCADA reaches one MQTT broker."""

    port: Annotated[
        _Port | None,
        described("Son port TCP ; celui de la ligne si absent", "Its TCP port; the line's if absent"),
    ] = None
    client_id: Annotated[
        str | None,
        described(
            "Identifiant MQTT ; le nom de SCADA si absent",
            "MQTT client identifier; SCADA's own name if absent",
        ),
    ] = None
    user: Annotated[
        str | None, described("Nom d'utilisateur ; anonyme si absent", "User name; anonymous if absent")
    ] = None
    password: Annotated[str | None, described("Mot de passe de l'utilisateur", "The user's password")] = None
    tls: Annotated[
        Tls | None, described("MQTT sur TLS ; en clair si absent", "MQTT over TLS; in clear if absent")
    ] = None


class ModbusConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All Modbus PLCs."""

    period_s: Annotated[
        _Period,
        described(
            "Les valeurs sont demandées toutes les … s de la ligne",
            "Values are asked for every … s of the line's time",
        ),
    ] = 1.0
    devices: Annotated[
        dict[str, ModbusAccess],
        described("Accès propre à un automate, par nom", "Access to single PLCs, by name"),
    ] = {}


class OpcuaConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All OPC UA PLCs."""

    period_s: Annotated[
        _Period,
        described(
            "Les valeurs sont demandées toutes les … s de la ligne",
            "Values are asked for every … s of the line's time",
        ),
    ] = 1.0
    devices: Annotated[
        dict[str, OpcuaAccess],
        described("Accès propre à un automate, par nom", "Access to single PLCs, by name"),
    ] = {}


class MqttConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All MQTT brokers."""

    period_s: Annotated[
        _Period,
        described(
            "Période attendue des capteurs (s) ; muets pendant trois périodes, leurs valeurs sont périmées",
            "Expected period of the sensors (s); silent for three periods, their values are stale",
        ),
    ] = 1.0
    devices: Annotated[
        dict[str, MqttAccess],
        described("Accès propre à un courtier, par nom", "Access to single brokers, by name"),
    ] = {}


class AlarmOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What changes in one of the line's alarms."""

    enabled: Annotated[bool, described("Surveiller cette alarme", "Watch this alarm")] = True
    limit: Annotated[
        float | None,
        described("Autre seuil, dans l'unité de la variable", "Another limit, in the tag's unit"),
    ] = None
    deadband: Annotated[
        _Positive | None,
        described("Autre bande morte, dans l'unité de la variable", "Another deadband, in the tag's unit"),
    ] = None
    delay_s: Annotated[
        _Positive | None,
        described("Autre retard avant de la lever (s)", "Another delay before it is raised (s)"),
    ] = None
    priority: Annotated[
        _Priority | None,
        described(
            "Autre priorité : 1 critique, 2 haute, 3 moyenne, 4 basse",
            "Another priority: 1 critical, 2 high, 3 medium, 4 low",
        ),
    ] = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The weak default: everything anonymous and in clear text, operators may write."""

    write_allowed: Annotated[
        bool, described("Les opérateurs peuvent envoyer des commandes", "Operators may send commands")
    ] = True
    modbus: Annotated[ModbusConfig, described("Automates Modbus", "Modbus PLCs")] = ModbusConfig()
    opcua: Annotated[OpcuaConfig, described("Automates OPC UA", "OPC UA PLCs")] = OpcuaConfig()
    mqtt: Annotated[MqttConfig, described("Courtiers MQTT", "MQTT brokers")] = MqttConfig()
    alarms: Annotated[
        dict[str, AlarmOverride],
        described(
            "Changements aux alarmes de la ligne, par le nom que montre la liste des alarmes",
            "Changes to the line's alarms, by the name that the alarm list shows",
        ),
    ] = {}


SCHEMA: dict[str, Any] = schema_of(Config)


def parse(text: str, name: str) -> Config:
    """The configuration in YAML `text`, called `name` in errors; an empty text is the weak default.

    Raises:
        InputError: names the line and the remedy.
    """
    return parse_yaml(text, Config, name)
