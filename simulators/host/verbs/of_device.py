"""Verbs that one device answers, in whatever process hosts it: the first argument is that process's bay.

Those of `OF_KIND` name no device: they are for the line's device of that kind. Those of `INNER` are the host's own
and no caller's. Their results go through MessagePack where the device runs elsewhere.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from simulators.contracts import Fault
from simulators.errors import NotFoundError, StartError
from simulators.host.bay import Bay
from simulators.host.contribution import scada_of
from simulators.host.journal import Event
from simulators.model import PLC_KINDS
from simulators.network.dissect.row import COLUMNS
from simulators.network.events import Wanted
from simulators.plc.image import Value

ROWS_MAX = 5000  # of the event table in one answer
WAIT_MAX_S = 25.0
# Containers of taps have to be started; what is not there by then is not waited for.
TAPS_LIMIT_S = 15.0
NAME_CHARACTERS = 200

Verb = Callable[..., Awaitable[Any]]


async def config(bay: Bay, device: str) -> Any:
    schema = bay.rack.schema(device)
    spec = bay.line.device(device)
    configurations = bay.configurations
    return {
        "text": configurations.current(spec),
        "default": configurations.default(spec),
        "versions": configurations.versions(spec),
        "schema": schema,
    }


async def configure(bay: Bay, device: str, text: str, name: str | None = None) -> bool:
    await bay.rack.configure(device, text, _called(name))
    return True


async def check(bay: Bay, device: str, text: str) -> bool:
    """Raises: InputError: the device would not take the configuration; nothing changed."""
    bay.rack.check(device, text)
    return True


async def factory(bay: Bay, device: str) -> bool:
    """One device as delivered: its default configuration and, of a PLC, its program."""
    spec = bay.line.device(device)
    if spec.kind in PLC_KINDS:
        bay.download(device, bay.default_program(spec))
    await bay.rack.configure(device, bay.configurations.default(spec))
    return True


async def restart(bay: Bay, device: str) -> bool:
    await bay.rack.restart(device)
    return True


async def kill(bay: Bay, device: str) -> bool:
    await bay.rack.kill(device)
    return True


async def plc_download(bay: Bay, device: str, source: str, name: str | None = None) -> Any:
    return {"sha256": bay.download(device, source, _called(name))}


async def plc_upload(bay: Bay, device: str) -> Any:
    plc = bay.plc(device)
    return {"source": plc.upload(), "sha256": plc.diagnostics().program_sha256}


async def plc_mode(bay: Bay, device: str, mode: Literal["RUN", "STOP", "PROGRAM"]) -> bool:
    bay.plc(device).set_mode(mode)
    return True


async def plc_status(bay: Bay, device: str) -> Any:
    return bay.plc(device).diagnostics()


async def monitor(bay: Bay, device: str, asset: str | None = None) -> Any:
    """What a condition monitor lately heard and said of a machine (the first that it watches)."""
    spec = bay.line.device(device)
    if spec.kind != "condition_monitor":
        known = ", ".join(each.id for each in bay.line.devices_of("condition_monitor")) or "–"
        raise NotFoundError(
            f"{device} ne surveille aucune machine ; choisissez parmi : {known}",
            f"{device} monitors no machine; choose one of: {known}",
        )
    live = bay.live.get(device)
    if live is None:
        raise not_running(device)
    return live.history(asset)  # type: ignore[attr-defined]


async def trend(bay: Bay, tags: list[str], minutes: float = 10.0) -> Any:
    """What SCADA was shown, from the historian; empty while there is none."""
    for tag in tags:
        bay.line.tag(tag)
    now = bay.clock.unix_s(bay.clock.now_s())
    for historian in bay.of_kind("historian").values():
        return historian.trend(tags, now - 60 * minutes, now)  # type: ignore[attr-defined]
    return {tag: [] for tag in tags}


async def write(bay: Bay, tag: str, value: Value) -> bool:
    """An operator's command, sent over the wire."""
    scada = scada_of(bay)
    if scada is None:
        raise not_running("scada")
    await scada.write(tag, value)
    return True


async def alarms(bay: Bay, since_unix_s: float = 0.0) -> Any:
    """What SCADA remembers of alarms and commands, oldest first; empty while it does not run."""
    scada = scada_of(bay)
    entries = scada.journal.entries() if scada is not None else []
    return [entry for entry in entries if entry.unix_s >= since_unix_s]


async def acknowledge(bay: Bay, alarm: str) -> bool:
    scada = scada_of(bay)
    if scada is not None:
        scada.acknowledge(alarm)
    return True


async def capture_start(bay: Bay) -> bool:
    taps = bay.network.taps
    taps.start()
    await _tapped(bay, [zone.id for zone in bay.line.zones])
    return True


async def capture_stop(bay: Bay) -> Any:
    taken = bay.network.taps.stop()
    await taken.ready()
    return {
        "pcap_base64": base64.b64encode(taken.pcap).decode(),
        "frames": taken.frames,
        "dropped": taken.dropped,
        "events": taken.events,
    }


