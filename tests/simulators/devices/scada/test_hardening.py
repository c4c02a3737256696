"""When a device is hardened, SCADA's configuration follows it; until then it is kept out, and says so."""

import re
from pathlib import Path

import pytest

from simulators.devices.scada.source import CommandError
from tests.simulators.devices.scada.rig import MODBUS, MQTT, OPCUA, a_rig
from tests.waiting import eventually

SECURE_MODBUS = """\
security:
  generate: true
  clear_port: closed
  roles:
    viewer: [{access: read}]
    operator: [{access: any}]
"""
SECURE_OPCUA = """\
policies: [Basic256Sha256_SignAndEncrypt]
identities:
  users: [{name: scada, password: scada-pass, role: operator}]
trust_list: {mode: accept_any}
"""
SECURE_BROKER = """\
listener 1883
allow_anonymous false
password_file passwd
#file: passwd
scada:scada-pass
sensor:sensor-pass
"""


def modbus_access(role: str) -> str:
    return (
        "modbus: {period_s: 0.2, devices: {plc1: {port: 802, tls: {ca: plc1/ca.pem, "
        f"certificate: plc1/client-{role}.pem, key: plc1/client-{role}.key}}}}}}}}"
    )


async def test_modbus_over_tls_with_a_role(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        await rig.device("plc1", SECURE_MODBUS)
        await rig.scada.start()
        assert rig.scada.health().state == "degraded", "the clear port is closed"
        for role in ("viewer", "operator"):
            scada = rig.again(modbus_access(role))
            await scada.start()
            assert scada.health().state == "ok", scada.health()
            if role == "viewer":
                with pytest.raises(CommandError, match="exception 01"):
                    await scada.write("Tank.Mode", 1)
            else:
                await scada.write("Tank.Mode", 1)
            await scada.stop()


async def test_opcua_with_a_policy_and_a_user(tmp_path: Path) -> None:
    async with a_rig(tmp_path, OPCUA) as rig:
        await rig.device("plc2", SECURE_OPCUA)
        await rig.scada.start()
        assert rig.scada.health().state == "degraded"
        assert "Bad" in str(rig.scada.health().detail)
        text = "opcua: {devices: {plc2: {policy: Basic256Sha256_SignAndEncrypt, user: scada, password: %s}}}"
        wrong = rig.again(text % "guess")
        await wrong.start()
        assert wrong.health().state == "degraded"
        await wrong.stop()
        scada = rig.again(text % "scada-pass")
        await scada.start()
        await eventually(lambda: scada.health().state == "ok")
        await scada.write("Filler.SetPoint", 330)
        await scada.stop()


async def test_opcua_by_a_trust_list_that_knows_scada_by_its_fingerprint(tmp_path: Path) -> None:
    """As somebody with two editors does it: SCADA is refused, shows its certificate, and is then trusted."""
    trusting = SECURE_OPCUA.replace("{mode: accept_any}", "{mode: enforced, trusted: [%s]}")
    text = (
        "opcua: {devices: {plc2: {policy: Basic256Sha256_SignAndEncrypt, user: scada, password: scada-pass}}}"
    )
    async with a_rig(tmp_path, OPCUA, text) as rig:
        device, _ = await rig.device("plc2", trusting % "")
        await rig.scada.start()
        detail = rig.scada.health().detail
        assert detail is not None
        shown = re.search("sha256:[0-9a-f]{64}", detail.fr)
        assert shown is not None
        assert shown[0] in detail.en
        (said,) = rig.log.events("certificate_shown")
        assert said == {"to": "plc2", "certificate": shown[0]}, "once, however often it is refused"
        await device.stop()
        await rig.device("plc2", trusting % f'"{shown[0]}"')
        await eventually(lambda: rig.scada.health().state == "ok")
        await rig.scada.write("Filler.SetPoint", 330)


async def test_mqtt_with_a_password(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MQTT) as rig:
        await rig.device("broker", SECURE_BROKER)
        await rig.scada.start()
        assert rig.scada.health().state == "degraded"
        scada = rig.again("mqtt: {devices: {broker: {user: scada, password: scada-pass}}}")
        await scada.start()
        await eventually(lambda: scada.health().state == "ok")
        await scada.stop()


async def test_pasted_certificates_serve_as_files_do(tmp_path: Path) -> None:
    async with a_rig(tmp_path, MODBUS) as rig:
        await rig.device("plc1", SECURE_MODBUS)
        pki = tmp_path / "plc1" / "pki"
        pasted = {
            name: "\n".join("          " + line for line in (pki / file).read_text().splitlines())
            for name, file in (
                ("ca", "ca.pem"),
                ("certificate", "client-operator.pem"),
                ("key", "client-operator.key"),
            )
        }
        text = "modbus:\n  devices:\n    plc1:\n      port: 802\n      tls:\n"
        text += "".join(f"        {name}: |\n{pem}\n" for name, pem in pasted.items())
        scada = rig.again(text)
        await scada.start()
        assert scada.health().state == "ok"
        await scada.stop()
        assert all(file.stat().st_mode & 0o077 == 0 for file in (tmp_path / "scada" / "pki").iterdir())
