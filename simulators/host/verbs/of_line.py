"""Verbs that the host of a line answers: plant, time, and what concerns several devices."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec

from simulators.clock import SPEED_MAX, SPEED_MIN
from simulators.errors import InputError
from simulators.host import checkpoint as checkpoints
from simulators.host.host import Host
from simulators.model import PLC_KINDS
from simulators.network.addresses import workstation

PROTOCOLS = {"modbus_plc": "modbus", "opcua_plc": "opcua", "mqtt_broker": "mqtt"}

Verb = Callable[..., Awaitable[Any]]


async def describe(host: Host) -> Any:
    """The line's specs, with the fault modes of each asset."""
    return {**msgspec.to_builtins(host.line), "fault_modes": host.plant.fault_modes()}


async def snapshot(host: Host) -> Any:
    return await host.report.snapshot()


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
    host.retime()
    return True


async def pause(host: Host) -> bool:
    host.clock.pause()
    host.retime()
    return True


async def resume(host: Host) -> bool:
    host.clock.resume()
    host.retime()
    return True


async def reset(host: Host, factory: bool = False) -> bool:
    await host.reset(factory)
    return True


async def checkpoint(host: Host) -> Any:
    """Keep plant, PLCs and configurations as they are now, in place of the former checkpoint."""
    taken = await checkpoints.keep(host)
    return {"t_s": taken.steps * host.line.step_s, "devices": sorted(taken.devices)}


async def restore(host: Host) -> Any:
    """Bring the checkpoint back."""
    taken = await checkpoints.bring_back(host)
    return {"t_s": taken.steps * host.line.step_s, "devices": sorted(taken.devices)}


async def logs(host: Host, device: str | None = None, lines: Annotated[int, msgspec.Meta(ge=1)] = 100) -> Any:
    """What happened: of one device, or of all with the host's own."""
    names = [host.line.device(device).id] if device is not None else [d.id for d in host.line.devices]
    answers = await asyncio.gather(
        *(host.crew.ask(name, "journal", {"lines": lines}) for name in names), return_exceptions=True
    )
    found = [entry for answer in answers if not isinstance(answer, BaseException) for entry in answer]
    if device is None:
        found += host.journal.general(lines)
    return sorted(found, key=lambda entry: entry["unix_s"])[-lines:]


async def lateness(host: Host, forget: bool = False) -> Any:
    """How late each of the last scans was (ms); with `forget`, begins a new measurement."""
    late = host.pace.lateness.values()
    if forget:
        host.pace.lateness.forget()
    return late


async def plcs(host: Host) -> Any:
    """The ids of the line's PLCs."""
    return [device.id for device in host.line.devices_of(*PLC_KINDS)]


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
    """How to enter a zone: this process's descriptors of its namespaces; null where it has none."""
    host.line.zone(zone)
    namespaces = host.namespaces(zone)
    if namespaces is None:
        return None
    user, net = namespaces
    return {"pid": os.getpid(), "user": user, "net": net, "address": workstation(host.line, zone)}


VERBS: dict[str, Verb] = {
    verb.__name__: verb
    for verb in (
        describe, snapshot, clock, fault, speed, pause, resume, reset, checkpoint, restore, logs, lateness, plcs,
        endpoints, enter,
    )
}  # fmt: skip
