"""Modbus probes before a real PLC on loopback: as it left the factory, hardened piece by piece, and broken."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from lab.probes import modbus
from lab.probes.contract import Finding
from lab.probes.stream import Tls
from simulators.errors import InputError, NotFoundError
from tests.fakes import FakeNetwork
from tests.lab.probes.stage import Place, answering
from tests.simulators.devices.modbus_plc.rig import ADDRESS, LINE, PORT, SECURE_PORT, Rig, running
from tests.simulators.devices.modbus_plc.test_security import SECURE

ALLOW = """
allow: [{peer: 127.0.0.1, access: read}, {peer: 127.0.0.5}]
unlisted_peer: %s
"""
WAIT_S = 0.3


def at(rig: Rig) -> Place:
    return Place(LINE, "control", rig.network)


def args(kind: Any, **more: Any) -> Any:
    return kind(device="plc1", **{"wait_s": WAIT_S, **more})


async def test_a_plc_as_delivered_serves_everybody(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.plc.write("%MD0", 72.5)
        place = at(rig)
        assert (await modbus.session(place, args(modbus.Session))).observed == "accepted"
        seen = await modbus.read(place, args(modbus.Read, tag="Pasteuriser.SetPoint"))
        assert (seen.observed, seen.figures) == ("accepted", {"value": 72.5})
        assert (
            await modbus.function(place, args(modbus.Function, function=8, data="0000abcd"))
        ).observed == "accepted"
        told = await modbus.identity(place, args(modbus.Identity))
        assert told.figures == {"objects": 3}
        assert "Usine-Ecole" in told.said.en


@pytest.mark.parametrize(
    ("tag", "value"), [("Pasteuriser.SetPoint", 80.0), ("Process.Command", 3), ("Pump.Command", True)]
)
async def test_a_write_changes_the_plc_and_puts_it_back(tmp_path: Path, tag: str, value: float) -> None:
    async with running(tmp_path) as rig:
        address = LINE.tag(tag).address
        before = rig.plc.read(address)
        seen = await modbus.write(at(rig), args(modbus.Write, tag=tag, value=value))
        assert seen.observed == "accepted"
        assert rig.plc.read(address) == before
        kept = await modbus.write(at(rig), args(modbus.Write, tag=tag, value=value, restore=False))
        assert kept.observed == "accepted"
        assert rig.plc.read(address) == value


@pytest.mark.parametrize("unlisted", ["refuse", "exception"])
async def test_an_allow_list_is_seen_from_every_side(tmp_path: Path, unlisted: str) -> None:
    async with running(tmp_path, ALLOW % unlisted) as rig:
        place = at(rig)
        assert (await modbus.read(place, args(modbus.Read, tag="Tank.Level"))).observed == "accepted"
        denied = await modbus.write(place, args(modbus.Write, tag="Process.Command"))
        assert (denied.observed, denied.figures) == ("refused", {"exception": 1})
        legitimate = await modbus.write(place, args(modbus.Write, tag="Process.Command", source="127.0.0.5"))
        assert legitimate.observed == "accepted"
        foreign = await modbus.session(place, args(modbus.Session, source="127.0.0.9"))
        assert foreign.observed == ("closed" if unlisted == "refuse" else "refused")


async def test_silence_is_no_refusal(tmp_path: Path) -> None:
    async with running(tmp_path, "unknown_unit: ignore") as rig:
        assert (await modbus.session(at(rig), args(modbus.Session, unit=9))).observed == "silent"
    async with running(tmp_path) as rig:
        refused = await modbus.session(at(rig), args(modbus.Session, unit=9))
        assert (refused.observed, refused.figures) == ("refused", {"exception": 0x0B})


async def test_an_exception_about_an_address_is_still_service(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        nothing = await modbus.read(at(rig), args(modbus.Read, table="input_register", address=60000))
        assert (nothing.observed, nothing.figures) == ("refused", {"exception": 2})


async def test_a_plc_that_is_stopped_is_unreachable(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.device.stop()
        seen = await modbus.session(at(rig), args(modbus.Session))
        assert seen.observed == "unreachable"
        assert seen.exchanges


async def test_roles_in_certificates(tmp_path: Path) -> None:
    text = SECURE + "  clear_port: closed"
    async with running(tmp_path, text) as rig:
        assert (await modbus.session(at(rig), args(modbus.Session))).observed == "unreachable"
        operator = secure(rig, "client-Operator")
        assert (
            await modbus.read(at(rig), args(modbus.Read, tag="Tank.Level", **operator))
        ).observed == "accepted"
        denied = await modbus.write(at(rig), args(modbus.Write, tag="Process.Command", **operator))
        assert (denied.observed, denied.figures) == ("refused", {"exception": 1})
        engineer = secure(rig, "client-Engineer")
        assert (
            await modbus.write(at(rig), args(modbus.Write, tag="Process.Command", **engineer))
        ).observed == "accepted"
        nobody = await modbus.session(at(rig), args(modbus.Session, wait_s=2.0, **secure(rig, None)))
        assert nobody.observed in {"tls_refused", "closed"}


def secure(rig: Rig, client: str | None) -> dict[str, Any]:
    folder = rig.folder / "pki"
    pair = [(folder / f"{client}{end}").read_text() if client else None for end in (".pem", ".key")]
    tls = Tls(ca=(folder / "ca.pem").read_text(), certificate=pair[0], key=pair[1])
    return {"port": SECURE_PORT, "tls": tls}


async def test_a_mode_register_that_is_closed(tmp_path: Path) -> None:
    async with running(tmp_path, "mode_register: read_only") as rig:
        seen = await modbus.write(at(rig), args(modbus.Write, address=30000, values=[0]))
        assert seen.observed == "refused"
        assert rig.plc.mode == "RUN"
    async with running(tmp_path) as rig:
        seen = await modbus.write(at(rig), args(modbus.Write, address=30000, values=[0], restore=False))
        assert seen.observed == "accepted"
        assert rig.plc.mode == "STOP"


async def test_a_flood_beside_a_good_client(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        seen = await modbus.flood(at(rig), args(modbus.Flood, seconds=0.6, connections=2, wait_s=3.0))
        assert seen.observed == "accepted"
        assert seen.figures["flood_per_s"] > 200
        assert seen.figures["good_answers"] >= 3
        assert seen.figures["quiet_p99_ms"] > 0
        assert seen.figures["p99_ms"] <= seen.figures["max_ms"] < 3000


async def test_a_flood_that_the_plc_limits_starves_nobody_else(tmp_path: Path) -> None:
    """Beyond its rate the flooding client is told 06; the good one, at another address, is served."""
    async with running(tmp_path, "rate_limit_per_s: 100") as rig:
        seen = await modbus.flood(
            at(rig), args(modbus.Flood, seconds=0.5, connections=1, good_source="127.0.0.5", wait_s=3.0)
        )
        assert seen.observed == "accepted"
        both = await modbus.flood(at(rig), args(modbus.Flood, seconds=0.5, connections=1, wait_s=3.0))
        assert (both.observed, both.figures) == ("refused", {"exception": 6})


# Servers that answer what no PLC should.

Answer = Callable[[int, bytes], bytes | None]


@contextlib.asynccontextmanager
async def odd(answer: Answer) -> AsyncIterator[Place]:
    """A server at the PLC's place that answers with what `answer(transaction, pdu)` gives, None to close."""
    network = FakeNetwork()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while True:
                transaction, _, length, _ = struct.unpack(">HHHB", await reader.readexactly(7))
                data = answer(transaction, await reader.readexactly(length - 1))
                if data is None:
                    break
                writer.write(data)

    with contextlib.closing(network):
        async with answering(serve, network.listen("control", ADDRESS, PORT)):
            yield Place(LINE, "control", network)


