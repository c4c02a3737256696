"""The devices of a line: started, watched, restarted, reconfigured."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from simulators.contracts import Context, Device, Health
from simulators.devices import kind
from simulators.document import PlaceError, located
from simulators.errors import InputError, NotFoundError, StartError, UsineError
from simulators.host.configurations import Configurations
from simulators.model import Device as DeviceSpec
from simulators.snapshot import DeviceStatus
from simulators.text import Text

START_LIMIT_S = 10.0
WATCH_PERIOD_S = 0.5
RETRY_MIN_S, RETRY_MAX_S = 0.25, 5.0
# What others connect to starts first, so that nobody's first try fails.
FIRST = ("mqtt_broker", "modbus_plc", "opcua_plc", "historian", "gateway")

Progress = Callable[[str, str], None]


@lru_cache(maxsize=64)
def parsed(kind_name: str, text: str, name: str) -> Any:
    """The configuration in `text` of a device of that kind; once for all the labs that a warm parent forks.

    Raises:
        InputError: it is none.
    """
    return kind(kind_name).parse(text, name)


def configuration_name(spec: DeviceSpec) -> str:
    """What a device's configuration is called in errors."""
    return spec.config or f"{spec.id}.yaml"


@dataclass
class Slot:
    """One device's place in the rack."""

    spec: DeviceSpec
    device: Device | None = None
    restarts: int = 0
    error: Text | None = None
    retry_at_s: float = 0.0
    retry_s: float = RETRY_MIN_S
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rack:
    """`devices` is the live table that devices find each other in; it holds those that are started."""

    def __init__(
        self,
        specs: list[DeviceSpec],
        context: Callable[[DeviceSpec], Context],
        configurations: Configurations,
        live: dict[str, Device],
        log: Callable[..., None],
    ) -> None:
        self._context = context
        self._configurations = configurations
        self._kinds = _known(specs)
        self._log = log
        self.live = live
        self.slots = {spec.id: Slot(spec) for spec in specs}

    async def start(self, progress: Progress = lambda _device, _state: None) -> None:
        """Start all; what others connect to first.

        Raises:
            UsineError: the first device that could not start; those that did are stopped.
        """
        first = [s for s in self.slots.values() if s.spec.kind in FIRST]
        rest = [s for s in self.slots.values() if s.spec.kind not in FIRST]
        try:
            for wave in (first, rest):
                results = await asyncio.gather(
                    *(self._start(slot, progress) for slot in wave), return_exceptions=True
                )
                for result in results:
                    if isinstance(result, BaseException):
                        raise result
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for slot in reversed(self.slots.values()):
            async with slot.lock:
                await self._stop(slot)

    async def watch(self) -> None:
        """Restart what failed, for ever."""
        while True:
            await asyncio.sleep(WATCH_PERIOD_S)
            for slot in self.slots.values():
                if not slot.lock.locked() and self._health(slot).state == "failed":
                    await self._mend(slot)

    def step(self, t_s: float) -> None:
        """A device that raises is taken out and restarted: its fault must not stop the line."""
        for name, device in self.live.items():
            try:
                device.step(t_s)
            except Exception as error:
                self._broke(self.slots[name], error)
                break

    def publish(self, t_s: float) -> None:
        for name, device in self.live.items():
            try:
                device.publish(t_s)
            except Exception as error:
                self._broke(self.slots[name], error)
                break

    def statuses(self) -> list[DeviceStatus]:
        return [
            DeviceStatus(name, slot.spec.kind, self._health(slot), slot.restarts)
            for name, slot in self.slots.items()
        ]

    def green(self) -> bool:
        """Every device is well."""
        return all(self._health(slot).state == "ok" for slot in self.slots.values())

    async def restart(self, device_id: str) -> None:
        slot = self._slot(device_id)
        async with slot.lock:
            await self._stop(slot)
            await self._start_unlocked(slot)
        slot.restarts += 1

    async def kill(self, device_id: str) -> None:
        """End a device without ceremony; `watch` brings it back."""
        slot = self._slot(device_id)
        device = slot.device
        kill = getattr(device, "kill", None)
        if kill is not None:
            kill()
            return
        async with slot.lock:
            await self._stop(slot)
            slot.error = Text(fr="arrêté de force", en="killed")
            slot.retry_at_s = time.monotonic() + WATCH_PERIOD_S
        self._log("device_killed", of=device_id)

    async def configure(self, device_id: str, text: str, name: str | None = None) -> None:
        """Check, apply and keep a configuration, called `name` in errors.

        Raises:
            InputError: it is not one; nothing changed.
            StartError: the device does not start with it; the former one is back in force.
        """
        slot = self._slot(device_id)
        self.check(device_id, text, name)
        async with slot.lock:
            await self._stop(slot)
            try:
                await self._start_unlocked(slot, text)
                self._configurations.keep(slot.spec, text)
            except UsineError as error:
                await self._stop(slot)
                await self._start_unlocked(slot)
                raise StartError(
                    f"{device_id} : configuration refusée, l'ancienne est rétablie : {error.text.fr}",
                    f"{device_id}: configuration refused, the former one is back: {error.text.en}",
                ) from error
        self._log("configuration_applied", of=device_id)

    def check(self, device_id: str, text: str, name: str | None = None) -> None:
        """Whether `text`, called `name` in errors, is a configuration of the device, with all that it names here.

        Raises:
            InputError: it is not; nothing changed.
        """
        self._made(self._slot(device_id).spec, text, name)

    def schema(self, device_id: str) -> dict[str, Any] | None:
        """JSON Schema of the device's configuration, None where it is not YAML."""
        schema: dict[str, Any] | None = self._kinds[self._slot(device_id).spec.kind].SCHEMA
        return schema

    def _slot(self, device_id: str) -> Slot:
        slot = self.slots.get(device_id)
        if slot is None:
            known = ", ".join(self.slots)
            raise NotFoundError(
                f"équipement {device_id} inconnu ; choisissez parmi : {known}",
                f"unknown device {device_id}; choose one of: {known}",
            )
        return slot

    def _made(self, spec: DeviceSpec, text: str, called: str | None = None) -> Device:
        """A device of that configuration, which opens nothing before it is started. Raises: InputError."""
        name = called or configuration_name(spec)
        config = parsed(spec.kind, text, name)
        context = self._context(spec)
        context.folder.mkdir(parents=True, exist_ok=True)
        try:
            device: Device = self._kinds[spec.kind].create(context, config)
        except PlaceError as error:
            raise located(error, text, name) from error
        return device

    async def _start(self, slot: Slot, progress: Progress) -> None:
        progress(slot.spec.id, "starting")
        async with slot.lock:
            await self._start_unlocked(slot)
        progress(slot.spec.id, "ok")

    async def _start_unlocked(self, slot: Slot, text: str | None = None) -> None:
        spec = slot.spec
        device = self._made(spec, self._configurations.current(spec) if text is None else text)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await device.start()
        except BaseException as error:
            await device.stop()
            if isinstance(error, TimeoutError):
                raise StartError(
                    f"{spec.id} : pas de réponse après {START_LIMIT_S:.0f} s ; voyez « lab logs »",
                    f"{spec.id}: no answer after {START_LIMIT_S:.0f} s; see 'lab logs'",
                ) from error
            raise
        slot.device, slot.error = device, None
        self.live[spec.id] = device

    async def _stop(self, slot: Slot) -> None:
        self.live.pop(slot.spec.id, None)
        if slot.device is not None:
            device, slot.device = slot.device, None
            await device.stop()

    async def _mend(self, slot: Slot) -> None:
        if time.monotonic() < slot.retry_at_s:
            return
        detail = self._health(slot).detail
        self._log("device_restarting", of=slot.spec.id, why=detail.en if detail else "")
        try:
            await self.restart(slot.spec.id)
            slot.retry_s = RETRY_MIN_S
        except UsineError as error:
            slot.error = error.text
        except Exception as error:
            self._broke(slot, error)
        slot.retry_at_s = time.monotonic() + slot.retry_s
        slot.retry_s = min(2 * slot.retry_s, RETRY_MAX_S)

    def _broke(self, slot: Slot, error: Exception) -> None:
        self.live.pop(slot.spec.id, None)
        slot.error = Text(fr=f"défaut interne : {error!r}", en=f"internal fault: {error!r}")
        self._log("device_broke", of=slot.spec.id, error=repr(error))

    def _health(self, slot: Slot) -> Health:
        if slot.error is not None:
            return Health("failed", slot.error)
        return slot.device.health() if slot.device is not None else Health("stopped")


def _known(specs: list[DeviceSpec]) -> dict[str, Any]:
    """The modules of the kinds that these are of. Raises: InputError: a spec is of no kind there is."""
    known = {}
    for spec in specs:
        try:
            known[spec.kind] = kind(spec.kind)
        except NotFoundError as error:
            raise InputError(f"{spec.id} : {error.text.fr}", f"{spec.id}: {error.text.en}") from error
    return known
