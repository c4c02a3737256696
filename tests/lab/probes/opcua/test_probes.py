"""Each probe against the real device, weak and hard: it must tell them apart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lab.probes.contract import Exchange, Finding, probes
from lab.probes.opcua import certificates, wire
from tests.lab.probes.opcua.place import HARD, SECURE, SITE, USERS, WEAK, look
from tests.simulators.devices.opcua_plc.bench import Bench, served

SCADA = USERS["scada"]
TRUSTED = {"policy": SECURE, "site": SITE}
ALL_FLAWS = len(certificates.FLAWS)


@pytest.fixture
async def hard(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(HARD, tmp_path) as bench:
        yield bench


@pytest.fixture
async def weak(tmp_path: Path) -> AsyncIterator[Bench]:
    async with served(WEAK, tmp_path) as bench:
        yield bench


def answers(finding: Finding) -> list[str]:
    return [exchange.answer for exchange in finding.exchanges]


async def test_endpoints_of_a_weak_server(weak: Bench) -> None:
    seen = await look(weak, "opcua.endpoints")
    assert seen.observed == "weak"
    assert (seen.figures["none"], seen.figures["anonymous"], seen.figures["clear_passwords"]) == (1, 1, 1)


async def test_endpoints_of_a_hard_server(hard: Bench) -> None:
    seen = await look(hard, "opcua.endpoints")
    assert seen.observed == "strong"
    assert (seen.figures["none"], seen.figures["anonymous"], seen.figures["key_bits"]) == (0, 0, 2048)
    assert Exchange("advertised", "Basic256Sha256 SignAndEncrypt: UserName") in seen.exchanges


@pytest.mark.parametrize("policy", ["Basic128Rsa15_Sign", "Basic256_SignAndEncrypt"])
async def test_a_withdrawn_policy_is_weak(tmp_path: Path, policy: str) -> None:
    async with served(HARD.replace(SECURE, policy), tmp_path) as bench:
        seen = await look(bench, "opcua.endpoints")
        assert (seen.observed, seen.figures["deprecated"]) == ("weak", 1)


async def test_an_ordinary_client_comes_in_where_it_may(weak: Bench) -> None:
    assert (await look(weak, "opcua.session")).observed == "accepted"
    assert (await look(weak, "opcua.session", user="admin", password="admin")).observed == "accepted"
    seen = await look(weak, "opcua.session", user="admin", password="guess")
    assert seen.observed == "rejected"
    assert seen.said.en == "None, admin: refused by the server (BadUserAccessDenied)"
    seen = await look(weak, "opcua.session", policy=SECURE, user="admin")
    assert seen.observed == "not_offered"
    assert seen.said.fr == f"{SECURE}, connexion par mot de passe : le serveur ne l'offre pas"


async def test_an_ordinary_client_gives_up_of_itself_where_the_raw_one_asks(hard: Bench) -> None:
    seen = await look(hard, "opcua.session")
    assert seen.observed == "not_offered"
    assert (await look(hard, "opcua.session", **TRUSTED, **USERS["run"])).observed == "accepted"
    seen = await look(hard, "opcua.raw_session", policy="None", identities=[{}, USERS["run"]])
    assert (seen.observed, seen.figures) == ("rejected", {"tried": 2, "accepted": 0})
    assert answers(seen).count("BadSecurityPolicyRejected") == 2


async def test_a_raw_session_finds_what_is_not_advertised(tmp_path: Path) -> None:
    """Advertised is not enforced: here the server hides an endpoint that it still serves."""
    async with served(WEAK, tmp_path) as bench:
        server = bench.device._server
        assert server is not None
        server.endpoints = []
        assert (await look(bench, "opcua.session")).observed == "not_offered"
        seen = await look(bench, "opcua.raw_session", policy="None", identities=[{}])
        assert seen.observed == "accepted"


async def test_one_identity_that_comes_in_is_enough(weak: Bench) -> None:
    tries = [{"user": "admin", "password": "guess"}, {"user": "admin", "password": "admin"}]
    seen = await look(weak, "opcua.raw_session", policy="None", identities=tries)
    assert (seen.observed, seen.figures) == ("accepted", {"tried": 2, "accepted": 1})
    assert seen.said.fr == "None, admin : session ouverte"
    tries = [{"user": "admin", "password": "guess"}, {}]
    seen = await look(weak, "opcua.raw_session", policy="None", identities=tries)
    assert seen.said.en == "None, anonymous: session opened"


@pytest.mark.parametrize(
    "policy", ["Basic256Sha256_Sign", "Aes256Sha256RsaPss_SignAndEncrypt", "Basic256_Sign"]
)
async def test_an_unadvertised_policy_is_asked_for_all_the_same(hard: Bench, policy: str) -> None:
    seen = await look(hard, "opcua.raw_session", policy=policy, site=SITE, identities=[USERS["run"]])
    assert seen.observed == "rejected"
    assert answers(seen)[-1] in ("BadSecurityModeRejected", "BadSecurityPolicyRejected")


async def test_a_server_without_a_certificate_offers_no_secure_channel(weak: Bench) -> None:
    seen = await look(weak, "opcua.raw_session", policy=SECURE, identities=[{}])
    assert seen.observed == "not_offered"
    assert seen.said.en == (
        f"{SECURE}: the server presents no certificate, so that no secure channel can be opened"
    )


async def test_no_password_is_in_the_evidence(hard: Bench, weak: Bench) -> None:
    for bench, way in ((hard, TRUSTED), (weak, {})):
        for user in (USERS["run"], {"user": "run", "password": "a-wrong-secret"}):
            seen = await look(bench, "opcua.session", **way, **user)
            assert user["password"] not in str(seen)


async def test_bad_certificates_are_refused_by_an_enforced_trust_list(hard: Bench) -> None:
    seen = await look(hard, "opcua.certificates", site=SITE, **USERS["run"])
    assert seen.observed == "enforced", seen
    assert seen.figures == {"bad_accepted": 0, "bad_refused": ALL_FLAWS, "trusted_accepted": 1}
    said = {exchange.request: exchange.answer for exchange in seen.exchanges}
    assert said["certificate expired"] == "BadCertificateTimeInvalid"
    assert said["certificate revoked"] == "BadCertificateRevoked"
    assert said["certificate wrong_uri"] == "BadCertificateUriInvalid"
    assert said["certificate weak_key"] == "BadCertificatePolicyCheckFailed"
    assert (
        said["certificate self_signed"] == said["certificate unknown_authority"] == "BadSecurityChecksFailed"
    )


async def test_a_trust_list_that_accepts_any_is_lax(tmp_path: Path) -> None:
    async with served(HARD.replace("mode: enforced", "mode: accept_any"), tmp_path) as bench:
        seen = await look(bench, "opcua.certificates", site=SITE, **USERS["run"])
        assert (seen.observed, seen.figures["bad_accepted"]) == ("lax", ALL_FLAWS)
        assert "auto-signé, d'une autorité inconnue, périmé" in seen.said.fr


async def test_a_trust_list_without_its_revocations_lets_the_stolen_one_in(tmp_path: Path) -> None:
    text = HARD.partition("  revoked:")[0] + "lockout" + HARD.partition("\nlockout")[2]
    async with served(text, tmp_path) as bench:
        seen = await look(bench, "opcua.certificates", site=SITE, **USERS["run"])
        assert seen.observed == "lax"
        assert "revoked" in seen.said.en
        assert seen.figures["bad_accepted"] == 1


async def test_a_trust_list_that_refuses_everybody_is_no_success(tmp_path: Path) -> None:
    async with served(HARD, tmp_path) as bench:
        seen = await look(bench, "opcua.certificates", site="another site", **USERS["run"])
        assert (seen.observed, seen.figures["trusted_accepted"]) == ("all_refused", 0)


@pytest.mark.parametrize("flaws", [["self_signed"], ["self_signed", "expired", "revoked"]])
async def test_a_server_that_falls_over_on_a_bad_certificate_refuses_nothing(
    hard: Bench, monkeypatch: pytest.MonkeyPatch, flaws: list[str]
) -> None:
    server, binary = hard.device._server, hard.device._binary
    assert server is not None
    assert binary is not None
    judge = server.trust.check_client

    def fall_over(der: bytes | None) -> None:
        try:
            judge(der)
        except Exception:
            assert binary._server is not None
            binary._server.close()
            raise

    monkeypatch.setattr(server.trust, "check_client", fall_over)
    seen = await look(hard, "opcua.certificates", site=SITE, flaws=flaws, **USERS["run"])
    assert seen.observed == "unreachable"


@pytest.mark.parametrize("action", ["read", "write", "subscribe"])
async def test_one_operation_by_role(hard: Bench, weak: Bench, action: str) -> None:
    name = f"opcua.{action}"
    secret = {"tag": "Secret.Recipe"}
    assert (await look(weak, name, **USERS["watch"], **secret)).observed == "allowed"
    assert (await look(hard, name, **TRUSTED, **USERS["build"], **secret)).observed == "allowed"
    seen = await look(hard, name, **TRUSTED, **USERS["watch"], **secret)
    assert seen.observed == ("not_proven" if action == "write" else "denied")
    assert (await look(hard, name, **TRUSTED, user="watch", password="no", **secret)).observed == "rejected"


async def test_a_write_puts_the_same_value_back(hard: Bench) -> None:
    hard.plc.write("%MD0", 330.0)
    hard.device.publish(0.0)
    tag = {"tag": "Filler.SetPoint"}
    assert (await look(hard, "opcua.write", **TRUSTED, **USERS["run"], **tag)).observed == "allowed"
    assert (await look(hard, "opcua.write", **TRUSTED, **USERS["watch"], **tag)).observed == "denied"
    assert hard.cell("%MD0") == 330.0
    assert [row["value"] for row in hard.audit("write")] == [330.0, 330.0]


async def test_an_undeclared_tag_is_not_written(hard: Bench, weak: Bench) -> None:
    tag = {"tag": "Filler.Valve"}
    assert (await look(weak, "opcua.write", **tag)).observed == "allowed"
    assert (await look(hard, "opcua.write", **TRUSTED, **USERS["build"], **tag)).observed == "denied"


async def test_a_method_by_role_and_nothing_happens(hard: Bench, weak: Bench) -> None:
    for method in ("SetMode", "Restart", "AcknowledgeFault"):
        assert (await look(weak, "opcua.call", method=method)).observed == "allowed"
        assert (
            await look(hard, "opcua.call", **TRUSTED, **USERS["build"], method=method)
        ).observed == "allowed"
        assert (
            await look(hard, "opcua.call", **TRUSTED, **USERS["watch"], method=method)
        ).observed == "denied"
    assert hard.plc.mode == weak.plc.mode == "RUN"
    assert (
        await look(hard, "opcua.call", **TRUSTED, **USERS["build"], method="NoSuch")
    ).observed == "not_proven"


MATRIX: list[dict[str, Any]] = [
    {**USERS["watch"], "may": ["read Tank.Level", "subscribe Tank.Level"],
     "may_not": ["read Secret.Recipe", "subscribe Secret.Recipe", "write Filler.SetPoint", "write Secret.Recipe", "call SetMode"]},
    {**USERS["run"], "may": ["write Filler.SetPoint", "call AcknowledgeFault"], "may_not": ["call SetMode", "write Secret.Recipe"]},
    {**USERS["build"], "may": ["write Secret.Recipe", "subscribe Secret.Recipe", "call SetMode"], "may_not": ["write Filler.Valve"]},
]  # fmt: skip


async def test_the_role_matrix(hard: Bench) -> None:
    seen = await look(hard, "opcua.role_matrix", **TRUSTED, rows=MATRIX)
    assert (seen.observed, seen.figures) == (
        "as_asked",
        {"right": 15, "excess": 0, "missing": 0, "unproven": 0},
    )


async def test_flat_roles_are_too_wide(tmp_path: Path) -> None:
    flat = HARD.replace("observer", "engineer").replace("role: operator", "role: engineer")
    async with served(flat, tmp_path) as bench:
        seen = await look(bench, "opcua.role_matrix", **TRUSTED, rows=MATRIX)
        assert (seen.observed, seen.figures["excess"]) == ("too_wide", 7)
        assert "watch: read Secret.Recipe" in seen.said.en


async def test_a_subscription_that_leaks_is_found(hard: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the library's own server does: reads are refused, samples are not."""
    from simulators.devices.opcua_plc.session import HardenedSession

    def leaking(session: HardenedSession, wanted: Any) -> Any:
        return session.server.aspace.read_attribute_value(wanted.NodeId, wanted.AttributeId)

    async def refusing(session: HardenedSession, params: Any) -> Any:
        from simulators.devices.opcua_plc.attributes import read

        return [read(session, wanted) for wanted in params.NodesToRead]

    monkeypatch.setattr(HardenedSession, "read_one", leaking)
    monkeypatch.setattr(HardenedSession, "read", refusing)
    seen = await look(hard, "opcua.role_matrix", **TRUSTED, rows=MATRIX)
    assert (seen.observed, seen.figures["excess"]) == ("too_wide", 1)
    assert "watch: subscribe Secret.Recipe" in seen.said.en


