"""Access control lists in mosquitto's syntax and with its meaning: what no line allows is denied.

`topic` lines before the first `user` hold for clients without a user name, those after it for that user,
`pattern` lines (`%u` user, `%c` client identifier) for everyone. A `deny` goes before what allows.
"""

from dataclasses import dataclass, field
from typing import Literal

from simulators.devices._mqtt.topics import is_filter, matches
from simulators.devices.mqtt_broker.bundle import Section
from simulators.errors import at_line

Access = Literal["read", "write"]
_ACCESSES: dict[str, frozenset[str]] = {
    "read": frozenset({"read"}),
    "write": frozenset({"write"}),
    "readwrite": frozenset({"read", "write"}),
    "deny": frozenset(),
}


@dataclass(frozen=True)
class Rule:
    """A `topic` or `pattern` line; `allows` is empty for `deny`."""

    topic: str
    allows: frozenset[str]


@dataclass(frozen=True)
class AccessList:
    """A parsed ACL file. `users` maps a user to its rules; "" is a client without a user name."""

    users: dict[str, list[Rule]] = field(default_factory=dict)
    patterns: list[Rule] = field(default_factory=list)

    def allows(self, access: Access, topic: str, user: str | None, client_id: str) -> bool:
        """Whether the client may publish on (`write`) or receive from (`read`) the topic."""
        verdict = _verdict(self.users.get(user or "", []), access, topic)
        if verdict is not None:
            return verdict
        # A name with wildcards would widen the patterns it is put into.
        if not self.patterns or set(f"{user or ''}{client_id}") & {"+", "#"}:
            return False
        return bool(_verdict(self._own_patterns(user, client_id), access, topic))

    def _own_patterns(self, user: str | None, client_id: str) -> list[Rule]:
        return [
            Rule(rule.topic.replace("%c", client_id).replace("%u", user or ""), rule.allows)
            for rule in self.patterns
            if user or "%u" not in rule.topic
        ]


def _verdict(rules: list[Rule], access: Access, topic: str) -> bool | None:
    """None when no rule speaks of the topic and the access."""
    found = [rule for rule in rules if _takes(rule.topic, topic)]
    if any(not rule.allows for rule in found):
        return False
    return True if any(access in rule.allows for rule in found) else None


def _takes(topic_filter: str, topic: str) -> bool:
    return (topic[:1] == "$") == (topic_filter[:1] == "$") and matches(topic_filter, topic)


def parse_acl(section: Section, name: str) -> AccessList:
    """Read an ACL file.

    Raises:
        InputError: a line is not `user`, `topic` or `pattern`, or its topic is no filter.
    """
    acl = AccessList()
    user = ""
    for line, row in section.lines():
        word, _, rest = row.partition(" ")
        rest = rest.strip()
        if word == "user" and rest:
            user = rest
        elif word in ("topic", "pattern") and rest:
            rule = _rule(rest, name, line, section.name)
            (acl.patterns if word == "pattern" else acl.users.setdefault(user, [])).append(rule)
        else:
            raise at_line(
                name,
                line,
                f"{section.name} : « {row[:80]} » n'est pas une règle ; écrivez user NOM, "
                "topic [read|write|readwrite|deny] SUJET ou pattern …",
                f"{section.name}: '{row[:80]}' is not a rule; write user NAME, "
                "topic [read|write|readwrite|deny] TOPIC or pattern …",
            )
    return acl


def _rule(rest: str, name: str, line: int, file: str) -> Rule:
    word, _, topic = rest.partition(" ")
    access, topic = (word, topic.strip()) if word in _ACCESSES and topic.strip() else ("readwrite", rest)
    if not is_filter(topic):
        raise at_line(
            name,
            line,
            f"{file} : « {topic[:80]} » n'est pas un filtre de sujets ; + et # occupent un niveau entier",
            f"{file}: '{topic[:80]}' is not a topic filter; + and # fill a whole level",
        )
    return Rule(topic, _ACCESSES[access])
