"""The Modbus PLC as a device of the line: starts, stops, says how it is."""

import asyncio
import socket
import ssl
import time

from simulators.contracts import Context, Health, Plc
from simulators.devices import _plc
from simulators.devices.modbus_plc import identity, units
from simulators.devices.modbus_plc.admission import Admission
from simulators.devices.modbus_plc.audit import Audit
from simulators.devices.modbus_plc.config import Config
from simulators.devices.modbus_plc.pump import Pump
from simulators.devices.modbus_plc.security import check_files, tls_context
from simulators.devices.modbus_plc.service import Service
from simulators.devices.modbus_plc.station import Station
from simulators.errors import InputError, StartError
from simulators.os_errors import os_words
from simulators.text import Text

PORT = 502


class ModbusPlc:
    """Serves the image of the PLC that the host scans; holds no value of its own."""

    def __init__(self, context: Context, plc: Plc, config: Config) -> None:
        self._context, self._plc, self._config = context, plc, config
        self._units = units.build(context, plc, config)
        self._cells = len(plc.image.cells)
        self._service: Service | None = None
        self._admission: Admission | None = None
        self._pump: Pump | None = None
        self._listeners: list[socket.socket] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen on the clear port, the secure one, or both.

        Raises:
            StartError: a port is taken, or the certificates cannot be used.
        """
        if self._tasks:
            return
        try:
            doors = self._doors()
        except BaseException:
            await self.stop()
            raise
        spec, config = self._context.spec, self._config
        objects = identity.objects(config.identity, spec, self._context.line.id)
        station = Station(self._plc, self._units, objects)
        self._service = Service(station, config, Audit(self._context.log))
        self._pump = Pump(config.communication_load_pct / 100)
        self._admission = Admission(config, self._service, self._pump)
        self._tasks = [asyncio.create_task(self._admission.accept(*door)) for door in doors]
        if config.idle_timeout_s is not None:
            self._tasks.append(asyncio.create_task(self._sweep(config.idle_timeout_s)))

    async def stop(self) -> None:
        """Release the sockets and the tasks."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        if self._admission is not None:
            await self._admission.close()
        if self._pump is not None:
            self._pump.stop()

    def step(self, t_s: float) -> None:
        """Nothing: the host scans the program."""

    def publish(self, t_s: float) -> None:  # noqa: ARG002 -- the seam's own argument
        """Reads go to the cells themselves; only a new program's new variables need new places."""
        if len(self._plc.image.cells) != self._cells and self._service is not None:
            self._cells = len(self._plc.image.cells)
            self._service.station.units = self._units = units.build(self._context, self._plc, self._config)

    def health(self) -> Health:
        if not self._tasks or self._service is None or self._admission is None:
            return Health("stopped")
        if any(task.done() for task in self._tasks):
            return Health(
                "failed", Text(fr="n'accepte plus de connexion", en="accepts no connection any more")
            )
        detail = self._detail(self._service)
        return Health("degraded" if detail else "ok", detail, self._figures(self._service, self._admission))

    def _doors(self) -> list[tuple[socket.socket, ssl.SSLContext | None]]:
        security = self._config.security
        doors: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        tls = tls_context(self._context, security) if security is not None else None
        if security is None or security.clear_port == "open":
            doors.append((self._listen(self._context.spec.port or PORT), None))
        if security is not None:
            doors.append((self._listen(security.port), tls))
        return doors

    def _listen(self, port: int) -> socket.socket:
        spec = self._context.spec
        try:
            listener = self._context.network.listen(spec.zone, spec.address, port)
        except (OSError, StartError) as error:
            why = error.text if isinstance(error, StartError) else os_words(error)
            raise StartError(
                f"{spec.id} : le port Modbus {port} de {spec.address} ne s'ouvre pas ({why.fr}) ; "
                "arrêtez ce qui l'occupe ou changez de port",
                f"{spec.id}: Modbus port {port} of {spec.address} does not open ({why.en}); "
                "stop what holds it or change the port",
            ) from error
        self._listeners.append(listener)
        return listener

    async def _sweep(self, limit_s: float) -> None:
        while self._admission is not None:
            await asyncio.sleep(min(limit_s / 4, 1.0))
            self._admission.close_idle(time.monotonic(), limit_s)

    def _detail(self, service: Service) -> Text | None:
        trouble = _plc.trouble(self._plc.diagnostics())
        if trouble is None and service.station.listen_only:
            return Text(fr="en écoute seule (fonction 8/4)", en="listen only (function 8/4)")
        return trouble

    def _figures(self, service: Service, admission: Admission) -> dict[str, float | int | str]:
        tally = service.tally
        return {
            **_plc.figures(self._plc.diagnostics()),
            "connections": len(admission.connections),
            "connections_refused": admission.refused,
            "requests": tally.requests,
            "writes": tally.writes,
            "exceptions": tally.exceptions,
            "denied": tally.denied,
            "bad_frames": tally.bad_frames,
        }


def create(context: Context, config: Config) -> ModbusPlc:
    """The device.

    Raises:
        InputError: no PLC behind it, or the configuration names a tag or a file that is not there.
    """
    if context.plc is None:
        raise InputError(
            f"{context.spec.id} : un automate a besoin d'un programme ; donnez program: dans la ligne",
            f"{context.spec.id}: a PLC needs a program; give program: in the line",
        )
    if config.security is not None:
        check_files(context, config.security)
    return ModbusPlc(context, context.plc, config)
