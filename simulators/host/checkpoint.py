"""A lab's checkpoint: plant, PLCs and configurations in one file of its folder, and back to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simulators.errors import InputError, NotFoundError
from simulators.model import PLC_KINDS
from simulators.os_errors import os_words, unwritable
from simulators.text import Text

if TYPE_CHECKING:
    from simulators.host.host import Host

FORMAT = "usine-ecole/checkpoint/v3"


class DeviceState(msgspec.Struct, frozen=True):
    """`plc` is what `ScanCycle.checkpoint` gave, None of a device that is none."""

    configuration: str
    plc: dict[str, Any] | None


class Checkpoint(msgspec.Struct, frozen=True):
    """`steps` is the simulated time reached."""

    format: str
    line: str
    seed: int
    steps: int
    plant: bytes
    devices: dict[str, DeviceState]


async def keep(host: Host) -> Checkpoint:
    """Take the checkpoint, in place of the former one. Raises: InputError: it cannot be written."""
    async with host.pace.still:
        devices = {
            device.id: msgspec.convert(await host.crew.ask(device.id, "state", {}), DeviceState)
            for device in host.line.devices
        }
        steps, plant = host.pace.done, host.plant.checkpoint()
    taken = Checkpoint(FORMAT, host.line.id, host.plan.seed, steps, plant, devices)
    path = _path(host)
    fresh = path.with_suffix(".new")
    try:
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.msgpack.encode(taken))
        fresh.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    return taken


async def bring_back(host: Host) -> Checkpoint:
    """Plant, programs and their states, time and configurations as they were.

    Raises:
        NotFoundError: no checkpoint was taken.
        InputError: it is of another line, seed or version; nothing changed.
        StartError: a device does not start with its former configuration; the others are back.
    """
    taken = _read(host)
    async with host.pace.still:
        host.plant.restore(taken.plant)
        for device, state in taken.devices.items():
            if state.plc is not None:
                await host.crew.ask(device, "take_plc", {"plc": state.plc})
        host.pace.restart(taken.steps)
    host.journal.bind("host")("checkpoint_restored", t_s=taken.steps * host.line.step_s)
    for device, state in taken.devices.items():
        await host.crew.ask(device, "take_configuration", {"text": state.configuration})
    return taken


def _read(host: Host) -> Checkpoint:
    path = _path(host)
    if not path.exists():
        raise NotFoundError(
            f"{host.plan.name} n'a pas de point de reprise ; « lab checkpoint {host.plan.name} » en prend un",
            f"{host.plan.name} has no checkpoint; 'lab checkpoint {host.plan.name}' takes one",
        )
    # Here, for a plant whose PLCs run elsewhere should not pay for the compiler.
    from simulators.plc.st.program import compile_program

    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=Checkpoint)
        for name, state in found.devices.items():
            if state.plc is not None:
                compile_program(state.plc["source"], f"{name}.st")
    except (OSError, msgspec.MsgspecError, KeyError) as error:
        why = (
            os_words(error) if isinstance(error, OSError) else Text(fr="contenu abîmé", en="damaged content")
        )
        raise _unfit(why.fr, why.en) from error
    plcs = {name for name, state in found.devices.items() if state.plc is not None}
    fits = (
        found.format == FORMAT
        and plcs == {device.id for device in host.line.devices_of(*PLC_KINDS)}
        and found.devices.keys() <= {device.id for device in host.line.devices}
    )
    if not fits or (found.line, found.seed) != (host.line.id, host.plan.seed):
        whose = f"{found.format}, {found.line}, {found.seed}"
        raise _unfit(whose, whose)
    return found


def _unfit(fr: str, en: str) -> InputError:
    return InputError(
        f"point de reprise inutilisable ({fr}) ; prenez-en un nouveau",
        f"the checkpoint cannot be used ({en}); take a new one",
    )


def _path(host: Host) -> Path:
    return Path(host.plan.folder) / "checkpoint.bin"
