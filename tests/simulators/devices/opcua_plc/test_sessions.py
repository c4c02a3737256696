"""Sessions and identities: tokens, take-over, passwords, certificates, caps."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.crypto import uacrypto
from asyncua.ua.status_codes import StatusCodes as Codes

from simulators.devices.opcua_plc import passwords
from simulators.devices.opcua_plc.names import secret_id, standard
from tests.simulators.devices.opcua_plc import pki
from tests.simulators.devices.opcua_plc.bench import HARD, LEVEL, OPEN, SET_POINT, Bench, served
from tests.simulators.devices.opcua_plc.raw import MODE, Raw, refused
from tests.simulators.devices.opcua_plc.test_channels import CA, indented
from tests.waiting import eventually

FLOAT = ua.VariantType.Float
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(OPEN, tmp_path) as bench:
        yield bench


@pytest.fixture
async def hard(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(HARD, tmp_path) as bench:
        yield bench


async def test_tokens_and_session_numbers_are_random(bench: Bench) -> None:
    made = [await (await bench.open()).create_session() for _ in range(3)]
    tokens = [one.AuthenticationToken.Identifier for one in made]
    assert all(isinstance(token, bytes) and len(token) == 32 for token in tokens)
    assert len(set(tokens)) == 3
    numbers = sorted(one.SessionId.Identifier for one in made)
    assert numbers[2] - numbers[0] > 1000


async def test_a_stolen_token_is_worth_nothing_on_another_channel(bench: Bench) -> None:
    victim = await bench.session("build")
    thief = await bench.open()
    with refused(Codes.BadSessionIdInvalid, by="fault"):
        await thief.write(SET_POINT, 300.0, FLOAT, victim.token)
    with refused(Codes.BadSessionIdInvalid, by="fault"):
        await thief.activate(thief.user("run", "wrong"), session=victim.token)
    with refused(Codes.BadSessionIdInvalid, by="fault"):
        await thief.activate(thief.user("run", "run-pass"), session=victim.token)
    with refused(Codes.BadSessionIdInvalid, by="fault"):
        await thief.write(SET_POINT, 300.0, FLOAT, victim.token)
    assert bench.cell("%MD0") == 0.0
    assert await victim.write(SET_POINT, 301.0, FLOAT) == 0, "the victim works on"


async def test_a_request_needs_its_own_token_even_on_its_own_channel(bench: Bench) -> None:
    raw = await bench.session("build")
    for token in (ua.NodeId(), standard(1001), secret_id(bytes(32))):
        with refused(Codes.BadSessionIdInvalid, by="fault"):
            await raw.write(SET_POINT, 300.0, FLOAT, token)


async def test_a_failed_activation_leaves_the_session_as_it_was(bench: Bench) -> None:
    raw = await bench.session("run")
    with refused(Codes.BadUserAccessDenied, by="fault"):
        await raw.activate(raw.user("build", "wrong"))
    assert await raw.write(SET_POINT, 300.0, FLOAT) == 0, "still the operator"
    fresh = await bench.open()
    await fresh.create_session()
    with refused(Codes.BadUserAccessDenied, by="fault"):
        await fresh.activate(fresh.user("build", "wrong"))
    with refused(Codes.BadSessionNotActivated, by="fault"):
        await fresh.read(LEVEL)


async def test_nothing_is_served_before_activation(bench: Bench) -> None:
    raw = await bench.open()
    with refused(Codes.BadSessionIdInvalid, by="fault"):
        await raw.read(LEVEL)
    await raw.create_session()
    for request in (ua.ReadRequest(), ua.BrowseRequest(), ua.CallRequest(), ua.CreateSubscriptionRequest()):
        with refused(Codes.BadSessionNotActivated, by="fault"):
            await raw.ask(request)


async def test_a_session_ends_with_its_channel(bench: Bench) -> None:
    raw = await bench.session("build")
    await raw.subscribe()
    assert bench.device.health().figures["sessions"] == 1
    await raw.close()
    await eventually(lambda: bench.device.health().figures["sessions"] == 0)
    assert bench.device.health().figures["subscriptions"] == 0


@pytest.mark.parametrize("name", ["admin", "Admin", "root", "run ", "", "anonymous", "x" * 5000])
@pytest.mark.parametrize("password", ["", "admin", "run-pass"])
async def test_no_account_comes_with_the_server(bench: Bench, name: str, password: str) -> None:
    raw = await bench.open()
    await raw.create_session()
    with refused(Codes.BadUserAccessDenied, by="fault"):
        await raw.activate(raw.user(name, password))


async def test_the_weak_default_has_its_famous_account_and_anonymous_engineers(tmp_path: Path) -> None:
    async with served("", tmp_path) as bench:
        raw = await bench.open()
        await raw.log_in("admin", "admin")
        assert await raw.write(SET_POINT, 1e6, FLOAT) == 0, "and checks no range"
        anonymous = await bench.session()
        assert await anonymous.write(SET_POINT, 2.0, FLOAT) == 0
        other = await bench.open()
        await other.create_session()
        with refused(Codes.BadUserAccessDenied):
            await other.activate(other.user("admin", "anything"))


async def test_anonymous_comes_in_only_when_configured(hard: Bench) -> None:
    for token in (ua.AnonymousIdentityToken(), ua.ExtensionObject()):
        raw = await hard.secure()
        await raw.create_session()
        with refused(Codes.BadIdentityTokenRejected, by="fault"):
            await raw.activate(token)


async def test_an_unknown_kind_of_token_is_not_anonymous(bench: Bench) -> None:
    raw = await bench.open()
    await raw.create_session()
    unknown = ua.ExtensionObject(standard(99_999), ua.ByteString(b"x"))
    for token in (ua.IssuedIdentityToken(), ua.Range(0, 1), unknown):
        with refused(Codes.BadIdentityTokenRejected, by="fault"):
            await raw.activate(token)


async def test_a_password_in_clear_is_refused_unless_configured(tmp_path: Path) -> None:
    text = OPEN.replace("  clear_passwords: true\n", "")
    async with served(text, tmp_path) as bench:
        raw = await bench.open()
        endpoints = (await raw.ask(ua.GetEndpointsRequest())).Endpoints
        assert [t.TokenType for t in endpoints[0].UserIdentityTokens] == [ua.UserTokenType.Anonymous]
        await raw.create_session()
        with refused(Codes.BadIdentityTokenRejected, by="fault"):
            await raw.activate(raw.user("run", "run-pass"))


async def test_a_signed_channel_hides_no_password_so_it_must_be_ciphered(tmp_path: Path) -> None:
    async with served(HARD.replace("_SignAndEncrypt", "_Sign"), tmp_path) as bench:
        raw = await bench.secure(mode=MODE.Sign)
        await raw.create_session()
        clear = raw.user("run", "run-pass")
        clear.Password, clear.EncryptionAlgorithm = ua.ByteString(b"run-pass"), None
        with refused(Codes.BadIdentityTokenRejected, by="fault"):
            await raw.activate(clear)


async def test_a_captured_password_token_cannot_be_replayed(hard: Bench) -> None:
    raw = await hard.secure()
    await raw.create_session()
    with refused(Codes.BadIdentityTokenInvalid, by="fault"):
        await raw.activate(raw.user("run", "run-pass", nonce=bytes(32)))
    await raw.activate(raw.user("run", "run-pass"))


@pytest.mark.parametrize("algorithm", ["http://www.w3.org/2001/04/xmlenc#rsa-1_5", "none", "x" * 1000])
async def test_a_cipher_that_is_not_offered_is_refused(hard: Bench, algorithm: str) -> None:
    raw = await hard.secure()
    await raw.create_session()
    token = raw.user("run", "run-pass")
    token.EncryptionAlgorithm = ua.String(algorithm)
    with refused(Codes.BadIdentityTokenRejected, by="fault"):
        await raw.activate(token)


async def test_a_password_may_be_kept_as_a_salted_hash(tmp_path: Path) -> None:
    stored = passwords.hash_password("correct horse")
    assert stored != passwords.hash_password("correct horse"), "salted"
    text = OPEN.replace("password: run-pass", f"password_hash: {stored}")
    async with served(text, tmp_path) as bench:
        raw = await bench.open()
        await raw.log_in("run", "correct horse")
        for name, password in (("run", "wrong horse"), ("run", ""), ("nobody", "correct horse")):
            other = await bench.open()
            await other.create_session()
            with refused(Codes.BadUserAccessDenied):
                await other.activate(other.user(name, password))


PERSON = pki.client("maintenance", number=3)


def people(*more: str) -> str:
    text = HARD.replace("  users:\n", f"  certificates:\n    - name: maintenance\n      role: engineer\n      certificate: |\n{indented(pki.pem(PERSON)).replace('      ', '        ')}  users:\n")  # fmt: skip
    return text + "".join(more)


def signed(
    raw: Raw, certificate: Any = PERSON, nonce: bytes | None = None, number: int = 3
) -> tuple[Any, Any]:
    token = ua.X509IdentityToken()
    token.PolicyId, token.CertificateData = ua.String("certificate"), ua.ByteString(pki.der(certificate))
    data = raw.server_certificate + (raw.nonce if nonce is None else nonce)
    signature = ua.SignatureData()
    signature.Algorithm = ua.String(RSA_SHA256)
    signature.Signature = ua.ByteString(uacrypto.sign_sha256(pki.key(number=number), data))  # type: ignore[no-untyped-call]
    return token, signature


async def test_a_certificate_is_an_identity(tmp_path: Path) -> None:
    async with served(people(), tmp_path) as bench:
        raw = await bench.secure()
        await raw.create_session()
        await raw.activate(*signed(raw))
        assert await raw.write(SET_POINT, 300.0, FLOAT) == 0
        assert bench.audit("activate_session")[-1]["user"] == "maintenance"


@pytest.mark.parametrize(
    "what", ["another's key", "old nonce", "unknown person", "no signature", "weak algorithm"]
)
async def test_a_certificate_without_its_proof_is_no_identity(tmp_path: Path, what: str) -> None:
    async with served(people(), tmp_path) as bench:
        raw = await bench.secure()
        await raw.create_session()
        token, signature = signed(raw)
        if what == "another's key":
            token, signature = signed(raw, number=4)
        elif what == "old nonce":
            token, signature = signed(raw, nonce=bytes(32))
        elif what == "unknown person":
            token, signature = signed(raw, pki.client("stranger", number=3))
        elif what == "no signature":
            signature = None
        else:
            signature.Algorithm = ua.String("http://www.w3.org/2000/09/xmldsig#rsa-sha1")
            data = raw.server_certificate + raw.nonce
            signature.Signature = ua.ByteString(uacrypto.sign_sha1(pki.key(number=3), data))  # type: ignore[no-untyped-call]
        with refused(Codes.BadUserSignatureInvalid, Codes.BadIdentityTokenRejected, by="fault"):
            await raw.activate(token, signature)


async def test_a_revoked_persons_certificate_is_refused(tmp_path: Path) -> None:
    text = people().replace(
        "trust_list: {mode: accept_any}",
        f"trust_list:\n  mode: accept_any\n  trusted:\n    - |\n{indented(pki.pem(CA))}  revoked:\n    - |\n{indented(pki.pem(PERSON))}",
    )
    async with served(text, tmp_path) as bench:
        raw = await bench.secure()
        await raw.create_session()
        with refused(Codes.BadCertificateRevoked, by="fault"):
            await raw.activate(*signed(raw))


async def test_sessions_are_capped_in_all_and_by_user(tmp_path: Path) -> None:
    async with served(OPEN + "sessions: {total: 4, per_user: 2}\n", tmp_path) as bench:
        for user in ("run", "run"):
            await bench.session(user)
        third = await bench.open()
        await third.create_session()
        with refused(Codes.BadTooManySessions, by="fault"):
            await third.activate(third.user("run", "run-pass"))
        await bench.session("build")
        full = await bench.open()
        with refused(Codes.BadTooManySessions, by="fault"):
            await full.create_session()
        await third.close()
        await eventually(lambda: bench.device.health().figures["sessions"] == 3)
        await full.create_session()


async def test_a_channel_has_one_session(bench: Bench) -> None:
    raw = await bench.session("run")
    with refused(Codes.BadTooManySessions, by="fault"):
        await raw.create_session()
    await raw.ask(ua.CloseSessionRequest())
    with refused(Codes.BadSessionClosed, by="fault"):
        await raw.read(LEVEL)
    await raw.log_in("build", "build-pass")


async def test_connections_are_capped_by_address_so_that_others_still_come_in(tmp_path: Path) -> None:
    async with served(OPEN + "sessions: {connections: 8, connections_per_address: 3}\n", tmp_path) as bench:
        for _ in range(3):
            await bench.raw("127.0.0.9")
        with refused(by="closed"):
            await bench.raw("127.0.0.9")
        await bench.session("scada", "127.0.0.7")


async def test_the_idle_time_is_the_servers(tmp_path: Path) -> None:
    async with served(OPEN + "sessions: {timeout_s: 30}\n", tmp_path) as bench:
        assert (await (await bench.open()).create_session()).RevisedSessionTimeout == 30_000


async def test_a_client_that_only_reads_stays_and_one_that_is_silent_goes(tmp_path: Path) -> None:
    async with served(OPEN + "sessions: {timeout_s: 1}\n", tmp_path) as bench:
        reader, silent = await bench.session("build"), await bench.session("run")
        begun = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < begun + 2.5:
            assert (await reader.read(LEVEL)).Value is not None
            await asyncio.sleep(0.2)
        with refused(Codes.BadSessionClosed, by="fault"):
            await silent.read(LEVEL)


async def test_many_log_ins_at_once_do_not_hold_the_loop(tmp_path: Path) -> None:
    stored = passwords.hash_password("slow")
    async with served(OPEN.replace("password: run-pass", f"password_hash: {stored}"), tmp_path) as bench:
        late = []

        async def tick() -> None:
            loop = asyncio.get_running_loop()
            while True:
                due = loop.time() + 0.005
                await asyncio.sleep(0.005)
                late.append(loop.time() - due)

        ticking = asyncio.create_task(tick())

        async def attempt(number: int) -> None:
            raw = await bench.open(f"127.0.1.{number}")
            await raw.create_session()
            with refused(Codes.BadUserAccessDenied):
                await raw.activate(raw.user("run", "wrong"))

        await asyncio.gather(*(attempt(number) for number in range(1, 7)))
        ticking.cancel()
        assert sorted(late)[len(late) * 9 // 10] < 0.02, "a check of a password held the loop"


async def test_it_stops_with_clients_inside_and_leaves_nothing_running(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with served(OPEN, tmp_path) as bench:
        for user in ("run", "watch", None):
            raw = await bench.session(user)
            await raw.subscribe(50)
        await bench.raw(greet=False)
        await bench.device.stop()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        await bench.device.start()
        await bench.session("run")


async def test_sessions_that_come_and_go_on_one_channel_leave_no_task(bench: Bench) -> None:
    raw = await bench.open()
    before = len(asyncio.all_tasks())
    for _ in range(20):
        await raw.log_in("run", "run-pass")
        await raw.ask(ua.CloseSessionRequest())
    await raw.log_in("run", "run-pass")
    await eventually(lambda: len(asyncio.all_tasks()) <= before + 3)