async def test_a_role_that_may_nothing_is_too_narrow(tmp_path: Path) -> None:
    text = HARD.replace("role: engineer", "role: security_admin")
    async with served(text, tmp_path) as bench:
        seen = await look(bench, "opcua.role_matrix", **TRUSTED, rows=MATRIX)
        assert seen.observed == "too_narrow"
        assert "build: call SetMode" in seen.said.en
        rows = [{"user": "watch", "password": "no"}]
        assert (await look(bench, "opcua.role_matrix", **TRUSTED, rows=rows)).observed == "rejected"


LOCKOUT: dict[str, Any] = {"account": USERS["run"], "essential": SCADA, "attempts": 3}


async def test_a_lock_out_that_spares_the_process(hard: Bench) -> None:
    seen = await look(hard, "opcua.lockout", **TRUSTED, **LOCKOUT)
    assert (seen.observed, seen.figures) == ("locked", {"wrong_passwords": 6})
    again = await look(hard, "opcua.lockout", **TRUSTED, **LOCKOUT)
    assert again.observed == "locked", "a second look within the window says the same"


async def test_no_lock_out(tmp_path: Path) -> None:
    async with served(HARD.replace("{attempts: 3, window_s: 60}", "null"), tmp_path) as bench:
        assert (await look(bench, "opcua.lockout", **TRUSTED, **LOCKOUT)).observed == "not_locked"


