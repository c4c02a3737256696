"""MQTT probes before a real broker, Mosquitto and the embedded one: open, and hardened piece by piece."""

from typing import Any

import msgspec
import pytest

from lab.probes import mqtt
from lab.probes.mqtt import Canary, Client, Connect, Publish, Retained
from lab.probes.stream import Tls
from simulators.contracts import Context
from tests.lab.probes.stage import Place
from tests.simulators.devices.mqtt_broker.conftest import Start
from tests.simulators.devices.mqtt_broker.pki import authority, signed_by
from tests.simulators.devices.mqtt_broker.test_contract import ACL, PASSWORDS

OPEN = "listener 1883\nallow_anonymous true\n"
ALICE: dict[str, Any] = {"user": "alice", "password": "secret"}
WAIT_S = 1.0


def at(context: Context) -> Place:
    return Place(context.line, "iiot", context.network)  # type: ignore[arg-type]


def args(kind: Any, **more: Any) -> Any:
    return kind(device="broker", **{"wait_s": WAIT_S, **more})


async def test_an_open_broker_takes_everybody_and_delivers_everything(start: Start) -> None:
    place = at(await start(OPEN))
    assert (await mqtt.connect(place, args(Connect))).observed == "accepted"
    assert (await mqtt.publish(place, args(Publish, topic="plant/x"))).observed == "accepted"
    assert (await mqtt.canary(place, args(Canary, topic="plant/x", filter="#"))).observed == "delivered"


async def test_a_broker_with_passwords_refuses_with_a_code(start: Start) -> None:
    place = at(await start(PASSWORDS))
    assert (await mqtt.connect(place, args(Connect, **ALICE))).observed == "accepted"
    for more in ({}, {"user": "alice", "password": "wrong"}, {"user": "eve", "password": "secret"}):
        refused = await mqtt.connect(place, args(Connect, **more))
        assert (refused.observed, refused.figures) == ("refused", {"code": 5})
    seen = await mqtt.canary(place, args(Canary, topic="t", publisher=Client(), subscriber=Client(**ALICE)))
    assert seen.observed == "refused"


@pytest.mark.parametrize(
    ("topic", "publisher", "observed"),
    [
        ("plant/level", Client(**ALICE), "delivered"),
        ("plant/level", Client(user="bob", password="builder"), "undelivered"),
        ("plant/secret/x", Client(**ALICE), "undelivered"),
    ],
)
async def test_an_acl_shows_in_what_is_delivered(
    start: Start, topic: str, publisher: Client, observed: str
) -> None:
    """Whatever SUBACK grants and PUBACK acknowledges."""
    place = at(await start(ACL))
    asked = args(Canary, topic=topic, publisher=publisher, subscriber=Client(**ALICE), wait_s=0.4)
    assert (await mqtt.canary(place, asked)).observed == observed


async def test_another_message_is_no_canary(start: Start) -> None:
    place = at(await start(ACL))
    await mqtt.publish(place, args(Publish, topic="plant/level", payload="12", retain=True, **ALICE))
    asked = args(
        Canary,
        topic="plant/level",
        publisher=Client(user="bob", password="builder"),
        subscriber=Client(**ALICE),
    )
    assert (await mqtt.canary(place, msgspec.structs.replace(asked, wait_s=0.4))).observed == "undelivered"


async def test_a_canary_without_a_listener_proves_nothing(start: Start) -> None:
    place = at(await start(PASSWORDS))
    asked = args(Canary, topic="t", publisher=Client(**ALICE), subscriber=Client(user="eve"))
    seen = await mqtt.canary(place, asked)
    assert seen.observed == "no_subscriber"
    canary = next(probe for probe in mqtt.PROBES if probe.name == "mqtt.canary")
    assert "no_subscriber" not in canary.refusals


@pytest.mark.needs("mosquitto")
@pytest.mark.parametrize("engine", ["mosquitto"])
async def test_mqtt_5_says_when_it_throws_a_message_away(start: Start) -> None:
    place = at(await start(ACL))
    bob = {"user": "bob", "password": "builder", "version": 5}
    denied = await mqtt.publish(place, args(Publish, topic="plant/level", **bob))
    assert (denied.observed, denied.figures) == ("refused", {"code": 0x87})
    own = await mqtt.publish(place, args(Publish, topic="own/bob/x", **bob))
    assert own.observed == "accepted"


async def test_retained_messages(start: Start) -> None:
    place = at(await start(OPEN))
    asked = args(Retained, topic="plant/kept", wait_s=0.4)
    assert (await mqtt.retained(place, asked)).observed == "absent"
    await mqtt.publish(place, args(Publish, topic="plant/kept", payload="12.5", retain=True))
    seen = await mqtt.retained(place, asked)
    assert (seen.observed, seen.figures) == ("present", {"bytes": 4})
    await mqtt.publish(place, args(Publish, topic="plant/kept", payload="", retain=True))
    assert (await mqtt.retained(place, asked)).observed == "absent"


async def test_tls_and_the_clear_port(start: Start) -> None:
    ca, rogue = authority("lab"), authority("rogue")
    server, client = signed_by(ca, "broker"), signed_by(ca, "probe")
    place = at(await start(secured(ca.cert_pem, server.cert_pem, server.key_pem)))
    assert (await mqtt.connect(place, args(Connect))).observed == "unreachable"
    good = Tls(ca=ca.cert_pem, certificate=client.cert_pem, key=client.key_pem)
    seen = await mqtt.tls(place, args(Connect, port=8883, tls=good))
    assert seen.observed == "accepted"
    assert seen.figures["tls"] >= 1.2
    other = Tls(ca=rogue.cert_pem, certificate=client.cert_pem, key=client.key_pem)
    assert (await mqtt.tls(place, args(Connect, port=8883, tls=other))).observed == "tls_refused"
    nobody = await mqtt.tls(place, args(Connect, port=8883, tls=Tls(ca=ca.cert_pem)))
    assert nobody.observed in {"tls_refused", "closed"}
    old = Tls(ca=ca.cert_pem, certificate=client.cert_pem, key=client.key_pem, most="TLSv1.1")
    assert (await mqtt.tls(place, args(Connect, port=8883, tls=old))).observed in {"tls_refused", "closed"}
    in_clear = await mqtt.connect(place, args(Connect, port=8883))
    assert in_clear.observed in {"closed", "silent", "garbage"}


def secured(ca: str, certificate: str, key: str) -> str:
    directives = "listener 8883\ncafile ca\ncertfile crt\nkeyfile key\nrequire_certificate true\nallow_anonymous true\n"
    return f"{directives}#file: ca\n{ca}#file: crt\n{certificate}#file: key\n{key}"


async def test_tls_before_a_port_that_has_none(start: Start) -> None:
    place = at(await start(OPEN))
    seen = await mqtt.tls(place, args(Connect))
    assert seen.observed in {"closed", "tls_refused", "silent"}
    assert seen.exchanges
