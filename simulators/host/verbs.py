"""The verbs of the control channel (the table in `simulators.control`): one function each."""

import base64
import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from simulators.clock import SPEED_MAX, SPEED_MIN
from simulators.errors import InputError, StartError
from simulators.host import checkpoint as checkpoints
from simulators.host.host import Host
from simulators.model import PLC_KINDS
from simulators.network.addresses import workstation
from simulators.network.dissect.row import COLUMNS
from simulators.network.events import Wanted
from simulators.network.zones import NamespaceNetwork
from simulators.plc.image import Value

ROWS_MAX = 5000  # of the event table in one answer
PROTOCOLS = {"modbus_plc": "modbus", "opcua_plc": "opcua", "mqtt_broker": "mqtt"}

Verb = Callable[..., Awaitable[Any]]


async def describe(host: Host) -> Any:
    """The line's specs, with the fault modes of each asset."""
    return {**msgspec.to_builtins(host.line), "fault_modes": host.plant.fault_modes()}


async def snapshot(host: Host) -> Any:
    return host.report.snapshot()


async def clock(host: Host) -> Any:
    """The lab's own date and pace, without the snapshot's weight."""
    t_s = host.clock.now_s()
    return {
        "t_s": t_s,
        "unix_s": host.clock.unix_s(t_s),
        "speed": host.clock.speed,
        "paused": host.clock.paused,
        "late_s": max(0.0, (t_s - host.pace.t_s) / host.clock.speed),
        "backlogs": host.pace.lateness.backlogs,
    }


async def trend(host: Host, tags: list[str], minutes: float = 10.0) -> Any:
    """What SCADA was shown, from the historian; empty while there is none."""
    for tag in tags:
        host.line.tag(tag)
    now = host.clock.unix_s(host.pace.t_s)
    for historian in host.of_kind("historian").values():
        return historian.trend(tags, now - 60 * minutes, now)  # type: ignore[attr-defined]
    return {tag: [] for tag in tags}


async def monitor(host: Host, device: str, asset: str | None = None) -> Any:
    """What a condition monitor lately heard and said of a machine (the first that it watches)."""
    spec = host.line.device(device)
    if spec.kind != "condition_monitor":
        known = ", ".join(each.id for each in host.line.devices_of("condition_monitor")) or "–"
        raise InputError(
            f"{device} ne surveille aucune machine ; choisissez parmi : {known}",
            f"{device} monitors no machine; choose one of: {known}",
        )
    live = host.live.get(device)
    if live is None:
        raise StartError(
            f"{device} ne tourne pas ; attendez son redémarrage, voyez « lab logs »",
            f"{device} does not run; wait for its restart, see 'lab logs'",
        )
    return live.history(asset)  # type: ignore[attr-defined]


async def write(host: Host, tag: str, value: Value) -> bool:
    """An operator's command, sent over the wire."""
    scada = host.report.scada()
    if scada is None:
        raise StartError(
            "scada ne répond pas ; attendez son redémarrage, voyez « lab logs »",
            "scada does not answer; wait for its restart, see 'lab logs'",
        )
    await scada.write(tag, value)
    return True


async def alarms(host: Host, since_unix_s: float = 0.0) -> Any:
    """What SCADA remembers of alarms and commands, oldest first; empty while it does not run."""
    scada = host.report.scada()
    entries = scada.journal.entries() if scada is not None else []
    return [entry for entry in entries if entry.unix_s >= since_unix_s]


async def acknowledge(host: Host, alarm: str) -> bool:
    scada = host.report.scada()
    if scada is not None:
        scada.acknowledge(alarm)
    return True


async def fault(host: Host, asset: str, mode: str, severity: float = 1.0) -> bool:
    if not 0.0 <= severity <= 1.0:
        raise InputError(
            f"gravité {severity} : choisissez de 0 (aucune) à 1",
            f"severity {severity}: choose from 0 (none) to 1",
        )
    host.plant.fault(asset, mode, severity)
    host.journal.bind("host")("fault", asset=asset, mode=mode, severity=severity)
    return True


async def speed(host: Host, speed: float) -> bool:
    if not SPEED_MIN <= speed <= SPEED_MAX:
        raise InputError(
            f"vitesse {speed:g} : choisissez de ×{SPEED_MIN:g} à ×{SPEED_MAX:g}",
            f"speed {speed:g}: choose from ×{SPEED_MIN:g} to ×{SPEED_MAX:g}",
        )
    host.clock.set_speed(speed)
    host.pace.changed()
    return True


async def pause(host: Host) -> bool:
    host.clock.pause()
    return True


async def resume(host: Host) -> bool:
    host.clock.resume()
    host.pace.changed()
    return True


async def reset(host: Host, factory: bool = False) -> bool:
    await host.reset(factory)
    return True


async def checkpoint(host: Host) -> Any:
    """Keep plant, PLCs and configurations as they are now, in place of the former checkpoint."""
    taken = checkpoints.keep(host)
    return {"t_s": taken.steps * host.line.step_s, "devices": sorted(taken.configurations)}


async def restore(host: Host) -> Any:
    """Bring the checkpoint back."""
    taken = await checkpoints.bring_back(host)
    return {"t_s": taken.steps * host.line.step_s, "devices": sorted(taken.configurations)}


async def factory(host: Host, device: str) -> bool:
    """One device as delivered."""
    await checkpoints.factory(host, device)
    return True


async def config(host: Host, device: str) -> Any:
    schema = host.rack.schema(device)
    spec = host.line.device(device)
    configurations = host.configurations
    return {
        "text": configurations.current(spec),
        "default": configurations.default(spec),
        "versions": configurations.versions(spec),
        "schema": schema,
    }


