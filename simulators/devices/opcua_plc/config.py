"""The configuration as a student edits it: who may come in, how, and what each may do.

A key that is left out has its hardened value; an empty file is `WEAK`, what plants are delivered with.
"""

from typing import Annotated, Any, Literal

import msgspec

from simulators.devices._schema import described, parse_yaml, schema_of
from simulators.devices.opcua_plc import passwords
from simulators.document import PlaceError
from simulators.validation import Place

Role = Literal["observer", "operator", "supervisor", "engineer", "security_admin"]
ROLES: tuple[Role, ...] = ("observer", "operator", "supervisor", "engineer", "security_admin")
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
MethodName = Literal["SetMode", "Restart", "AcknowledgeFault"]
UserName = Annotated[str, described("Nom d'utilisateur", "User name", pattern=r"^[\w.@-]{1,64}$")]

WEAK = """\
policies: [None]
identities:
  anonymous: engineer
  clear_passwords: true
  users:
    - {name: admin, password: admin, role: engineer}
trust_list: {mode: accept_any}
lockout: null
sessions: {per_user: 50, connections_per_address: 50}
audit: false
writes: {tags: all, range_check: false}
"""


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account. `essential` spares one that the process needs from every lock-out (IEC 62443-3-3, 4.2)."""

    name: UserName
    role: Annotated[Role, described("Rôle de ce compte", "Role of this account")]
    password: Annotated[
        str | None, described("Mot de passe en clair (faible)", "Password in clear (weak)")
    ] = None
    password_hash: Annotated[
        str | None,
        described("Empreinte scrypt$… du mot de passe", "The password's scrypt$… hash"),
    ] = None
    essential: Annotated[
        bool,
        described(
            "Compte dont le procédé a besoin, jamais verrouillé",
            "Account that the process needs, never locked out",
        ),
    ] = False


class CertificateUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person known by an X.509 certificate."""

    name: UserName
    role: Annotated[Role, described("Rôle de ce compte", "Role of this account")]
    certificate: Annotated[
        str,
        described(
            "Certificat : texte PEM, ou fichier du dossier pki",
            "Certificate: PEM text, or a file of the pki folder",
        ),
    ]


class Identities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    anonymous: Annotated[
        Literal["denied", "observer", "operator", "supervisor", "engineer", "security_admin"],
        described("Rôle d'un anonyme, ou denied", "Role of an anonymous client, or denied"),
    ] = "denied"
    clear_passwords: Annotated[
        bool, described("Accepter un mot de passe envoyé en clair", "Accept a password sent in clear")
    ] = False
    users: Annotated[list[User], described("Comptes à mot de passe", "Accounts with a password")] = []
    certificates: Annotated[
        list[CertificateUser], described("Comptes à certificat", "Accounts with a certificate")
    ] = []


class TrustList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    mode: Annotated[
        Literal["accept_any", "enforced"],
        described(
            "Accepter tout certificat (accept_any), ou la liste seule (enforced)",
            "Accept any certificate (accept_any), or the list only (enforced)",
        ),
    ] = "enforced"
    trusted: Annotated[
        list[str],
        described(
            "Certificats ou autorités admis : textes PEM, fichiers du dossier pki, ou empreintes sha256:… d'un client",
            "Certificates or authorities trusted: PEM texts, files of the pki folder, or a client's sha256:… fingerprint",
        ),
    ] = []
    revoked: Annotated[
        list[str],
        described(
            "Listes de révocation, ou certificats révoqués : textes PEM, ou fichiers du dossier pki",
            "Revocation lists, or revoked certificates: PEM texts, or files of the pki folder",
        ),
    ] = []


class Lockout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    attempts: Annotated[
        int, described("Échecs avant verrouillage", "Failures before the lock-out", ge=1, le=100)
    ] = 5
    window_s: Annotated[
        float,
        described(
            "Durée pendant laquelle les échecs comptent, puis du verrou (s)",
            "Time for which failures count, then that of the lock (s)",
            gt=0,
            le=86400,
        ),
    ] = 300


class Sessions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    total: Annotated[
        int, described("Sessions au plus, en tout", "Sessions at most, in all", ge=1, le=200)
    ] = 20
    per_user: Annotated[
        int, described("Sessions au plus, par utilisateur", "Sessions at most, by user", ge=1, le=200)
    ] = 5
    timeout_s: Annotated[
        float, described("Inactivité maximale (s)", "Longest idle time (s)", ge=1, le=3600)
    ] = 120
    connections: Annotated[
        int, described("Connexions au plus, en tout", "Connections at most, in all", ge=1, le=500)
    ] = 50
    connections_per_address: Annotated[
        int, described("Connexions au plus, par adresse", "Connections at most, by address", ge=1, le=500)
    ] = 10
    subscriptions: Annotated[
        int, described("Abonnements au plus, en tout", "Subscriptions at most, in all", ge=1, le=500)
    ] = 40
    subscriptions_per_session: Annotated[
        int, described("Abonnements au plus, par session", "Subscriptions at most, by session", ge=1, le=100)
    ] = 10
    monitored_items: Annotated[
        int,
        described(
            "Éléments surveillés au plus, par abonnement",
            "Monitored items at most, by subscription",
            ge=1,
            le=5000,
        ),
    ] = 500
    channel_lifetime_s: Annotated[
        float,
        described(
            "Durée maximale d'un canal sûr (s)", "Longest lifetime of a secure channel (s)", ge=10, le=86400
        ),
    ] = 3600
    message_bytes: Annotated[
        int,
        described(
            "Taille maximale d'un message (octets)", "Largest size of a message (bytes)", ge=16384, le=1048576
        ),
    ] = 131072


