"""What a configuration means is the same with Mosquitto and with the embedded broker, seen from the wire."""

import asyncio
import ssl
from pathlib import Path

import pytest

from simulators.devices._mqtt.session import Will
from tests.simulators.devices.mqtt_broker.clients import client, connack, connect, connect_packet
from tests.simulators.devices.mqtt_broker.conftest import Start
from tests.simulators.devices.mqtt_broker.pki import authority, signed_by
from tests.waiting import eventually

ACCEPTED, NOT_AUTHORIZED = 0, 5
PASSWORDS = """listener 1883
allow_anonymous false
password_file passwd
#file: passwd
alice:secret
bob:$7$101$hWdAI7I+FNGXKIX8$m5bTSWwNcBoeWFFhT3NBKEdVMxEuZKLhVKAh9KZ9fIu7NvZxTgeXbTWRlIB6ydLN3dJbJYKLrTVdOOL2aBCXUQ==
"""
ACL = """listener 1883
allow_anonymous true
password_file passwd
acl_file acl
#file: passwd
alice:secret
bob:builder
#file: acl
topic read public/#
user alice
topic write plant/#
topic read plant/#
topic deny plant/secret/#
user bob
topic read plant/+/level
pattern readwrite own/%u/#
pattern write seen/%c
"""


@pytest.mark.parametrize("text", ["", "listener 1883\nallow_anonymous true\n"])
async def test_the_weak_default_lets_anyone_read_and_write(start: Start, text: str) -> None:
    context = await start(text)
    assert await connack(context, "nobody", "whatever") == ACCEPTED
    async with client(context, "spy", "#") as spy, client(context, "writer") as writer:
        for qos in (0, 1, 2):
            writer.session.publish(f"plant/qos{qos}", b"x", qos)
        await eventually(lambda: len(spy.heard) == 3)


async def test_anonymous_is_refused_by_default_where_a_port_is_stated(start: Start) -> None:
    context = await start("listener 1883\n")
    assert await connack(context) == NOT_AUTHORIZED


async def test_passwords(start: Start) -> None:
    context = await start(PASSWORDS)
    assert await connack(context, "alice", "secret") == ACCEPTED
    for user, password in (
        (None, None),
        ("alice", "wrong"),
        ("alice", ""),
        ("eve", "secret"),
        ("eve", ""),
        ("bob", "x"),
    ):
        assert await connack(context, user, password) == NOT_AUTHORIZED, (user, password)


async def heard_through_acl(start: Start, topic: str, writer: str | None, reader: str | None) -> bool:
    """Whether a canary that `writer` sends on the topic reaches `reader`, whatever SUBACK said."""
    secrets = {"alice": "secret", "bob": "builder", None: None}
    context = await start(ACL)
    async with (
        client(context, "r", "#", user=reader, password=secrets[reader]) as hears,
        client(context, "w", user=writer, password=secrets[writer]) as says,
        client(context, "witness", "own/alice/#", user="alice", password="secret") as witness,
        client(context, "marker", user="alice", password="secret") as marker,
    ):
        says.session.publish(topic, b"canary", 1)
        await asyncio.sleep(0.02)
        marker.session.publish("own/alice/after", b"", 1)
        await eventually(lambda: "own/alice/after" in witness.topics())
        await asyncio.sleep(0.05)
        return topic in hears.topics()


@pytest.mark.parametrize(
    ("topic", "writer", "reader", "arrives"),
    [
        ("plant/tank/level", "alice", "bob", True),
        ("plant/tank/level", "alice", "alice", True),
        ("plant/tank/level", "alice", None, False),  # anonymous reads public/# only
        ("plant/tank/speed", "alice", "bob", False),
        ("plant/tank/level", "bob", "bob", False),  # bob may not write
        ("plant/secret/level", "alice", "bob", False),  # alice's deny goes before her allow
        ("public/news", None, None, False),
        ("own/bob/x", "bob", "bob", True),
        ("own/alice/x", "bob", "alice", False),
        ("seen/w", "alice", "alice", False),
    ],
)
async def test_access_lists_filter_at_delivery(
    start: Start, topic: str, writer: str | None, reader: str | None, arrives: bool
) -> None:
    assert await heard_through_acl(start, topic, writer, reader) == arrives


async def test_retained_messages_pass_the_access_list_too(start: Start) -> None:
    context = await start(ACL)
    async with client(context, "w", user="alice", password="secret") as says:
        says.session.publish("plant/a/level", b"1", 1, retain=True)
        says.session.publish("plant/a/speed", b"2", 1, retain=True)
        await asyncio.sleep(0.1)
    async with client(context, "r", "#", user="bob", password="builder") as hears:
        await eventually(lambda: "plant/a/level" in hears.topics())
        await asyncio.sleep(0.1)
        assert hears.topics() == ["plant/a/level"]
    async with client(context, "other", "nothing/here") as other:
        await asyncio.sleep(0.1)
        assert other.topics() == []


async def test_a_refused_client_does_not_end_the_session_of_its_namesake(start: Start) -> None:
    context = await start(PASSWORDS)
    async with client(context, "pump", "t", user="alice", password="secret") as pump:
        assert await connack(context, "eve", "x", client_id="pump") == NOT_AUTHORIZED
        pump.session.publish("t", b"still here", 1)
        await eventually(lambda: pump.heard)
        assert pump.session.connections == 1


async def test_the_namesake_of_a_client_takes_its_place(start: Start) -> None:
    context = await start("")
    async with client(context, "pump", "t") as first:
        async with client(context, "pump", "t") as second:
            second.session.publish("t", b"x", 1)
            await eventually(lambda: second.heard)
        await eventually(lambda: first.session.connections == 2)


