"""The configuration: weak when empty, hard when a key is left out, clear when it is wrong."""

from pathlib import Path

import msgspec
import pytest

from simulators.devices import opcua_plc
from simulators.devices.opcua_plc import passwords
from simulators.errors import InputError
from tests.fakes import a_context, a_device, a_line
from tests.simulators.devices.opcua_plc.bench import ADDRESS, PORT, TAGS

BOTTLING = Path("scenarios/lines/bottling/plc2.yaml")


def test_the_lines_default_is_the_weak_one() -> None:
    assert opcua_plc.parse(BOTTLING.read_text(encoding="utf-8"), "plc2.yaml") == opcua_plc.parse("", "empty")


def test_what_is_left_out_is_hard() -> None:
    hard = opcua_plc.parse("audit: true", "x")
    assert hard == opcua_plc.Configuration()
    assert (hard.policies, hard.identities.anonymous) == (("Basic256Sha256_SignAndEncrypt",), "denied")
    assert (hard.trust_list.mode, hard.writes.tags, hard.writes.range_check) == ("enforced", "declared", True)
    assert hard.lockout is not None
    assert not hard.identities.users


def test_it_survives_being_written_and_read() -> None:
    weak = opcua_plc.parse("", "x")
    assert opcua_plc.parse(msgspec.yaml.encode(weak).decode(), "x") == weak


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("policies: []", "policies"),
        ("policies: [Basic512]", "policies"),
        ("lockout: {attempts: 0}", "attempts"),
        ("identities: {anonymous: king}", "anonymous"),
        ("identities: {users: [{name: a b, password: x, role: engineer}]}", "name"),
        ("identities: {users: [{name: a, role: engineer}]}", "password"),
        ("identities: {users: [{name: a, password: x, password_hash: y, role: engineer}]}", "password"),
        ("identities: {users: [{name: a, password_hash: nonsense, role: engineer}]}", "password_hash"),
        ("identities: {users: [{name: a, password: x, role: engineer}, {name: a, password: y, role: observer}]}", "twice"),
        ("sessions: {message_bytes: 99999999}", "message_bytes"),
        ("trust_list: {mode: sometimes}", "mode"),
        ("colour: red", "colour"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(text: str, word: str) -> None:
    with pytest.raises(InputError) as caught:
        opcua_plc.parse(text, "mine.yaml")
    assert word in caught.value.text.en
    assert "mine.yaml" in caught.value.text.fr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("permissions: {tags: {Nowhere: {read: []}}}", "Nowhere"),
        ("trust_list: {trusted: [missing.pem]}", "missing.pem"),
        ("trust_list: {trusted: [../../secret.pem]}", "secret.pem"),
        ("trust_list: {trusted: ['-----BEGIN CERTIFICATE----- rubbish']}", "trusted"),
        ("trust_list: {revoked: [missing.crl]}", "missing.crl"),
        ("identities: {certificates: [{name: a, role: engineer, certificate: /etc/passwd}]}", "/etc/passwd"),
    ],
)
def test_what_the_line_or_the_folder_has_not_is_named(tmp_path: Path, text: str, word: str) -> None:
    line = a_line([a_device("plc", "opcua_plc", address=ADDRESS, port=PORT, program="main.st")], TAGS)
    with pytest.raises(InputError, match=word):
        opcua_plc.create(a_context(line, "plc", tmp_path), opcua_plc.parse(text, "plc.yaml"))


@pytest.mark.parametrize("changed", ["scrypt$16385$", "scrypt$1048576$", "bcrypt$16384$"])
def test_a_hash_that_costs_too_much_or_is_another_kind_is_refused(changed: str) -> None:
    stored = passwords.hash_password("x", b"salt" * 4).replace("scrypt$16384$", changed)
    with pytest.raises(InputError, match="password_hash"):
        passwords.check_hash(stored, ("password_hash",))


def test_a_password_matches_its_hash_only() -> None:
    stored = passwords.hash_password("mot de passe é", b"salt" * 4)
    passwords.check_hash(stored, ("password_hash",))
    assert passwords.verify("mot de passe é", stored)
    assert not passwords.verify("mot de passe e", stored)