async def record(bay: Bay, zones: list[str] | None = None) -> Any:
    """Keep the inner traffic of these zones in the permanent record; all of them if none is named."""
    names = [zone.id for zone in bay.line.zones] if zones is None else [bay.line.zone(z).id for z in zones]
    bay.network.taps.ask(names)
    await _tapped(bay, sorted(bay.network.taps.kept_zones))
    return {"zones": sorted(bay.network.taps.kept_zones)}


async def events(
    bay: Bay,
    since_ts: float | None = None,
    log: str | None = None,
    device: str | None = None,
    contains: str | None = None,
    after: int | None = None,
    limit: int = 500,
) -> Any:
    """Rows of the permanent record: the latest, or with `after` those that follow it."""
    addresses = frozenset(bay.line.device(device).interfaces.values()) if device is not None else None
    wanted = Wanted(since_ts, log or None, addresses, contains or None, after, min(max(limit, 1), ROWS_MAX))
    rows, last, dropped = await bay.network.taps.rows(wanted)
    full = after is not None and len(rows) >= wanted.limit
    return {
        "events": rows,
        "dropped": dropped,
        "columns": ["seq", *COLUMNS],
        "cursor": rows[-1]["seq"] if full else last,
        "now": bay.clock.unix_s(bay.clock.now_s()),
    }


async def record_pcap(bay: Bay) -> Any:
    """The latest of the permanent record as a pcap, within its bound."""
    kept = bay.network.taps.events()
    await kept.ready()
    return {
        "pcap_base64": base64.b64encode(kept.pcap).decode(),
        "frames": kept.frames,
        "dropped": kept.dropped,
    }


async def taps(bay: Bay, known: list[str], wait_s: float = 20.0) -> list[str]:
    """The zones that taps must listen to, as soon as they are others than `known`."""
    return sorted(await bay.network.taps.wanted(known, min(wait_s, WAIT_MAX_S)))


async def _tapped(bay: Bay, zones: list[str]) -> None:
    """Where taps are fed from outside, return when they are."""
    await bay.network.taps.settled(zones, TAPS_LIMIT_S)


async def reset(bay: Bay, device: str, factory: bool) -> bool:
    """A PLC is as at the start; with `factory`, any device has its default configuration and program."""
    await bay.reset(device, factory)
    return True


async def journal(bay: Bay, device: str, lines: int) -> list[Event]:
    """The newest events of a device, and those of the host about it."""
    return bay.journal.about(device, lines)


async def state(bay: Bay, device: str) -> Any:
    """What a checkpoint keeps of a device: its configuration and, of a PLC, what `ScanCycle.checkpoint` gives."""
    plc = bay.plcs.get(device)
    spec = bay.line.device(device)
    return {
        "configuration": bay.configurations.current(spec),
        "plc": None if plc is None else _plain(plc.checkpoint()),
    }


async def take_plc(bay: Bay, device: str, plc: dict[str, Any]) -> bool:
    """A PLC is back to what `state` gave. Raises: StError: its program does not compile here."""
    bay.plc(device).restore(_rich(plc))
    bay.keep_program(device, plc["source"])
    return True


async def take_configuration(bay: Bay, device: str, text: str) -> bool:
    """A device has this configuration, if it has another. Raises: StartError: it does not start with it."""
    if bay.configurations.current(bay.line.device(device)) != text:
        await bay.rack.configure(device, text)
    return True


def not_running(device: str) -> StartError:
    """A device that is being restarted cannot be asked."""
    return StartError(
        f"{device} ne répond pas ; attendez son redémarrage, voyez « lab logs »",
        f"{device} does not answer; wait for its restart, see 'lab logs'",
    )


def _called(name: str | None) -> str | None:
    """What a caller's file is called in errors: one line, of a bearable length."""
    return "".join(sign for sign in name if sign.isprintable())[-NAME_CHARACTERS:] if name else None


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    fault: Fault | None = state["fault"]
    return {**state, "fault": None if fault is None else msgspec.to_builtins(fault)}


def _rich(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "fault": msgspec.convert(state["fault"], Fault | None)}


def _named(*verbs: Verb) -> dict[str, Verb]:
    return {verb.__name__: verb for verb in verbs}


OF_DEVICE = _named(
    config, configure, check, factory, restart, kill, plc_download, plc_upload, plc_mode, plc_status, monitor
)
OF_KIND = {
    "historian": _named(trend),
    "scada": _named(write, alarms, acknowledge),
    "gateway": _named(capture_start, capture_stop, record, events, record_pcap, taps),
}
INNER = _named(reset, journal, state, take_plc, take_configuration)
VERBS: dict[str, Verb] = {**OF_DEVICE, **INNER}
for _verbs in OF_KIND.values():
    VERBS.update(_verbs)
KIND_OF = {name: kind for kind, verbs in OF_KIND.items() for name in verbs}
