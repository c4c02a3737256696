"""The words of `mosquitto.conf` (mosquitto.conf(5), 2.0) that a student's broker takes, and why it refuses the others.

It is an allow-list: a configuration is input from outside, and Mosquitto can load libraries, read any file and
connect anywhere when its configuration says so.
"""

from dataclasses import dataclass
from typing import Literal

from simulators.text import Text

# security: for each listener when per_listener_settings is true, else for all.
Scope = Literal["global", "security", "listener"]
Kind = Literal["bool", "int", "file", "text", "choice"]
SIZE_MAX = 268_435_455  # the largest MQTT packet (MQTT 3.1.1, 2.2.3)


@dataclass(frozen=True)
class Word:
    """A directive. `embedded`: the broker that stands in for Mosquitto honours it (`only`: this value of it)."""

    scope: Scope
    kind: Kind
    embedded: bool = True
    only: str | None = None
    low: int = 0
    high: int = SIZE_MAX
    choices: tuple[str, ...] = ()
    repeats: bool = False


_LOG_TYPES = (
    "error", "warning", "notice", "information", "subscribe", "unsubscribe", "websockets", "none", "all", "debug",
)  # fmt: skip

WORDS: dict[str, Word] = {
    "per_listener_settings": Word("global", "bool"),
    "connection_messages": Word("global", "bool"),
    "log_dest": Word("global", "choice", choices=("stdout", "stderr", "none"), repeats=True),
    "log_timestamp": Word("global", "bool"),
    "log_type": Word("global", "choice", choices=_LOG_TYPES, repeats=True),
    "max_inflight_bytes": Word("global", "int", embedded=False),
    "max_inflight_messages": Word("global", "int", embedded=False, high=65_535),
    "max_keepalive": Word("global", "int", embedded=False, high=65_535),
    "max_packet_size": Word("global", "int", low=20),
    "max_queued_bytes": Word("global", "int", embedded=False),
    "max_queued_messages": Word("global", "int", embedded=False),
    "memory_limit": Word("global", "int", embedded=False),
    "message_size_limit": Word("global", "int"),
    "autosave_interval": Word("global", "int", embedded=False),
    "autosave_on_changes": Word("global", "bool", embedded=False),
    "check_retain_source": Word("global", "bool", embedded=False),
    "persistence": Word("global", "bool", only="false"),
    "persistent_client_expiration": Word("global", "text", embedded=False),
    "queue_qos0_messages": Word("global", "bool", only="false"),
    "retain_available": Word("global", "bool", only="true"),
    "set_tcp_nodelay": Word("global", "bool"),
    "sys_interval": Word("global", "int", high=65_535),
    "upgrade_outgoing_qos": Word("global", "bool", only="false"),
    "acl_file": Word("security", "file"),
    "allow_anonymous": Word("security", "bool"),
    "allow_zero_length_clientid": Word("security", "bool"),
    "auto_id_prefix": Word("security", "text", embedded=False),
    "password_file": Word("security", "file"),
    "psk_file": Word("security", "file", embedded=False),
    "cafile": Word("listener", "file"),
    "certfile": Word("listener", "file"),
    "ciphers": Word("listener", "text"),
    "ciphers_tls1.3": Word("listener", "text", embedded=False),
    "crlfile": Word("listener", "file"),
    "keyfile": Word("listener", "file"),
    "max_connections": Word("listener", "int", low=-1, high=65_535),
    "max_qos": Word("listener", "int", embedded=False, high=2),
    "max_topic_alias": Word("listener", "int", embedded=False, high=65_535),
    "mount_point": Word("listener", "text", embedded=False),
    "protocol": Word("listener", "choice", choices=("mqtt",)),
    "psk_hint": Word("listener", "text", embedded=False),
    "require_certificate": Word("listener", "bool"),
    "tls_version": Word("listener", "choice", choices=("tlsv1.2", "tlsv1.3")),
    "use_identity_as_username": Word("listener", "bool"),
    "use_subject_as_username": Word("listener", "bool", only="false"),
    "use_username_as_clientid": Word("listener", "bool", only="false"),
}

_LIBRARY = Text(
    fr="elle charge du code dans le courtier ; utilisez password_file et acl_file",
    en="it loads code into the broker; use password_file and acl_file",
)
_OUTSIDE = Text(
    fr="elle écrit ou lit hors du dossier de l'équipement ; supprimez cette ligne",
    en="it writes or reads outside the device's folder; remove this line",
)
_BRIDGE = Text(
    fr="un courtier de l'atelier ne se relie à aucun autre ; supprimez cette ligne",
    en="a lab's broker is joined to no other; remove this line",
)
_INCLUDE = Text(
    fr="mettez le contenu ici, ou dans un fichier « #file: NOM » à la suite",
    en="put its content here, or in a '#file: NAME' that follows",
)
_PORT = Text(fr="écrivez listener PORT", en="write listener PORT")
_REFUSED: dict[str, Text] = {
    "user": Text(
        fr="le compte qui exécute le courtier n'est pas réglable ici ; supprimez cette ligne",
        en="the account that runs the broker is not yours to choose; remove this line",
    ),
    "include_dir": _INCLUDE,
    "capath": Text(fr="utilisez cafile", en="use cafile"),
    "port": _PORT,
    "bind_address": _PORT,
    "bind_interface": _PORT,
    "socket_domain": _PORT,
    "tls_engine": _LIBRARY,
    "tls_engine_kpass_sha1": _LIBRARY,
    "tls_keyform": _LIBRARY,
}
for _name in ("pid_file", "persistence_location", "persistence_file", "log_facility", "log_timestamp_format",
              "http_dir", "websockets_log_level", "websockets_headers_size"):  # fmt: skip
    _REFUSED[_name] = _OUTSIDE
for _name in ("connection", "address", "addresses", "topic", "remote_username", "remote_password",
              "remote_clientid", "local_username", "local_password", "local_clientid", "cleansession",
              "clientid", "idle_timeout", "keepalive_interval", "notifications", "notifications_local_only",
              "notification_topic", "restart_timeout", "round_robin", "start_type", "threshold", "try_private",
              "username", "password"):  # fmt: skip
    _REFUSED[_name] = _BRIDGE


def refusal(word: str) -> Text | None:
    """Why the directive is refused, None if it is simply unknown."""
    if word.startswith(("plugin", "auth_")):
        return _LIBRARY
    return _BRIDGE if word.startswith("bridge_") else _REFUSED.get(word)
