"""The broker's configuration, parsed and crossed with the files that it names."""

import difflib
import re
from dataclasses import dataclass, field

from simulators.devices.mqtt_broker.acl import AccessList, parse_acl
from simulators.devices.mqtt_broker.bundle import Bundle, is_file_name, parse_bundle
from simulators.devices.mqtt_broker.certificates import are_a_pair, check_pem
from simulators.devices.mqtt_broker.directives import WORDS, Word, refusal
from simulators.devices.mqtt_broker.passwords import parse_passwords
from simulators.errors import at_line

LISTENERS_MAX = 8
Where = tuple[str, int]  # the text's name, and a line
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Directive:
    """One line. `value` is normalised: `true`, a decimal number, a file name of the bundle."""

    word: str
    value: str
    line: int


@dataclass(frozen=True)
class Listener:
    """A port, its own directives and, where `per_listener_settings` is true, its own security.

    `port` 0 is the device's own port and `line` 0 says that no line asked for it: Mosquitto then lets
    anonymous clients in unless told otherwise.
    """

    port: int = 0
    address: str = ""
    line: int = 0
    directives: list[Directive] = field(default_factory=list)

    def get(self, word: str) -> str | None:
        """The value of one of its own directives."""
        return next((each.value for each in self.directives if each.word == word), None)

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.get("certfile") is not None


@dataclass(frozen=True)
class Config:
    """A whole configuration. `passwords` and `acls` are the parsed files, by name."""

    name: str
    bundle: Bundle
    common: list[Directive]
    listeners: list[Listener]
    passwords: dict[str, dict[str, str]]
    acls: dict[str, AccessList]

    @property
    def per_listener(self) -> bool:
        return self.get("per_listener_settings") == "true"

    def get(self, word: str) -> str | None:
        """The value of a directive that holds for the whole broker."""
        return next((each.value for each in self.common if each.word == word), None)

    def security(self, listener: Listener, word: str) -> str | None:
        """The value of a security directive for the listener."""
        return listener.get(word) if self.per_listener else self.get(word)

    def allows_anonymous(self, listener: Listener) -> bool:
        """Whether clients without a user name may connect there."""
        stated = self.security(listener, "allow_anonymous")
        return stated == "true" if stated is not None else listener.line == 0


def parse_config(text: str, name: str, embedded: bool) -> Config:
    """Read the text, called `name` in errors; `embedded` where Mosquitto is not installed.

    Raises:
        InputError: a directive, a value or a file is refused, unknown or, if `embedded`, cannot be honoured.
    """
    bundle = parse_bundle(text, name)
    common: list[Directive] = []
    listeners: list[Listener] = []
    for line, row in bundle.conf.lines():
        where = (name, line)
        word, *rest = row.split(None, 1)
        value = rest[0] if rest else ""
        if word == "listener":
            listeners.append(_listener(value, where, listeners))
            continue
        rule = _word(word, where)
        directive = Directive(word, _value(word, rule, value, where), line)
        _place(directive, rule, common, listeners, where)
    config = Config(name, bundle, common, _placed(name, common, listeners), {}, {})
    _check_security_places(config)
    _read_files(config)
    for listener in config.listeners:
        _check_tls(config, listener)
    if embedded:
        check_embedded(config)
    return config


def check_embedded(config: Config) -> None:
    """Raises: InputError: a directive that only Mosquitto honours; names it, its line and the remedy."""
    for each in _all(config):
        word = WORDS[each.word]
        if not word.embedded or (word.only is not None and each.value != word.only):
            raise at_line(
                config.name,
                each.line,
                f"le courtier intégré ne sait pas honorer « {each.word} {each.value} » ; "
                "installez mosquitto ou supprimez cette ligne",
                f"the embedded broker cannot honour '{each.word} {each.value}'; "
                "install mosquitto or remove this line",
            )