async def configure(host: Host, device: str, text: str) -> bool:
    await host.rack.configure(device, text)
    return True


async def restart(host: Host, device: str) -> bool:
    await host.rack.restart(device)
    return True


async def kill(host: Host, device: str) -> bool:
    await host.rack.kill(device)
    return True


async def plc_download(host: Host, device: str, source: str) -> Any:
    return {"sha256": host.download(device, source)}


async def plc_upload(host: Host, device: str) -> Any:
    plc = host.plc(device)
    return {"source": plc.upload(), "sha256": plc.diagnostics().program_sha256}


async def plc_mode(host: Host, device: str, mode: Literal["RUN", "STOP", "PROGRAM"]) -> bool:
    host.plc(device).set_mode(mode)
    host.journal.bind(device)("mode", mode=mode)
    return True


async def plc_status(host: Host, device: str) -> Any:
    return host.plc(device).diagnostics()


async def logs(host: Host, device: str | None = None, lines: int = 100) -> Any:
    if device is not None:
        host.line.device(device)
    return host.journal.last(lines, device)


async def endpoints(host: Host) -> Any:
    """Where the user's own tools reach the devices that serve a protocol."""
    return [
        {
            "device": device,
            "protocol": PROTOCOLS[host.line.device(device).kind],
            "host": "127.0.0.1",
            "port": port,
        }
        for device, port in host.ports().items()
    ]


async def enter(host: Host, zone: str) -> Any:
    """How to enter a zone: this process's descriptors of its namespaces; null where zones are not enforced."""
    host.line.zone(zone)
    if not isinstance(host.network, NamespaceNetwork):
        return None
    user, net = host.network.fds(zone)
    return {"pid": os.getpid(), "user": user, "net": net, "address": workstation(host.line, zone)}


async def capture_start(host: Host) -> bool:
    host.network.taps.start()
    return True


async def capture_stop(host: Host) -> Any:
    taken = host.network.taps.stop()
    await taken.ready()
    return {
        "pcap_base64": base64.b64encode(taken.pcap).decode(),
        "frames": taken.frames,
        "dropped": taken.dropped,
        "events": taken.events,
    }


async def record(host: Host, zones: list[str] | None = None) -> Any:
    """Keep the inner traffic of these zones in the permanent record; all of them if none is named."""
    names = [zone.id for zone in host.line.zones] if zones is None else [host.line.zone(z).id for z in zones]
    host.network.taps.ask(names)
    return {"zones": sorted(host.network.taps.kept_zones)}


async def events(
    host: Host,
    since_ts: float | None = None,
    log: str | None = None,
    device: str | None = None,
    contains: str | None = None,
    after: int | None = None,
    limit: int = 500,
) -> Any:
    """Rows of the permanent record: the latest, or with `after` those that follow it."""
    addresses = frozenset(host.line.device(device).interfaces.values()) if device is not None else None
    wanted = Wanted(since_ts, log or None, addresses, contains or None, after, min(max(limit, 1), ROWS_MAX))
    rows, last, dropped = await host.network.taps.rows(wanted)
    full = after is not None and len(rows) >= wanted.limit
    return {
        "events": rows,
        "dropped": dropped,
        "columns": ["seq", *COLUMNS],
        "cursor": rows[-1]["seq"] if full else last,
        "now": host.clock.unix_s(host.pace.t_s),
    }


async def record_pcap(host: Host) -> Any:
    """The latest of the permanent record as a pcap, within its bound."""
    kept = host.network.taps.events()
    await kept.ready()
    return {
        "pcap_base64": base64.b64encode(kept.pcap).decode(),
        "frames": kept.frames,
        "dropped": kept.dropped,
    }


async def lateness(host: Host, forget: bool = False) -> Any:
    """How late each of the last scans was (ms); with `forget`, begins a new measurement."""
    late = host.pace.lateness.values()
    if forget:
        host.pace.lateness.forget()
    return late


async def plcs(host: Host) -> Any:
    """The ids of the line's PLCs."""
    return [device.id for device in host.line.devices_of(*PLC_KINDS)]


def find(name: str) -> Verb:
    """The verb called `name`.

    Raises:
        InputError: there is none.
    """
    verb = VERBS.get(name)
    if verb is None:
        raise InputError(
            f"verbe {name} inconnu ; choisissez parmi : {', '.join(VERBS)}",
            f"unknown verb {name}; choose one of: {', '.join(VERBS)}",
        )
    return verb


async def call(host: Host, name: str, arguments: dict[str, Any]) -> Any:
    """Check the arguments against the verb's signature and call it.

    Raises:
        UsineError: unknown verb, wrong arguments, or the verb's own refusal.
    """
    verb = find(name)
    parameters = {n: p for n, p in inspect.signature(verb).parameters.items() if n != "host"}
    unknown = sorted(set(arguments) - set(parameters))
    missing = [n for n, p in parameters.items() if p.default is p.empty and n not in arguments]
    if unknown or missing:
        raise InputError(
            f"{name} : arguments manquants {missing}, inconnus {unknown}",
            f"{name}: missing arguments {missing}, unknown {unknown}",
        )
    try:
        checked = {n: msgspec.convert(v, parameters[n].annotation) for n, v in arguments.items()}
    except msgspec.ValidationError as error:
        raise InputError(f"{name} : {error}", f"{name}: {error}") from error
    return await verb(host, **checked)


VERBS: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (
        describe, snapshot, clock, trend, monitor, write, alarms, acknowledge, fault, speed, pause, resume, reset, checkpoint, restore, factory, config, configure,
        restart, kill, plc_download, plc_upload, plc_mode, plc_status, plcs, logs, lateness,
        endpoints, enter, capture_start, capture_stop, record, events, record_pcap,
    )
}  # fmt: skip
