"""Modbus/TCP Security: mutual TLS, roles in certificates."""

import asyncio
import contextlib
import datetime as dt
import shutil
import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulators.devices.modbus_plc import pki
from simulators.errors import InputError, StartError
from tests.simulators.devices.modbus_plc.rig import SECURE_PORT, Raw, Rig, frame, raw, read, running
from tests.waiting import eventually

SECURE = """
security:
  generate: true
  roles:
    Operator: [{access: read}]
    Engineer:
      - {access: read}
      - {functions: [6, 16], ranges: [{table: holding_register, first: 1024, last: 1028}]}
"""
WRITE = bytes.fromhex("0604000009")
WRITE_ELSEWHERE = bytes.fromhex("060000000a")
NOW = dt.datetime.now(dt.UTC)


def tls(pki_folder: Path, client: str | None, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's settings; the server must be `plc1` of the lab's authority."""
    context = ssl.create_default_context(cafile=pki_folder / "ca.pem")
    if newest is not None:
        with warnings.catch_warnings():  # old versions are deprecated, and that is the point
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    if client:
        context.load_cert_chain(pki_folder / f"{client}.pem", pki_folder / f"{client}.key")
    return context


@contextlib.asynccontextmanager
async def secure(rig: Rig, settings: ssl.SSLContext) -> AsyncIterator[Raw]:
    host, port = rig.place(SECURE_PORT)
    reader, writer = await asyncio.open_connection(host, port, ssl=settings, server_hostname="127.0.0.1")
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def attempt(rig: Rig, settings: ssl.SSLContext) -> str:
    """How a session that should not be served ends."""
    try:
        async with secure(rig, settings) as wire:
            await wire.ask(read(4, 0, 1))
    except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
        return "refused"
    return "served"


@pytest.mark.parametrize(
    ("client", "answers"),
    [
        ("client-Engineer", {read(4, 0, 1): 0, WRITE: 0, WRITE_ELSEWHERE: 2, bytes.fromhex("050000ff00"): 1}),
        ("client-Operator", {read(4, 0, 1): 0, WRITE: 1, WRITE_ELSEWHERE: 1}),
        ("client", {read(4, 0, 1): 1, WRITE: 1}),
    ],
)
async def test_a_role_may_do_what_it_is_granted(
    tmp_path: Path, client: str, answers: dict[bytes, int]
) -> None:
    async with running(tmp_path, SECURE) as rig, secure(rig, tls(rig.folder / "pki", client)) as wire:
        for pdu, code in answers.items():
            answer = await wire.ask(pdu)
            assert answer[0] == pdu[0] if code == 0 else answer == bytes((pdu[0] | 0x80, code))
        role = client.partition("-")[2]
        assert rig.log.events("connection_opened")[0]["role"] == role
        assert all(event["role"] == role for event in rig.log.events("request_denied"))


async def test_pipelined_requests_in_one_record_are_all_answered(tmp_path: Path) -> None:
    async with (
        running(tmp_path, SECURE) as rig,
        secure(rig, tls(rig.folder / "pki", "client-Operator")) as wire,
    ):
        wire.send(*(frame(number, read(4, 0, 1)) for number in range(50)))
        assert [(await wire.receive())[0] for _ in range(50)] == list(range(50))


async def test_without_a_certificate_of_the_authority_nothing_is_served(tmp_path: Path) -> None:
    async with running(tmp_path, SECURE) as rig:
        folder = rig.folder / "pki"
        pki.ensure(tmp_path / "rogue", "rogue", ["127.0.0.1"], ["Engineer"], NOW)
        rogue = tmp_path / "rogue" / "client-Engineer"
        for suffix in (".pem", ".key"):
            shutil.copy(rogue.with_suffix(suffix), folder / f"rogue{suffix}")
        assert await attempt(rig, tls(folder, "client-Engineer")) == "served"
        assert await attempt(rig, tls(folder, None)) == "refused"
        assert await attempt(rig, tls(folder, "rogue")) == "refused"
        assert await attempt(rig, tls(folder, "client-Engineer", ssl.TLSVersion.TLSv1_1)) == "refused"
        await eventually(lambda: len(rig.log.events("tls_refused")) == 3)
        host, port = rig.place(SECURE_PORT)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(frame(1, read(4, 0, 1)))
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 3) in {
                b"",
                b"\x15\x03\x01\x00\x02\x02\x46",
                b"\x15\x03\x03\x00\x02\x02\x46",
            }
        writer.close()
        assert await attempt(rig, tls(folder, "client-Operator")) == "served"


async def test_the_clear_port_is_kept_or_closed(tmp_path: Path) -> None:
    async with running(tmp_path / "open", SECURE) as rig, raw(rig) as wire:
        assert len(await wire.ask(read(4, 0, 1))) == 4
    async with running(tmp_path / "closed", SECURE + "  clear_port: closed") as rig:
        with pytest.raises(ConnectionRefusedError):
            async with raw(rig):
                pass
        assert await attempt(rig, tls(rig.folder / "pki", "client-Operator")) == "served"


async def test_the_allow_list_holds_inside_tls_too(tmp_path: Path) -> None:
    text = SECURE + "allow: [{peer: 127.0.0.1, functions: [3]}]"
    async with (
        running(tmp_path, text) as rig,
        secure(rig, tls(rig.folder / "pki", "client-Engineer")) as wire,
    ):
        assert (await wire.ask(read(3, 1024, 1)))[0] == 3
        assert await wire.ask(read(4, 0, 1)) == b"\x84\x01"


async def test_certificates_outlive_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, SECURE) as rig:
        before = {path.name: path.read_bytes() for path in (rig.folder / "pki").iterdir()}
        await rig.device.stop()
        await rig.device.start()
        assert {path.name: path.read_bytes() for path in (rig.folder / "pki").iterdir()} == before
        assert {path.stat().st_mode & 0o077 for path in (rig.folder / "pki").glob("*.key")} == {0}


async def test_absent_certificates_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"security\.certificate.*server\.pem.*generate: true") as caught:
        Rig(tmp_path, "security: {}")
    assert str(tmp_path) not in caught.value.text.en


async def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    async with running(tmp_path, SECURE) as rig:
        await rig.device.stop()
        (rig.folder / "pki" / "server.pem").write_text("not a certificate")
        with pytest.raises(StartError, match=r"server\.pem"):
            await rig.device.start()
        assert rig.device.health().state == "stopped"


@pytest.mark.parametrize("data", [None, b"", b"\x30\x03\x02\x01\x05", bytes(200)])
def test_what_is_no_certificate_states_no_role(data: bytes | None) -> None:
    assert pki.role_of(data) is None


async def test_a_client_that_never_shakes_hands_holds_no_one_up(tmp_path: Path) -> None:
    async with running(tmp_path, SECURE) as rig:
        host, port = rig.place(SECURE_PORT)
        silent = [await asyncio.open_connection(host, port) for _ in range(40)]
        assert await attempt(rig, tls(rig.folder / "pki", "client-Operator")) == "served"
        await rig.device.stop()
        for _, writer in silent:
            writer.close()
