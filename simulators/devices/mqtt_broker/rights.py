"""Who may connect and what each may publish and receive: Mosquitto's rules, for the embedded broker."""

from dataclasses import dataclass
from typing import Any

from simulators.devices.mqtt_broker.acl import AccessList
from simulators.devices.mqtt_broker.config import Config, Listener
from simulators.devices.mqtt_broker.passwords import StoredPassword, hash_password, stored


@dataclass(frozen=True)
class Rights:
    """The security of one listener. `passwords` and `acl` are None where the configuration names no file."""

    anonymous: bool
    passwords: dict[str, StoredPassword] | None
    acl: AccessList | None
    identity_as_user: bool
    empty_client_id: bool
    decoy: StoredPassword

    def admits(self, user: str | None, password: str | None) -> bool:
        """Whether this user and password may connect."""
        if user is None or self.passwords is None:
            return self.anonymous
        known = self.passwords.get(user)
        # An unknown user takes as long as a known one.
        return (known or self.decoy).accepts(password or "") and known is not None

    def may_write(self, topic: str, user: str | None, client_id: str) -> bool:
        return self.acl is None or self.acl.allows("write", topic, user, client_id)

    def may_read(self, topic: str, user: str | None, client_id: str) -> bool:
        return self.acl is None or self.acl.allows("read", topic, user, client_id)


def rights_of(config: Config, listener: Listener) -> Rights:
    """The listener's rights, with clear passwords hashed."""
    passwords, acl = config.security(listener, "password_file"), config.security(listener, "acl_file")
    return Rights(
        anonymous=config.allows_anonymous(listener),
        passwords={user: stored(text) for user, text in config.passwords[passwords].items()}
        if passwords
        else None,
        acl=config.acls[acl] if acl else None,
        identity_as_user=listener.get("use_identity_as_username") == "true",
        empty_client_id=config.security(listener, "allow_zero_length_clientid") != "false",
        decoy=hash_password(""),
    )


def common_name(certificate: dict[str, Any] | None) -> str | None:
    """The CN of a peer's certificate as `getpeercert` gives it."""
    for relative in (certificate or {}).get("subject", ()):
        for key, value in relative:
            if key == "commonName":
                return str(value)
    return None
