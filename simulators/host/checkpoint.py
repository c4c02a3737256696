"""A lab's checkpoint: plant, PLCs and configurations in one file of its folder, and back to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simulators.errors import InputError, NotFoundError
from simulators.model import PLC_KINDS
from simulators.plc.st.program import compile_program
from simulators.text import Text

if TYPE_CHECKING:
    from simulators.host.host import Host

FORMAT = "usine-ecole/checkpoint/v1"


class Checkpoint(msgspec.Struct, frozen=True):
    """`steps` is the simulated time reached, `plcs` what `ScanCycle.checkpoint` gave."""

    format: str
    line: str
    seed: int
    steps: int
    plant: bytes
    plcs: dict[str, dict[str, Any]]
    configurations: dict[str, str]


def keep(host: Host) -> Checkpoint:
    """Take the checkpoint, in place of the former one. Raises: InputError: it cannot be written."""
    plcs = {name: _plain(plc.checkpoint()) for name, plc in host.plcs.items()}
    texts = {spec.id: host.configurations.current(spec) for spec in host.line.devices}
    taken = Checkpoint(
        FORMAT, host.line.id, host.plan.seed, host.pace.done, host.plant.checkpoint(), plcs, texts
    )
    path = _path(host)
    fresh = path.with_suffix(".new")
    try:
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.msgpack.encode(taken))
        fresh.replace(path)
    except OSError as error:
        raise InputError(
            f"point de reprise : {path} impossible à écrire ({error})",
            f"checkpoint: {path} cannot be written ({error})",
        ) from error
    return taken


async def bring_back(host: Host) -> Checkpoint:
    """Plant, programs and their states, time and configurations as they were.

    Raises:
        NotFoundError: no checkpoint was taken.
        InputError: it is of another line, seed or version; nothing changed.
        StartError: a device does not start with its former configuration; the others are back.
    """
    taken = _read(host)
    host.plant.restore(taken.plant)
    for name, state in taken.plcs.items():
        host.plcs[name].restore(_rich(state))
        host.keep_program(name, state["source"])
    host.pace.restart(taken.steps)
    host.journal.bind("host")("checkpoint_restored", t_s=taken.steps * host.line.step_s)
    for device, text in taken.configurations.items():
        if host.configurations.current(host.line.device(device)) != text:
            await host.rack.configure(device, text)
    return taken


async def factory(host: Host, device: str) -> None:
    """One device as delivered: its default configuration and, of a PLC, its program. Raises: UsineError."""
    spec = host.line.device(device)
    if spec.kind in PLC_KINDS:
        host.download(device, host.line.text_of(spec.program or ""))
    await host.rack.configure(device, host.configurations.default(spec))


def _read(host: Host) -> Checkpoint:
    path = _path(host)
    if not path.exists():
        raise NotFoundError(
            f"{host.plan.name} n'a pas de point de reprise ; « lab checkpoint {host.plan.name} » en prend un",
            f"{host.plan.name} has no checkpoint; 'lab checkpoint {host.plan.name}' takes one",
        )
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=Checkpoint)
        for name, state in found.plcs.items():
            compile_program(state["source"], f"{name}.st")
    except (OSError, msgspec.MsgspecError, KeyError) as error:
        raise _unfit(str(error)) from error
    known = {device.id for device in host.line.devices}
    fits = (
        found.format == FORMAT
        and found.plcs.keys() == host.plcs.keys()
        and found.configurations.keys() <= known
    )
    if not fits or (found.line, found.seed) != (host.line.id, host.plan.seed):
        raise _unfit(f"{found.format}, {found.line}, {found.seed}")
    return found


def _unfit(why: str) -> InputError:
    return InputError(
        f"point de reprise inutilisable ({why}) ; prenez-en un nouveau",
        f"the checkpoint cannot be used ({why}); take a new one",
    )


def _path(host: Host) -> Path:
    return host.folder / "checkpoint.bin"


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    fault: Text | None = state["fault"]
    return {**state, "fault": None if fault is None else [fault.fr, fault.en]}


def _rich(state: dict[str, Any]) -> dict[str, Any]:
    fault = state["fault"]
    return {**state, "fault": None if fault is None else Text(*fault)}