def check_addresses(config: Config, own: str) -> None:
    """Raises: InputError: a listener asks for an address that is not the device's."""
    for listener in config.listeners:
        if listener.address not in ("", own, "0.0.0.0"):  # noqa: S104 -- compared, not bound
            raise at_line(
                config.name,
                listener.line,
                f"{listener.address[:80]} n'est pas l'adresse du courtier ; "
                f"écrivez listener {listener.port} ou listener {listener.port} {own}",
                f"{listener.address[:80]} is not the broker's address; "
                f"write listener {listener.port} or listener {listener.port} {own}",
            )


def _all(config: Config) -> list[Directive]:
    return [*config.common, *(each for listener in config.listeners for each in listener.directives)]


def _word(word: str, where: Where) -> Word:
    if word in WORDS:
        return WORDS[word]
    if reason := refusal(word):
        raise at_line(
            *where,
            f"la directive {word} est refusée : {reason.fr}",
            f"the directive {word} is refused: {reason.en}",
        )
    near = difflib.get_close_matches(word, WORDS, 1)
    raise at_line(
        *where,
        f"directive inconnue « {word[:80]} » ; "
        + (f"vouliez-vous dire {near[0]} ?" if near else "supprimez cette ligne"),
        f"unknown directive '{word[:80]}'; " + (f"did you mean {near[0]}?" if near else "remove this line"),
    )


def _value(word: str, rule: Word, value: str, where: Where) -> str:
    if rule.kind == "bool" and value in _BOOLEANS:
        return "true" if _BOOLEANS[value] else "false"
    if rule.kind == "int" and re.fullmatch(r"-?\d{1,9}", value) and rule.low <= int(value) <= rule.high:
        return str(int(value))
    if rule.kind == "choice" and value in rule.choices:
        return value
    if rule.kind == "file" and is_file_name(value):
        return value
    if rule.kind == "text" and 0 < len(value) <= 256:
        return value
    fr, en = _expected(rule)
    raise at_line(
        *where,
        f"valeur refusée « {value[:80]} » pour {word} ; écrivez {fr}",
        f"value refused '{value[:80]}' for {word}; write {en}",
    )


def _expected(rule: Word) -> tuple[str, str]:
    if rule.kind == "bool":
        return "true ou false, seul sur la ligne", "true or false, alone on the line"
    if rule.kind == "int":
        return f"un entier de {rule.low} à {rule.high}", f"a whole number from {rule.low} to {rule.high}"
    if rule.kind == "choice":
        return " ou ".join(rule.choices), " or ".join(rule.choices)
    if rule.kind == "file":
        return (
            "le nom relatif d'un fichier donné ici par « #file: NOM », sans « .. »",
            "the relative name of a file given here by '#file: NAME', without '..'",
        )
    return "un texte de 1 à 256 caractères", "a text of 1 to 256 characters"


def _listener(value: str, where: Where, before: list[Listener]) -> Listener:
    port, _, address = value.partition(" ")
    if not (re.fullmatch(r"\d{1,5}", port) and 1 <= int(port) <= 65535):
        raise at_line(
            *where,
            f"listener {value[:80]} : écrivez listener PORT, un port de 1 à 65535",
            f"listener {value[:80]}: write listener PORT, a port from 1 to 65535",
        )
    if len(before) == LISTENERS_MAX or any(each.port == int(port) for each in before):
        raise at_line(
            *where,
            f"listener {port} : port déjà donné, ou plus de {LISTENERS_MAX} ; gardez une ligne par port",
            f"listener {port}: port already given, or more than {LISTENERS_MAX}; keep one line a port",
        )
    return Listener(int(port), address.strip(), where[1])


def _place(
    directive: Directive, rule: Word, common: list[Directive], listeners: list[Listener], where: Where
) -> None:
    """Put the directive where it holds: in the last listener, or for all."""
    own = bool(listeners) and (rule.scope == "listener" or (rule.scope == "security" and _is_per(common)))
    place = listeners[-1].directives if own else common
    if not rule.repeats and any(each.word == directive.word for each in place):
        raise at_line(
            *where,
            f"{directive.word} est déjà donné plus haut ; gardez une ligne",
            f"{directive.word} is already given above; keep one line",
        )
    place.append(directive)