async def test_a_will_is_published_when_its_client_is_cut(start: Start) -> None:
    context = await start("")
    async with client(context, "watch", "status") as watch:
        async with client(context, "pump", will=Will("status", b"offline")) as pump:
            pump.session.abort()
            await eventually(lambda: watch.heard == [("status", b"offline")])
        await asyncio.sleep(0.05)
        assert len(watch.heard) == 1, "a goodbye leaves no will"


async def test_the_number_of_connections_is_limited(start: Start) -> None:
    context = await start("listener 1883\nallow_anonymous true\nmax_connections 2\n")
    async with client(context, "one"), client(context, "two"):
        assert await connack(context) is None
    await eventually_connack(context)


async def eventually_connack(context: object) -> None:
    for _ in range(100):
        if await connack(context) == ACCEPTED:  # type: ignore[arg-type]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a place that was freed is not given again")


async def test_messages_beyond_the_size_limit_are_dropped(start: Start) -> None:
    context = await start("listener 1883\nallow_anonymous true\nmessage_size_limit 100\n")
    async with client(context, "r", "#") as hears, client(context, "w") as says:
        says.session.publish("a", b"x" * 101, 1)
        says.session.publish("b", b"x" * 100, 1)
        await eventually(lambda: hears.heard)
        await asyncio.sleep(0.05)
        assert hears.topics() == ["b"]


async def test_packets_beyond_the_size_limit_end_the_connection(start: Start) -> None:
    context = await start("listener 1883\nallow_anonymous true\nmax_packet_size 200\n")
    async with client(context, "w") as says:
        says.session.publish("a", b"x" * 300)
        await eventually(lambda: not says.session.connected)


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)  # Mosquitto's own takes five seconds
async def test_a_client_silent_for_too_long_is_cut(start: Start) -> None:
    context = await start("")
    raw = await connect(context)
    reader, writer = await asyncio.open_connection(sock=raw)
    packet = bytearray(connect_packet("mute"))
    packet[10:12] = b"\x00\x01"  # keep-alive 1 s: cut after 1.5 s
    writer.write(bytes(packet))
    async with asyncio.timeout(8):
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        assert await reader.read(1) == b""
    writer.close()


def tls_files(folder: Path) -> tuple[str, ssl.SSLContext, ssl.SSLContext]:
    """The files of a bundle, a client's TLS with a certificate of the authority, and one without."""
    plant, server = authority("plant"), None
    server = signed_by(plant, "broker")
    alice = signed_by(plant, "alice")
    (folder / "ca.pem").write_text(plant.cert_pem)
    (folder / "alice.pem").write_text(alice.cert_pem + alice.key_pem)
    bare = ssl.create_default_context(cafile=folder / "ca.pem")
    known = ssl.create_default_context(cafile=folder / "ca.pem")
    known.load_cert_chain(folder / "alice.pem")
    files = f"#file: ca.crt\n{plant.cert_pem}#file: broker.crt\n{server.cert_pem}#file: broker.key\n{server.key_pem}"
    return files, known, bare


async def test_tls_and_a_plain_client_on_its_port(start: Start, tmp_path: Path) -> None:
    files, _, bare = tls_files(tmp_path)
    context = await start(
        f"listener 8883\nallow_anonymous true\ncertfile broker.crt\nkeyfile broker.key\n{files}"
    )
    async with client(context, "c", "t", port=8883, tls=bare, server_hostname="127.0.0.1") as secure:
        secure.session.publish("t", b"x" * 100_000, 1)
        await eventually(lambda: secure.heard)
    assert await connack(context, port=8883) is None
    stranger = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        await connack(context, port=8883, tls=stranger)


async def test_client_certificates_name_the_user(start: Start, tmp_path: Path) -> None:
    files, known, bare = tls_files(tmp_path)
    context = await start(
        "listener 8883\ncafile ca.crt\ncertfile broker.crt\nkeyfile broker.key\nrequire_certificate true\n"
        "use_identity_as_username true\nacl_file acl\n"
        f"#file: acl\nuser alice\ntopic readwrite t\n{files}"
    )
    assert await refused_by_tls(context, bare)
    async with client(
        context, "c", "#", port=8883, tls=known, server_hostname="127.0.0.1", user="bob"
    ) as alice:
        alice.session.publish("t", b"x", 1)
        alice.session.publish("u", b"x", 1)
        await eventually(lambda: alice.topics() == ["t"])


async def refused_by_tls(context: object, tls: ssl.SSLContext) -> bool:
    try:
        return await connack(context, port=8883, tls=tls) is None  # type: ignore[arg-type]
    except OSError:
        return True


async def test_each_listener_has_its_own_security(start: Start) -> None:
    context = await start(
        "per_listener_settings true\nlistener 1883\nallow_anonymous false\npassword_file passwd\n"
        "listener 1884\nallow_anonymous true\n#file: passwd\nalice:secret\n"
    )
    assert await connack(context) == NOT_AUTHORIZED
    assert await connack(context, "alice", "secret") == ACCEPTED
    assert await connack(context, port=1884) == ACCEPTED


async def test_sys_topics_tell_the_clients(start: Start) -> None:
    context = await start("sys_interval 1\n")
    async with client(context, "c", "$SYS/broker/clients/connected", "#") as watch:
        await eventually(lambda: ("$SYS/broker/clients/connected", b"1") in watch.heard, within_s=8)
