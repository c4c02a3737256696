"""The student's text: what is refused and how it is said."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulators.devices import mqtt_broker
from simulators.devices.mqtt_broker.bundle import format_bundle, parse_bundle
from simulators.devices.mqtt_broker.config import parse_config
from simulators.devices.mqtt_broker.directives import WORDS
from simulators.errors import InputError
from tests.fakes import FakeNetwork
from tests.simulators.devices.mqtt_broker.conftest import a_broker
from tests.simulators.devices.mqtt_broker.pki import authority, signed_by

BOTTLING = Path("scenarios/lines/bottling/broker.conf")


def refusal(text: str, embedded: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        parse_config(text, "my.conf", embedded)
    assert caught.value.text.fr != caught.value.text.en
    return caught.value.text.en


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("include_dir /etc", "#file"),
        ("plugin /tmp/evil.so", "loads code"),
        ("auth_plugin /tmp/evil.so", "loads code"),
        ("auth_opt_x y", "loads code"),
        ("plugin_opt_x y", "loads code"),
        ("connection out", "joined to no other"),
        ("address 192.0.2.1:1883", "joined to no other"),
        ("bridge_cafile x", "joined to no other"),
        ("user root", "account"),
        ("log_dest file /etc/cron.d/x", "stdout or stderr"),
        ("log_dest topic", "stdout or stderr"),
        ("pid_file /etc/passwd", "outside"),
        ("persistence_location /etc/", "outside"),
        ("persistence_file ../x", "outside"),
        ("http_dir /", "outside"),
        ("capath /etc/ssl", "cafile"),
        ("bind_interface eth0", "listener PORT"),
        ("port 1883", "listener PORT"),
        ("protocol websockets", "mqtt"),
        ("password_file /etc/shadow", "relative name"),
        ("password_file ../passwd", "relative name"),
        ("password_file a/../../x", "relative name"),
        ("password_file .hidden", "relative name"),
        ("acl_file acl", "#file: acl"),
        ("allow_anonymous yes", "true or false"),
        ("allow_anonymous", "true or false"),
        ("allow_anonymous false # comment", "alone on the line"),
        ("max_connections many", "whole number"),
        ("max_packet_size 5", "from 20"),
        ("allow_anonimous true", "did you mean allow_anonymous?"),
        ("quux 1", "unknown directive"),
        ("listener 0 /tmp/sock", "a port"),
        ("listener 70000", "a port"),
        ("listener 1883\nlistener 1883", "one line a port"),
        ("allow_anonymous true\nallow_anonymous false", "already given"),
        ("listener 8883\ncertfile c\n#file: c\nx", "not valid PEM"),
        ("listener 8883\nrequire_certificate true", "certfile and keyfile"),
        ("cafile x\nlistener 8883\n#file: x\n", "after listener PORT"),
        ("allow_anonymous true\nper_listener_settings true", "put it first"),
        ("password_file p\n#file: p\nnocolon", "user:password"),
        ("password_file p\n#file: p\na:b\na:c", "already there"),
        ("password_file p\n#file: p\na:$7$1$x$y", "not a valid hash"),
        ("password_file p\n#file: p\na:$7$999999999$aaaa$aaaa", "not a valid hash"),
        ("acl_file a\n#file: a\ntopics read x", "is not a rule"),
        ("acl_file a\n#file: a\ntopic read a#", "topic filter"),
        ("#file: ../../etc/passwd\nx", "file name refused"),
        ("#file: /etc/passwd\nx", "file name refused"),
        ("#file: a\n#file: a", "clashes"),
        ("#file: a\n#file: a/b", "clashes"),
    ],
)
def test_what_is_refused_names_the_line_and_the_remedy(line: str, word: str) -> None:
    message = refusal(f"# a comment\n\n{line}\n")
    assert word in message
    assert (named := re.match(r"my\.conf:(\d+)", message))
    assert 3 <= int(named[1]) <= 6


@pytest.mark.parametrize(
    "line",
    ["persistence true", "max_qos 1", "mount_point x/", "memory_limit 1000", "queue_qos0_messages true"],
)
def test_the_embedded_broker_says_what_it_cannot_honour(line: str) -> None:
    parse_config(f"listener 1883\n{line}\n", "my.conf", embedded=False)
    message = refusal(f"listener 1883\n{line}\n", embedded=True)
    assert "my.conf:2:" in message
    assert line in message
    assert "install mosquitto" in message


def test_a_key_must_be_that_of_the_certificate_and_open() -> None:
    plant = authority("plant")
    one, other = signed_by(plant, "one"), signed_by(plant, "other")
    conf = "listener 8883\ncertfile c\nkeyfile k\n"
    assert "not that of" in refusal(f"{conf}#file: c\n{one.cert_pem}#file: k\n{other.key_pem}")
    locked = one.locked_key_pem("secret")
    assert "pass phrase" in refusal(f"{conf}#file: c\n{one.cert_pem}#file: k\n{locked}")
    parse_config(f"{conf}#file: c\n{one.cert_pem}#file: k\n{one.key_pem}", "my.conf", embedded=True)


def test_a_listener_has_no_address_but_the_broker_s(tmp_path: Path, network: FakeNetwork) -> None:
    for address in ("", " 10.20.2.10", " 0.0.0.0"):
        a_broker(f"listener 1883{address}\n", "embedded", tmp_path, network)
    with pytest.raises(InputError, match=r"10\.20\.2\.11"):
        a_broker("listener 1883 10.20.2.11\n", "embedded", tmp_path, network)


def test_without_mosquitto_the_limits_are_said_before_anything_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_more: None)
    with pytest.raises(InputError, match="mosquitto"):
        mqtt_broker.parse("persistence true\n", "my.conf")


@pytest.mark.skipif(not BOTTLING.exists(), reason="the bottling line is not there")
def test_the_line_s_own_configuration_is_open_to_all_and_works_anywhere() -> None:
    config = parse_config(BOTTLING.read_text(encoding="utf-8"), BOTTLING.name, embedded=True)
    assert [each.port for each in config.listeners] == [1883]
    assert config.allows_anonymous(config.listeners[0])


words = st.sampled_from([*WORDS, "listener", "user", "include_dir", "#file:", "topic", "pattern"])
values = st.sampled_from(["true", "1883", "passwd", "../x", "a/b", "", "# x", "user:pw", "read #"])
rows = st.builds(lambda word, value: f"{word} {value}", words, values) | st.text(max_size=30)
texts = st.lists(rows, max_size=12).map("\n".join)


@given(text=texts | st.text(max_size=200), embedded=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_configuration_or_a_clear_error(text: str, embedded: bool) -> None:
    error = None
    try:
        assert parse_config(text, "my.conf", embedded).listeners
    except InputError as caught:
        error = caught
    assert error is None or error.text.en.startswith("my.conf:")


@given(text=texts)
@example(text="#file: a")
@example(text="\n#file: a\n\n#file: b\nx")
@settings(max_examples=100, deadline=None)
def test_a_bundle_is_written_as_it_was_read(text: str) -> None:
    try:
        bundle = parse_bundle(text, "my.conf")
    except InputError:
        return
    assert parse_bundle(format_bundle(bundle), "my.conf") == bundle
