"""TLS probes before servers with every fault of a certificate."""

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from lab.probes import tls
from lab.probes.stream import Tls
from lab.probes.tls import Certificate, ClientCertificate, Handshake
from simulators.errors import InputError
from tests.fakes import FakeNetwork, a_device, a_line
from tests.lab.probes.stage import Place, answering
from tests.simulators.devices.mqtt_broker.pki import Identity, authority, signed_by

LINE = a_line([a_device("plc2", "opcua_plc", port=4840, program="x.st")])
CA, ROGUE = authority("lab"), authority("rogue")
LEAF = signed_by(CA, "plc2")


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    certificate: str,
    key: str,
    demand: str = "not_demanded",
    newest: ssl.TLSVersion | None = None,
) -> AsyncIterator[Place]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "pair.pem").write_text(certificate + key)
    context.load_cert_chain(folder / "pair.pem")
    if demand != "not_demanded":
        context.verify_mode = ssl.CERT_REQUIRED if demand == "demanded" else ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=CA.cert_pem)
    if newest is not None:
        context.maximum_version = newest
    network = FakeNetwork()

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    spec = LINE.device("plc2")
    with contextlib.closing(network):
        async with answering(serve, network.listen(spec.zone, spec.address, 4840), context):
            yield Place(LINE, spec.zone, network)


def old(days: int, bits: int = 2048) -> Identity:
    """A self-signed RSA certificate that ended `days` ago (is still good below 0)."""
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plc2")])
    end = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(end - dt.timedelta(days=400)).not_valid_after(end)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return Identity(made, key)  # type: ignore[arg-type]


async def test_a_handshake_and_the_chain(tmp_path: Path) -> None:
    async with serving(tmp_path, LEAF.cert_pem, LEAF.key_pem) as place:
        seen = await tls.handshake(place, Handshake("plc2", tls=Tls(ca=CA.cert_pem)))
        assert (seen.observed, seen.figures["tls"]) == ("accepted", 1.3)
        wrong = await tls.handshake(place, Handshake("plc2", tls=Tls(ca=ROGUE.cert_pem)))
        assert wrong.observed == "tls_refused"
        elsewhere = await tls.handshake(
            place, Handshake("plc2", tls=Tls(ca=CA.cert_pem, hostname="other.example"))
        )
        assert elsewhere.observed == "tls_refused"
        old_client = await tls.handshake(place, Handshake("plc2", tls=Tls(most="TLSv1.1")))
        assert old_client.observed in {"tls_refused", "closed"}


async def test_the_version_that_is_agreed_on(tmp_path: Path) -> None:
    async with serving(tmp_path, LEAF.cert_pem, LEAF.key_pem, newest=ssl.TLSVersion.TLSv1_2) as place:
        seen = await tls.handshake(place, Handshake("plc2"))
        assert (seen.observed, seen.figures["tls"]) == ("accepted", 1.2)


@pytest.mark.parametrize(
    ("identity", "ca", "hostname", "observed"),
    [
        (LEAF, CA, None, "valid"),
        (LEAF, None, None, "valid"),
        (LEAF, ROGUE, None, "untrusted"),
        (LEAF, CA, "other.example", "wrong_name"),
        (old(1), None, None, "expired"),
        (old(-30), None, None, "self_signed"),
        (old(-30, 1024), None, None, "weak_key"),
    ],
)
async def test_certificates(
    tmp_path: Path, identity: Identity, ca: Identity | None, hostname: str | None, observed: str
) -> None:
    key = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    async with serving_weak(tmp_path, identity.cert_pem, key) as place:
        asked = Certificate("plc2", ca=ca.cert_pem if ca else None, hostname=hostname)
        seen = await tls.certificate(place, asked)
        assert seen.observed == observed
        assert (seen.figures["days_left"] > 0) is (observed != "expired")


@contextlib.asynccontextmanager
async def serving_weak(folder: Path, certificate: str, key: str) -> AsyncIterator[Place]:
    """A server of any certificate: OpenSSL itself refuses to load a short key at its usual level."""
    usual = ssl.SSLContext.load_cert_chain

    def load(self: ssl.SSLContext, path: Path) -> None:
        self.set_ciphers("DEFAULT:@SECLEVEL=0")
        usual(self, path)

    patch = pytest.MonkeyPatch()
    patch.setattr(ssl.SSLContext, "load_cert_chain", load)
    try:
        async with serving(folder, certificate, key) as place:
            patch.undo()
            yield place
    finally:
        patch.undo()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("demand", ["demanded", "optional", "not_demanded"])
async def test_whether_a_client_certificate_is_demanded(
    tmp_path: Path, demand: str, newest: ssl.TLSVersion
) -> None:
    async with serving(tmp_path, LEAF.cert_pem, LEAF.key_pem, demand, newest) as place:
        seen = await tls.client_certificate(place, ClientCertificate("plc2"))
        assert seen.observed == demand


async def test_a_port_without_tls_and_no_port_at_all(tmp_path: Path) -> None:
    async with serving(tmp_path, LEAF.cert_pem, LEAF.key_pem) as place:
        assert (await tls.handshake(place, Handshake("plc2", port=4841))).observed == "unreachable"
    network = FakeNetwork()
    spec = LINE.device("plc2")

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, sock=network.listen(spec.zone, spec.address, 4840))
    try:
        seen = await tls.handshake(Place(LINE, spec.zone, network), Handshake("plc2"))
        assert seen.observed in {"tls_refused", "closed"}
    finally:
        server.close()
        await asyncio.sleep(0.01)
        network.close()


async def test_a_key_that_is_none_is_said() -> None:
    network = FakeNetwork()
    with pytest.raises(InputError, match="PEM"):
        await tls.handshake(
            Place(LINE, "control", network), Handshake("plc2", tls=Tls(certificate="x", key="y"))
        )
    network.close()