class Writes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tags: Annotated[
        Literal["declared", "all"],
        described(
            "Variables inscriptibles : celles que la ligne déclare (declared), ou toutes sauf les entrées (all)",
            "Tags that may be written: those that the line declares (declared), or all but inputs (all)",
        ),
    ] = "declared"
    range_check: Annotated[
        bool,
        described(
            "Refuser une valeur hors de l'étendue de la variable", "Refuse a value out of the tag's range"
        ),
    ] = True


class TagAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    read: Annotated[
        list[Role] | None,
        described("Rôles qui peuvent lire ; tous si absent", "Roles that may read; all if absent"),
    ] = None
    write: Annotated[
        list[Role] | None,
        described(
            "Rôles qui peuvent écrire ; operator, supervisor et engineer si absent",
            "Roles that may write; operator, supervisor and engineer if absent",
        ),
    ] = None


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tags: Annotated[
        dict[str, TagAccess],
        described("Droits par variable, ou par groupe de variables", "Rights by tag, or by group of tags"),
    ] = {}
    methods: Annotated[
        dict[MethodName, list[Role]],
        described("Rôles qui peuvent appeler chaque méthode", "Roles that may call each method"),
    ] = {}
    audit_events: Annotated[
        tuple[Role, ...],
        described(
            "Rôles qui peuvent s'abonner aux événements d'audit", "Roles that may subscribe to audit events"
        ),
    ] = ("engineer", "security_admin")


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    policies: Annotated[
        tuple[PolicyName, ...],
        described("Politiques de sécurité offertes", "Security policies offered", min_length=1),
    ] = ("Basic256Sha256_SignAndEncrypt",)
    identities: Annotated[Identities, described("Qui peut entrer", "Who may come in")] = Identities()
    trust_list: Annotated[TrustList, described("Certificats des clients", "Clients' certificates")] = (
        TrustList()
    )
    lockout: Annotated[
        Lockout | None,
        described(
            "Verrouillage après des échecs de connexion ; null : aucun",
            "Lock-out after failed log-ins; null: none",
        ),
    ] = Lockout()
    sessions: Annotated[
        Sessions,
        described(
            "Limites de sessions, de connexions et d'abonnements",
            "Limits of sessions, connections and subscriptions",
        ),
    ] = Sessions()
    audit: Annotated[bool, described("Journal et événements d'audit", "Audit log and events")] = True
    writes: Annotated[Writes, described("Ce qui peut être écrit", "What may be written")] = Writes()
    permissions: Annotated[Permissions, described("Droits des rôles", "Rights of the roles")] = Permissions()

    @property
    def secure(self) -> bool:
        """Whether the server needs a certificate of its own."""
        return any(name != "None" for name in self.policies)


SCHEMA: dict[str, Any] = schema_of(Configuration)


def parse(text: str, name: str) -> Configuration:
    """The configuration in the YAML `text`, called `name` in errors; nothing but comments is `WEAK`.

    Raises:
        InputError: names the file, the place and the remedy.
    """
    return parse_yaml(text, Configuration, name, empty=WEAK, check=_check)


def _check(configuration: Configuration) -> None:
    """Raises: PlaceError: an account that is defined twice, or has no password that could be checked."""
    identities = configuration.identities
    seen: set[str] = set()
    users = [("users", index, user.name) for index, user in enumerate(identities.users)]
    people = [("certificates", index, person.name) for index, person in enumerate(identities.certificates)]
    for of, index, name in users + people:
        if name in seen:
            raise PlaceError(
                ("identities", of, index),
                f"{name} est défini deux fois ; gardez-en un",
                f"{name} is defined twice; keep one",
            )
        seen.add(name)
    for index, user in enumerate(identities.users):
        _check_user(user, ("identities", "users", index))


def _check_user(user: User, place: Place) -> None:
    if (user.password is None) == (user.password_hash is None):
        raise PlaceError(
            place,
            f"{user.name} ; donnez soit password, soit password_hash",
            f"{user.name}; give either password or password_hash",
        )
    if user.password_hash is not None:
        passwords.check_hash(user.password_hash, (*place, "password_hash"))