async def test_a_lock_out_that_the_process_suffers(tmp_path: Path) -> None:
    async with served(HARD.replace(", essential: true", ""), tmp_path) as bench:
        assert (await look(bench, "opcua.lockout", **TRUSTED, **LOCKOUT)).observed == "essential_locked"
        assert (await look(bench, "opcua.lockout", **TRUSTED, **LOCKOUT)).observed == "essential_refused"


async def test_a_server_that_takes_any_password(hard: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def right(*_args: Any) -> bool:
        return True

    server = hard.device._server
    assert server is not None
    monkeypatch.setattr(server.gate, "_right", right)
    assert (await look(hard, "opcua.lockout", **TRUSTED, **LOCKOUT)).observed == "any_password"


ZONE_PROBES: dict[str, dict[str, Any]] = {
    "opcua.endpoints": {},
    "opcua.session": {},
    "opcua.raw_session": {"policy": "None", "identities": [{}]},
    "opcua.certificates": {"site": SITE},
    "opcua.read": {"tag": "Tank.Level"},
    "opcua.write": {"tag": "Tank.Level"},
    "opcua.subscribe": {"tag": "Tank.Level"},
    "opcua.call": {"method": "SetMode"},
    "opcua.role_matrix": {"policy": "None", "rows": [{"may": ["read Tank.Level"]}]},
    "opcua.lockout": {"policy": "None", "account": USERS["run"], "essential": SCADA},
}


def test_every_probe_of_a_zone_is_tried_on_a_dead_server() -> None:
    mine = {name for name, one in probes().items() if name.startswith("opcua.") and one.place == "zone"}
    assert mine == set(ZONE_PROBES)


@pytest.mark.parametrize("name", ZONE_PROBES)
async def test_a_server_that_says_nothing_is_silent_and_one_that_is_gone_unreachable(
    weak: Bench, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_S", 0.15)
    kept: list[asyncio.StreamWriter] = []
    deaf = await asyncio.start_server(lambda _reader, writer: kept.append(writer), "127.0.0.1", 0)
    asked = {**ZONE_PROBES[name], "port": deaf.sockets[0].getsockname()[1]}
    async with asyncio.timeout(3):
        assert (await look(weak, name, **asked)).observed == "silent"
    for writer in kept:
        writer.transport.abort()
    deaf.close()
    await deaf.wait_closed()
    assert (await look(weak, name, **asked)).observed == "unreachable"


async def test_a_server_that_hangs_up_refuses_without_a_word(weak: Bench) -> None:
    def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    rude = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = rude.sockets[0].getsockname()[1]
    assert (await look(weak, "opcua.session", port=port)).observed == "closed"
    rude.close()
    await rude.wait_closed()