def _is_per(common: list[Directive]) -> bool:
    return any(each.word == "per_listener_settings" and each.value == "true" for each in common)


def _placed(name: str, common: list[Directive], listeners: list[Listener]) -> list[Listener]:
    """The listeners, one at the device's own port if no line asks for any."""
    per = _is_per(common)
    own = [
        e for e in common if WORDS[e.word].scope == "listener" or (per and WORDS[e.word].scope == "security")
    ]
    if own and listeners:
        first = own[0]
        raise at_line(
            name,
            first.line,
            f"{first.word} ne vaut que pour un port ; placez cette ligne après listener PORT",
            f"{first.word} is for one port only; put this line after listener PORT",
        )
    if listeners:
        return listeners
    for each in own:
        common.remove(each)
    return [Listener(directives=own)]


def _check_security_places(config: Config) -> None:
    """`per_listener_settings` must come before what it governs (mosquitto.conf(5))."""
    switch = next((each for each in config.common if each.word == "per_listener_settings"), None)
    early = next(
        (e for e in _all(config) if switch and e.line < switch.line and WORDS[e.word].scope != "global"), None
    )
    if switch and early:
        raise at_line(
            config.name,
            switch.line,
            f"per_listener_settings doit précéder {early.word} (ligne {early.line}) ; placez-le en tête",
            f"per_listener_settings must come before {early.word} (line {early.line}); put it first",
        )


def _read_files(config: Config) -> None:
    for each in _all(config):
        if WORDS[each.word].kind != "file":
            continue
        section = config.bundle.files.get(each.value)
        if section is None:
            raise at_line(
                config.name,
                each.line,
                f"{each.word} nomme {each.value}, qui n'est pas là ; ajoutez à la fin "
                f"une ligne « #file: {each.value} » et son contenu",
                f"{each.word} names {each.value}, which is not there; add at the end "
                f"a line '#file: {each.value}' and its content",
            )
        if each.word == "password_file":
            config.passwords[each.value] = parse_passwords(section, config.name)
        elif each.word == "acl_file":
            config.acls[each.value] = parse_acl(section, config.name)
        elif each.word != "psk_file":
            check_pem(each.word, section, config.name)


def _check_tls(config: Config, listener: Listener) -> None:
    """A listener has a certificate with its key or neither, and a CA if it asks for clients' certificates."""
    cert, key = listener.get("certfile"), listener.get("keyfile")
    wants = next(
        (e for e in listener.directives if e.word in _NEEDS_CERTIFICATE and e.value != "false"), None
    )
    if (cert is None) != (key is None) or (wants and cert is None and listener.get("psk_hint") is None):
        line = next(
            e.line for e in listener.directives if e.word in (*_NEEDS_CERTIFICATE, "certfile", "keyfile")
        )
        raise at_line(
            config.name,
            line,
            "TLS demande certfile et keyfile pour ce port ; ajoutez ce qui manque",
            "TLS needs certfile and keyfile for this port; add what is missing",
        )
    if cert and key and not are_a_pair(config.bundle.files[cert], config.bundle.files[key]):
        line = next(each.line for each in listener.directives if each.word == "keyfile")
        raise at_line(
            config.name,
            line,
            f"la clé {key} n'est pas celle du certificat {cert} ; donnez celle qui va avec",
            f"the key {key} is not that of the certificate {cert}; give the matching one",
        )
    if wants and wants.word == "require_certificate" and listener.get("cafile") is None:
        raise at_line(
            config.name,
            wants.line,
            "require_certificate demande cafile, l'autorité des clients ; ajoutez-le",
            "require_certificate needs cafile, the clients' authority; add it",
        )


_NEEDS_CERTIFICATE = ("require_certificate", "use_identity_as_username", "use_subject_as_username",
                      "cafile", "crlfile", "tls_version", "ciphers")  # fmt: skip
