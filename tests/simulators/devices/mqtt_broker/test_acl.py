"""Access lists and password hashes, away from any broker."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices._mqtt.topics import is_filter, matches
from simulators.devices.mqtt_broker.acl import Access, parse_acl
from simulators.devices.mqtt_broker.bundle import Section
from simulators.devices.mqtt_broker.passwords import hash_password, parse_hash

# Made by `mosquitto_passwd -b` 2.0.11 for the password "builder".
FROM_MOSQUITTO = "$7$101$CDwZd06djEae1zKM$GUN4/p6H+j0dQ+kxHoqhI4yqLtqw8FrFYZoancdyr22Yvs7qtQVESb+H2yBQ1oDk8C7cBULAm1DyJT6HVvgeRQ=="
ACL = parse_acl(
    Section(
        "acl",
        "topic read open/#\nuser alice\ntopic a/b\ntopic deny a/+/secret\ntopic write a/#\n"
        "topic read $SYS/#\npattern write %c/%u/in\npattern deny %c/no/in",
        1,
    ),
    "acl",
)


@pytest.mark.parametrize(
    ("access", "topic", "user", "client_id", "allowed"),
    [
        ("read", "open/x", None, "c", True),
        ("read", "open/x", "alice", "c", False),
        ("write", "open/x", None, "c", False),
        ("read", "a/b", "alice", "c", True),
        ("write", "a/b", "alice", "c", True),
        ("write", "a/x/secret", "alice", "c", False),
        ("write", "a/x/open", "alice", "c", True),
        ("read", "$SYS/broker/uptime", "alice", "c", True),
        ("read", "$SYS/broker/uptime", None, "c", False),
        ("write", "c/alice/in", "alice", "c", True),
        ("write", "c/alice/in", "bob", "c", False),
        ("write", "c//in", None, "c", False),
        ("write", "x/+/in", "+", "x", False),
        ("write", "c/no/in", "no", "c", False),
    ],
)
def test_what_an_access_list_allows(
    access: Access, topic: str, user: str | None, client_id: str, allowed: bool
) -> None:
    assert ACL.allows(access, topic, user, client_id) == allowed


@pytest.mark.parametrize(
    ("topic_filter", "topic", "taken"),
    [
        ("#", "a/b", True),
        ("#", "$SYS/a", False),
        ("+/a", "$SYS/a", False),
        ("$SYS/#", "$SYS/a", True),
        ("a/#", "a", True),
        ("a/+", "a/b/c", False),
        ("a/+/c", "a/b/c", True),
        ("+", "", True),
        ("a", "A", False),
        ("a/b", "a", False),
    ],
)
def test_filters(topic_filter: str, topic: str, taken: bool) -> None:
    assert matches(topic_filter, topic) == taken


@given(levels=st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_a_filter_takes_the_topics_made_from_it(levels: list[str]) -> None:
    topic_filter = "/".join(levels)
    topic = topic_filter.replace("+", "x")
    if topic_filter:
        assert is_filter(topic_filter)
        assert matches(topic_filter, topic)
        assert matches("#", topic)


def test_hashes_are_mosquitto_s() -> None:
    kept = parse_hash(FROM_MOSQUITTO)
    assert kept is not None
    assert kept.accepts("builder")
    assert not kept.accepts("Builder")
    assert str(kept) == FROM_MOSQUITTO
    assert str(hash_password("builder", kept.salt)) == FROM_MOSQUITTO
    assert parse_hash("clear$7$") is None


@pytest.mark.needs("mosquitto_passwd")
def test_the_hash_of_the_installed_mosquitto_passwd_is_read(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(path), "eve", "s:e$c"], check=True, timeout=10)
    kept = parse_hash(path.read_text().strip().partition(":")[2])
    assert kept is not None
    assert kept.accepts("s:e$c")
