"""Who a session is, and what its role may read, write and call."""

from collections.abc import Iterable
from dataclasses import dataclass

from asyncua.crypto.permission_rules import User, UserRole

from simulators.devices.opcua_plc.config import ROLES, Configuration, MethodName, Role, TagAccess
from simulators.document import PlaceError
from simulators.model import Tag
from simulators.plc.address import parse_address

READ, WRITE = 1, 2
_WRITERS: tuple[Role, ...] = ("operator", "supervisor", "engineer")
_CALLERS: dict[MethodName, tuple[Role, ...]] = {
    "SetMode": ("engineer",),
    "Restart": ("engineer",),
    "AcknowledgeFault": ("operator", "supervisor", "engineer"),
}


@dataclass
class Identity(User):
    """A session's user. To the library every one is a plain user: none has its administrator's bypasses."""

    role: UserRole = UserRole.User
    name: str | None = None
    duty: Role = "observer"
    essential: bool = False


class Access:
    """The rights of the roles on the tags and methods of one server."""

    def __init__(self, configuration: Configuration, tags: Iterable[Tag]) -> None:
        """Raises: PlaceError: the configuration speaks of a tag or group that this PLC has not."""
        known = list(tags)
        _check_names(configuration, known)
        self._read: dict[str, frozenset[Role]] = {}
        self._write: dict[str, frozenset[Role]] = {}
        for tag in known:
            told = _told(configuration, tag)
            self._read[tag.id] = frozenset(ROLES if told.read is None else told.read)
            writers = _WRITERS if told.write is None else told.write
            self._write[tag.id] = frozenset(writers if _writable(configuration, tag) else ())
        self._call = {**_CALLERS, **configuration.permissions.methods}
        self._audit = frozenset(configuration.permissions.audit_events)

    def mask(self, tag_id: str, duty: Role | None = None) -> int:
        """The access mask of a tag (1 read, 2 write), of the role `duty` or of all roles together."""
        read, write = self._read[tag_id], self._write[tag_id]
        if duty is None:
            return READ * bool(read) + WRITE * bool(write)
        return READ * (duty in read) + WRITE * (duty in write)

    def may_call(self, method: MethodName, duty: Role) -> bool:
        return duty in self._call[method]

    def may_audit(self, duty: Role) -> bool:
        return duty in self._audit


def _writable(configuration: Configuration, tag: Tag) -> bool:
    if configuration.writes.tags == "declared":
        return tag.writable
    return parse_address(tag.address).area != "I"


def _told(configuration: Configuration, tag: Tag) -> TagAccess:
    """What the configuration says of the tag: its own entry first, then its group's."""
    entries = configuration.permissions.tags
    own, group = entries.get(tag.id, TagAccess()), entries.get(tag.group, TagAccess())
    return TagAccess(
        read=group.read if own.read is None else own.read,
        write=group.write if own.write is None else own.write,
    )


def _check_names(configuration: Configuration, tags: list[Tag]) -> None:
    known = {tag.id for tag in tags} | {tag.group for tag in tags}
    for name in configuration.permissions.tags:
        if name not in known:
            choices = ", ".join(sorted({tag.group for tag in tags}))
            raise PlaceError(
                ("permissions", "tags", name),
                f"cet automate n'a pas {name} ; donnez une de ses variables ou un groupe ({choices})",
                f"this PLC has no {name}; give one of its tags or a group ({choices})",
            )
