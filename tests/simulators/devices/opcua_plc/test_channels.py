"""Policies, certificates and the secure channel, driven raw: an ordinary client would refuse on its own side."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies as policies
from asyncua.ua.status_codes import StatusCodes as Codes
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.devices.opcua_plc import config
from simulators.devices.opcua_plc.policies import offers
from simulators.devices.opcua_plc.trust import TrustStore
from tests.simulators.devices.opcua_plc import pki
from tests.simulators.devices.opcua_plc.bench import HARD, LEVEL, Bench, served
from tests.simulators.devices.opcua_plc.raw import MODE, NONE, refused

P = policies
SECURE = [
    (P.SecurityPolicyBasic256Sha256, "Basic256Sha256"),
    (P.SecurityPolicyAes128Sha256RsaOaep, "Aes128Sha256RsaOaep"),
    (P.SecurityPolicyAes256Sha256RsaPss, "Aes256Sha256RsaPss"),
]
WEAK = [(P.SecurityPolicyBasic128Rsa15, "Basic128Rsa15"), (P.SecurityPolicyBasic256, "Basic256")]


@pytest.fixture
async def hard(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(HARD, tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize(("policy", "name"), [*SECURE, *WEAK])
async def test_every_policy_serves_a_user(tmp_path: Path, policy: Any, name: str, mode: str) -> None:
    text = HARD.replace("Basic256Sha256_SignAndEncrypt", f"{name}_{mode}")
    async with served(text, tmp_path) as bench:
        raw = await bench.secure(policy=policy, mode=MODE.__members__[mode])
        await raw.log_in("run", "run-pass")
        assert (await raw.read(LEVEL)).StatusCode == ua.StatusCode()


async def test_an_ordinary_client_comes_in_by_a_secure_policy(hard: Bench) -> None:
    folder = hard.folder
    (folder / "c.der").write_bytes(pki.der(pki.client()))
    (folder / "c.pem").write_bytes(
        pki.key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    client = Client(hard.url)
    client.application_uri = pki.URI
    await client.set_security(P.SecurityPolicyBasic256Sha256, folder / "c.der", folder / "c.pem")
    client.set_user("run")
    client.set_password("run-pass")
    async with client:
        assert await client.get_node(LEVEL).read_value() == 0.0


async def test_policy_none_is_for_discovery_only_when_not_offered(hard: Bench) -> None:
    raw = await hard.open()
    endpoints = (await raw.ask(ua.GetEndpointsRequest())).Endpoints
    assert {e.SecurityMode for e in endpoints} == {MODE.SignAndEncrypt}
    assert (await raw.ask(ua.FindServersRequest())).Servers
    with refused(Codes.BadSecurityPolicyRejected, by="fault"):
        await raw.log_in("run", "run-pass")
    with refused(Codes.BadSecurityPolicyRejected, by="fault"):
        await raw.read(LEVEL)
    with refused(Codes.BadSecurityPolicyRejected, by="fault"):
        await raw.activate(raw.user("run", "run-pass"))


@pytest.mark.parametrize(("policy", "name"), [*SECURE[1:], *WEAK])
async def test_a_policy_that_is_not_offered_is_refused_aloud(hard: Bench, policy: Any, name: str) -> None:
    with refused(Codes.BadSecurityPolicyRejected, by="error"):
        await hard.secure(policy=policy)
    assert hard.audit("open_channel")[-1]["status"] == "BadSecurityPolicyRejected"


async def test_a_mode_that_is_not_offered_is_refused_aloud(hard: Bench) -> None:
    with refused(Codes.BadSecurityModeRejected, by="error"):
        await hard.secure(mode=MODE.Sign)


CA = pki.authority()
ROGUE = pki.authority("Rogue CA", number=2)
GOOD = pki.client(issuer="Test CA")
REVOKED = pki.client("revoked", issuer="Test CA")
PINNED = pki.client("pinned")
BAD_CERTIFICATES = {
    "self-signed": (pki.client(), Codes.BadSecurityChecksFailed),
    "another authority": (pki.client(issuer="Rogue CA", issuer_key=2), Codes.BadSecurityChecksFailed),
    "forged issuer": (pki.client(issuer="Test CA", issuer_key=2), Codes.BadSecurityChecksFailed),
    "expired": (pki.client(issuer="Test CA", start_days=-9, end_days=-1), Codes.BadCertificateTimeInvalid),
    "not yet": (pki.client(issuer="Test CA", start_days=1), Codes.BadCertificateTimeInvalid),
    "revoked": (REVOKED, Codes.BadCertificateRevoked),
    "not for clients": (pki.client(issuer="Test CA", purpose=ExtendedKeyUsageOID.SERVER_AUTH), Codes.BadCertificateUseNotAllowed),
    "not for signing": (pki.client(issuer="Test CA", signs=False), Codes.BadCertificateUseNotAllowed),
    "short key": (pki.client(issuer="Test CA", bits=1024), Codes.BadCertificatePolicyCheckFailed),
}  # fmt: skip


def enforced() -> str:
    trusted = "".join(f"    - |\n{indented(pki.pem(c))}" for c in (CA, PINNED))
    revoked = f"    - |\n{indented(pki.revocations(REVOKED))}"
    return HARD.replace(
        "trust_list: {mode: accept_any}\n",
        f"trust_list:\n  mode: enforced\n  trusted:\n{trusted}  revoked:\n{revoked}",
    )


def indented(text: str) -> str:
    return "".join(f"      {line}\n" for line in text.strip().splitlines())


@pytest.fixture
async def trusting(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(enforced(), tmp_path) as bench:
        yield bench


@pytest.mark.parametrize("certificate", [GOOD, PINNED], ids=["by its authority", "by itself"])
async def test_a_trusted_certificate_opens_a_channel(trusting: Bench, certificate: Any) -> None:
    raw = await trusting.secure(certificate)
    await raw.log_in("run", "run-pass")


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
async def test_the_trust_list_is_checked_when_the_channel_opens(trusting: Bench, what: str) -> None:
    certificate, code = BAD_CERTIFICATES[what]
    bits = 1024 if what == "short key" else 2048
    with refused(code, by="error"):
        await trusting.secure(certificate, key=pki.key(bits))
    await trusting.secure(GOOD)
    assert [row["status"] != "Good" for row in trusting.audit("open_channel")] == [True, False]


async def test_the_real_reason_is_in_the_audit_trail_only(trusting: Bench) -> None:
    with refused(Codes.BadSecurityChecksFailed):
        await trusting.secure(pki.client())
    assert trusting.audit("open_channel")[-1]["status"] == "BadCertificateUntrusted"


async def test_a_trusted_certificate_without_its_key_is_refused(trusting: Bench) -> None:
    with refused(Codes.BadSecurityChecksFailed, by="error"):
        await trusting.secure(GOOD, key=pki.key(number=2))


async def test_the_certificate_must_name_the_application_as_it_names_itself(trusting: Bench) -> None:
    raw = await trusting.secure(GOOD)
    with refused(Codes.BadCertificateUriInvalid, by="fault"):
        await raw.create_session(uri="urn:somebody:else")


async def test_the_session_must_be_made_with_the_channels_certificate(trusting: Bench) -> None:
    raw = await trusting.secure(GOOD)
    with refused(Codes.BadCertificateInvalid, by="fault"):
        await raw.create_session(certificate=pki.der(PINNED))
    with refused(Codes.BadCertificateInvalid, by="fault"):
        await raw.create_session(certificate=b"")


async def test_the_client_must_sign_the_activation(trusting: Bench) -> None:
    raw = await trusting.secure(GOOD)
    await raw.create_session()
    raw.certificate = None
    with refused(Codes.BadApplicationSignatureInvalid, by="fault"):
        await raw.activate(raw.user("run", "run-pass"))


def test_a_list_that_another_authority_signed_revokes_nothing() -> None:
    from cryptography import x509

    forged = x509.load_pem_x509_crl(pki.revocations(REVOKED, issuer_key=2).encode())
    TrustStore(True, [CA], lists=[forged]).check_client(pki.der(REVOKED))
    genuine = x509.load_pem_x509_crl(pki.revocations(REVOKED).encode())
    with pytest.raises(ServiceError):
        TrustStore(True, [CA], lists=[genuine]).check_client(pki.der(REVOKED))


def test_an_expired_authority_vouches_for_nobody() -> None:
    later = TrustStore(True, [CA], now=lambda: datetime(2100, 1, 1, tzinfo=UTC))
    with pytest.raises(ServiceError):
        later.check_client(pki.der(GOOD))


async def test_a_channel_is_renewed_and_never_issued_again(hard: Bench) -> None:
    raw = await hard.secure()
    await raw.log_in("run", "run-pass")
    await raw.open(P.SecurityPolicyBasic256Sha256, MODE.SignAndEncrypt, raw.certificate, renew=True)
    raw.channel.revolve_tokens()
    assert (await raw.read(LEVEL)).StatusCode == ua.StatusCode()
    with refused(Codes.BadRequestTypeInvalid, by="error"):
        await raw.open(P.SecurityPolicyBasic256Sha256, MODE.SignAndEncrypt, raw.certificate)


async def test_a_channel_may_not_be_weakened_by_its_renewal(hard: Bench) -> None:
    raw = await hard.secure()
    await raw.log_in("run", "run-pass")
    raw.channel.security_policy = NONE()  # type: ignore[no-untyped-call]
    with refused(by="error"):
        await raw.open(renew=True)


async def test_a_channel_is_renewed_with_its_own_certificate_only(hard: Bench) -> None:
    raw = await hard.secure()
    raw.channel.security_policy.host_certificate = pki.der(pki.client("other"))
    with refused(Codes.BadSecurityChecksFailed, by="error"):
        await raw.open(P.SecurityPolicyBasic256Sha256, MODE.SignAndEncrypt, renew=True)


@pytest.mark.parametrize(("asked_ms", "given_ms"), [(0, 10_000), (2**32 - 1, 20_000), (15_000, 15_000)])
async def test_a_channels_lifetime_is_the_servers(tmp_path: Path, asked_ms: int, given_ms: int) -> None:
    async with served("policies: [None]\nsessions: {channel_lifetime_s: 20}", tmp_path) as bench:
        raw = await bench.raw()
        assert (await raw.open(lifetime_ms=asked_ms)).SecurityToken.RevisedLifetime == given_ms


async def test_an_expired_channel_is_closed(hard: Bench) -> None:
    raw = await hard.secure()
    (client,) = hard.device._binary.clients  # type: ignore[union-attr]
    client.processor.channel._expires = 0.0  # type: ignore[union-attr]
    with refused(Codes.BadSecureChannelTokenUnknown, by="error"):
        await raw.create_session()


async def test_a_request_before_its_time_ends_the_connection(hard: Bench) -> None:
    for early in ("open", "ask"):
        raw = await hard.raw(greet=False)
        with refused(Codes.BadTcpMessageTypeInvalid, by="error"):
            await (raw.open() if early == "open" else raw.ask(ua.GetEndpointsRequest()))
    raw = await hard.raw()
    with refused(Codes.BadTcpMessageTypeInvalid, by="error"):
        await raw.hello()


def test_the_configuration_names_every_policy_of_the_library() -> None:
    from typing import get_args

    names = list(get_args(config.PolicyName))
    known = {kind.name for kind in ua.SecurityPolicyType} - {"NoSecurity"}
    assert {name for name in known if name.startswith(("Basic", "Aes"))} == set(names) - {"None"}
    assert len(offers(names, None)) == 11


def by_fingerprint(certificate: Any, sign: str = "") -> str:
    hexadecimal = sign.join(f"{byte:02x}" for byte in certificate.fingerprint(hashes.SHA256()))
    trusted = f'{{mode: enforced, trusted: ["sha256:{hexadecimal}"]}}'
    return HARD.replace("{mode: accept_any}", trusted)


@pytest.mark.parametrize("sign", ["", ":"])
async def test_a_certificate_is_trusted_by_its_fingerprint(tmp_path: Path, sign: str) -> None:
    async with served(by_fingerprint(PINNED, sign), tmp_path) as bench:
        raw = await bench.secure(PINNED)
        await raw.log_in("run", "run-pass")
        with refused(Codes.BadSecurityChecksFailed, by="error"):
            await bench.secure(pki.client("pinned"))


async def test_a_fingerprint_does_not_forgive_an_expired_certificate(tmp_path: Path) -> None:
    old = pki.client("old", start_days=-9, end_days=-1)
    async with served(by_fingerprint(old), tmp_path) as bench:
        with refused(Codes.BadCertificateTimeInvalid, by="error"):
            await bench.secure(old)


async def test_a_refused_certificate_is_named_in_the_audit_trail(trusting: Bench) -> None:
    stranger = pki.client("stranger")
    with refused(Codes.BadSecurityChecksFailed):
        await trusting.secure(stranger)
    row = trusting.audit("open_channel")[-1]
    assert row["certificate"] == "CN=stranger"
    assert row["sha256"] == f"sha256:{stranger.fingerprint(hashes.SHA256()).hex()}"