def framed(transaction: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, 1) + pdu


@pytest.mark.parametrize(
    ("answer", "observed"),
    [
        (lambda _t, _pdu: b"HTTP/1.1 400 Bad Request\r\n\r\n", "garbage"),
        (lambda t, _pdu: framed(t, b"\x2b\x00"), "garbage"),
        (lambda t, _pdu: framed(t ^ 1, b"\x04\x02\x00\x00"), "silent"),
        (lambda _t, _pdu: None, "closed"),
        (lambda t, pdu: framed(t, bytes((pdu[0] | 0x80, 4))), "refused"),
    ],
)
async def test_what_is_no_answer_is_told_apart(answer: Answer, observed: str) -> None:
    async with odd(answer) as place:
        seen = await modbus.session(place, args(modbus.Session))
        assert seen.observed == observed
        assert observed in {outcome for probe in modbus.PROBES for outcome in probe.outcomes}


async def test_half_a_value_is_no_value() -> None:
    async with odd(lambda t, pdu: framed(t, pdu[:1] + b"\x02\x00\x07")) as place:
        assert (await modbus.read(place, args(modbus.Read, tag="Pasteuriser.SetPoint"))).observed == "garbage"
        assert (
            await modbus.write(place, args(modbus.Write, tag="Pasteuriser.SetPoint"))
        ).observed == "garbage"


async def test_a_write_that_is_acknowledged_and_not_done_is_ignored() -> None:
    def deaf(transaction: int, pdu: bytes) -> bytes:
        return framed(transaction, b"\x03\x02\x00\x07" if pdu[0] == 3 else pdu[:5])

    async with odd(deaf) as place:
        seen: Finding = await modbus.write(place, args(modbus.Write, address=0, values=[9]))
        assert seen.observed == "ignored"


@pytest.mark.parametrize(
    ("more", "kind"),
    [({"tag": "Tank.Level", "value": 1}, InputError), ({"tag": "Nothing.Here"}, NotFoundError)],
)
async def test_what_cannot_be_written_is_said_before_anything_is_sent(
    tmp_path: Path, more: dict[str, Any], kind: type[Exception]
) -> None:
    async with running(tmp_path) as rig:
        with pytest.raises(kind):
            await modbus.write(at(rig), args(modbus.Write, **more))
