"""Configurations are checked before they touch the device: the line is named, the server's folders are not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.contracts import Device
from simulators.errors import InputError
from simulators.host.configurations import Configurations
from simulators.host.rack import Rack
from simulators.host.refusal import refusal, refused
from simulators.model import load_line
from tests.fakes import FakeNetwork, Log, a_context

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
OTHER_CERTIFICATE = """\
    - |
      -----BEGIN CERTIFICATE-----
      MIIBszCCAVmgAwIBAgIUQ
      -----END CERTIFICATE-----
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "labs"


@pytest.fixture
def rack(folder: Path) -> Iterator[Rack]:
    network = FakeNetwork()
    live: dict[str, Device] = {}
    yield Rack(
        [spec for spec in LINE.devices if spec.id != "historian"],
        lambda spec: a_context(LINE, spec.id, folder, network, devices=live),
        Configurations(LINE, folder),
        live,
        Log(),
    )
    network.close()


REFUSED = [
    ("plc2", "trust_list:\n  trusted:\n    - missing.pem\n", 3, r"trusted\[0\].*missing\.pem"),
    ("plc2", "trust_list:\n  trusted:\n    - sha256:12\n", 3, "sha256:12"),
    ("plc2", "trust_list:\n  trusted:\n    - a.pem b\n" + OTHER_CERTIFICATE, 3, r"a\.pem b"),
    ("plc2", "audit: true\ntrust_list:\n  revoked:\n" + OTHER_CERTIFICATE, 4, r"revoked\[0\].*BEGIN"),
    ("plc2", "identities:\n  users:\n    - {name: a, role: engineer, password: a}\n    - {name: a, role: engineer, password: b}\n", 4, "twice"),
    ("plc2", "identities:\n  users:\n    - {name: a, role: engineer}\n", 3, "password_hash"),
    ("plc2", "identities:\n  users:\n    - name: a\n      role: engineer\n      password_hash: scrypt$1\n", 5, "hash"),
    ("plc2", "identities:\n  certificates:\n    - name: a\n      role: engineer\n      certificate: x.pem\n", 5, r"x\.pem"),
    ("plc2", "permissions:\n  tags:\n    Capper.TorqueSetPoint: {read: []}\n    No.Where: {read: []}\n", 4, r"No\.Where"),
    ("scada", "modbus:\n  devices:\n    plc1:\n      tls:\n        ca: nowhere.pem\n", 5, r"tls\.ca.*nowhere\.pem.*pki.*scada"),
    ("scada", "mqtt:\n  devices:\n    broker:\n      tls:\n        ca: plc1/ca.pem\n", 5, r"pki.*plc1"),
    ("scada", "mqtt:\n  devices:\n    broker:\n      tls:\n        ca: |\n          -----BEGIN CERTIFICATE-----\n", 5, "no certificate"),
    ("scada", "modbus:\n  devices:\n    plc9: {}\n", 3, "plc9"),
    ("scada", "alarms:\n  Pump.Flow.below.9: {limit: 3}\n", 2, r"Pump\.Flow\.below\.9"),
    ("plc1", "units:\n  1: {}\n  2:\n    tags: [No.Where]\n", 4, r"No\.Where"),
    ("plc1", "security:\n  certificate: mine.pem\n", 2, r"mine\.pem.*generate"),
    ("gateway", "rules:\n  - {action: allow}\n  - {from: moon, action: allow}\n", 3, "moon"),
    ("gateway", "tap:\n  - control\n  - moon\n", 3, "moon"),
    ("gateway", "rules:\n  - action: allow\n    modbus:\n      read: [1, 9-1]\n", 4, "9-1"),
    ("monitor", "assets:\n  - pump_motor\n  - moon\n", 3, "moon"),
    ("monitor", "tls:\n  ca: rubbish\n", 2, "no certificate"),
    ("pump_sensor", "tls:\n  cert: a\n", 1, "go together"),
    ("broker", "allow_anonymous true\nlistener 1883 10.9.9.9\n", 2, r"10\.9\.9\.9"),
    ("broker", "allow_anonymous true\npassword_file p\n#file: p\nann\n", 4, "user:password"),
    ("broker", "acl_file a\n#file: a\nuser ann\ntopic read x/#/y\n", 4, "filter"),
    ("broker", "listener 8883\ncertfile c\nkeyfile c\n#file: c\nrubbish\n", 5, "PEM"),
]  # fmt: skip


@pytest.mark.parametrize(("device", "text", "line", "says"), REFUSED)
def test_what_cannot_be_applied_is_said_before_with_its_line_and_without_a_path(
    rack: Rack, folder: Path, device: str, text: str, line: int, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        rack.check(device, text)
    assert re.search(says, caught.value.text.en), caught.value.text.en
    assert caught.value.line == line
    assert f":{line}: " in caught.value.text.en
    assert f":{line} : " in caught.value.text.fr
    assert str(folder) not in caught.value.text.fr + caught.value.text.en
    assert refused(refusal(caught.value)).line == line, "over the wire too"


async def test_a_refused_configuration_does_not_disturb_the_device(rack: Rack) -> None:
    slot = rack.slots["plc2"]
    await rack.restart("plc2")
    before = slot.device
    try:
        with pytest.raises(InputError, match=r"missing\.pem") as caught:
            await rack.configure("plc2", "trust_list: {trusted: [missing.pem]}")
        assert caught.value.line == 1
        assert slot.device is before
        assert rack._health(slot).state == "ok"
        await rack.configure("plc2", "trust_list: {mode: accept_any}\npolicies: [None]\n")
        assert slot.device is not before
    finally:
        await rack.stop()
