"""Taps on the bridges of a lab's zones, there while somebody looks at what stays inside a zone."""

import asyncio
import contextlib

from lab.connection import LabConnection, connect
from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import LabLayout, tap_layout
from lab.runtimes.docker.objects import LabObjects
from simulators.errors import UsineError
from simulators.host.plan import Plan
from simulators.model import Line

WAIT_S = 20.0
AGAIN_S = 2.0


class LabTaps:
    """Asks the lab which zones it wants to see, and keeps a tap on each of them."""

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        objects: LabObjects,
        plan: Plan,
        line: Line,
        layout: LabLayout,
        user: str,
    ) -> None:
        self._engine, self._gate, self._objects = engine, gate, objects
        self._plan, self._line, self._layout, self._user = plan, line, layout, user

    async def run(self) -> None:
        """For ever."""
        known: list[str] = []
        control: LabConnection | None = None
        while True:
            try:
                if control is None:
                    control = LabConnection(self._plan.name, connect(self._plan))
                zones = await asyncio.to_thread(control.request, "taps", known=known, wait_s=WAIT_S)
                if zones != known:
                    await self._keep(zones)
                    known = zones
            except UsineError:
                # The plant or the gateway is being restarted; a new gateway asks anew.
                if control is not None:
                    control.close()
                control, known = None, []
                await asyncio.sleep(AGAIN_S)
            except asyncio.CancelledError:
                if control is not None:
                    control.close()
                raise

    async def _keep(self, zones: list[str]) -> None:
        wanted = {f"tap-{zone}": zone for zone in zones}
        present = await self._gate.do(self._objects.present)
        gone = [
            seen.id
            for part, seen in present.items()
            if part.startswith("tap-") and (part not in wanted or seen.state != "running")
        ]
        await asyncio.gather(*(self._gate.do(self._engine.remove, container) for container in gone))
        here = {part for part, seen in present.items() if seen.id not in gone}
        await asyncio.gather(*(self._make(zone) for part, zone in wanted.items() if part not in here))

    async def _make(self, zone: str) -> None:
        bridge = self._objects.bridge(self._layout, zone)
        container = tap_layout(self._line, zone, bridge, self._plan.bus_secret, self._user)
        if container is not None:
            # One that cannot be made is missing in a capture, which says nothing of its zone.
            with contextlib.suppress(UsineError):
                await self._gate.do(self._objects.make_seat, self._layout, container, None)
