"""The supervisor's steward of the container engine: `python -m lab.runtimes.docker.steward DESCRIPTOR HOME`.

It alone has rights over the engine. What it is told comes over a socket of the supervisor's, a packet each, with descriptors:

| do | with | descriptors |
|---|---|---|
| launch | shape, plan, again | news, lifeline |
| adopt | shape, plan | lifeline |
| carry | plan, machine, again | news, lifeline |
| end | lab | – |
| remove | shape, plan | news: `{"removed"}` |
| job | lab, job | news |
| terminal | lab, zone, columns, rows | the terminal's other end |
| found | – | where the plans of the labs that there are go |

News are JSON lines (`contract.Launch`, `contract.Errand`). `carry`
is of the devices of a spread lab that are on this machine (`away`): `again` keeps those that are there. `remove` is of all that there is of a lab which is
not to be here, what was ordered before included. A lifeline is closed when the lab has ended and nothing of it is left.
When the supervisor goes, the steward goes, and labs stay.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from lab.connection import LabConnection, connect
from lab.labs import Job
from lab.runtimes.docker import images
from lab.runtimes.docker.away import AwayPart
from lab.runtimes.docker.carried import CarriedLab
from lab.runtimes.docker.engine import HOME, LAB, PART, PLAN, ROLE, Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.orders import PACKET_BYTES, Orders, Work, run, sayer
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.runtime import NONE_THERE
from lab.runtimes.docker.settings import Settings, settings
from lab.runtimes.docker.shapes import Compact, PerDevice, Shape
from lab.runtimes.docker.starts import Starts
from lab.runtimes.docker.storage import StorageWatch, used
from simulators.errors import NotFoundError, UsineError
from simulators.host.plan import Plan
from simulators.host.refusal import refusal

# By the name of the runtime.
SHAPES: dict[str, type[Shape]] = {"docker": PerDevice, "docker-compact": Compact}
# In place of a shape: a part of a lab whose plant is on another machine.
AWAY = "away"
# Enough that the engine makes the containers of one while the processes of another come up.
STARTS_AT_ONCE = 3
READ_BYTES = 1 << 16
LISTEN_AGAIN_S = 1.0
ADOPTED_LIMIT_S, LOOK_S = 20.0, 0.05
CLIENT_BACKLOG_BYTES = 1 << 20


class Steward:
    """Serves the supervisor at `orders` until it goes."""

    def __init__(self, engine: Engine, chosen: Settings, orders: Orders) -> None:
        self._engine, self._settings, self.orders = engine, chosen, orders
        self._gate, self._pool = Gate(chosen.workers), Pool(chosen.pool)
        self._labs: dict[str, CarriedLab | AwayPart] = {}
        self._starts = Starts(STARTS_AT_ONCE)
        self._storage = StorageWatch(self._labs.values, lambda: used(chosen.home))
        self._closing: asyncio.Lock = asyncio.Lock()
        self._host_closed = False

    def listen(self) -> None:
        """Hear the supervisor, what becomes of containers, and how full the disk gets."""
        self.orders.listen(self._obey)
        self.orders.spawn(self._storage.run())
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch_engine, args=(loop,), name="engine events", daemon=True).start()

    def _obey(self, fds: list[int], order: dict[str, Any]) -> Work:
        verbs: dict[str, Callable[..., Work]] = {
            "launch": self._launch, "adopt": self._adopt, "carry": self._carry, "end": self._end,
            "remove": self._remove, "job": self._job, "terminal": self._terminal, "found": self._found,
        }  # fmt: skip
        return verbs[order.pop("do")](fds, **order)

    # Labs

    async def _launch(self, fds: list[int], shape: str, plan: dict[str, Any], again: bool) -> None:
        news, lifeline = fds
        say = sayer(news)
        lab = self._carried(shape, plan)
        try:
            await self._close_host()
            self._labs[lab.plan.name] = lab
            if again and await lab.alive():
                await lab.adopt()
                say({"ready": True, "forwards": lab.ports(), "line": lab.plan.line, "zones": True})
            else:
                async with self._starts.turn(lambda before: say({"queued": before}), lab.lost) as wanted:
                    if wanted:
                        await lab.start(say)
        except Exception as error:
            say({"error": refusal(error)})
            lab.lost.set()
            if not isinstance(error, UsineError):
                traceback.print_exc()
        finally:
            os.close(news)
        await self._outlive(lab, lifeline)

    async def _carry(self, fds: list[int], plan: dict[str, Any], machine: str, again: bool) -> None:
        news, lifeline = fds
        say = sayer(news)
        part = AwayPart(self._engine, self._settings, self._gate, msgspec.convert(plan, Plan), machine)
        self._labs[part.plan.name] = part
        try:
            await self._close_host()
            await part.start(again)
            say({"ready": True})
        except Exception as error:
            say({"error": refusal(error)})
            part.lost.set()
            if not isinstance(error, UsineError):
                traceback.print_exc()
        finally:
            os.close(news)
        await self._outlive(part, lifeline)

    async def _adopt(self, fds: list[int], shape: str, plan: dict[str, Any]) -> None:
        (lifeline,) = fds
        lab = self._carried(shape, plan)
        self._labs[lab.plan.name] = lab
        while not lab.lost.is_set():
            try:
                await lab.adopt()
                break
            except NotFoundError:
                os.write(lifeline, NONE_THERE)
                lab.lost.set()
            except Exception as error:
                # An engine that is away comes back; labs are not given up for that.
                sys.stderr.write(f"{lab.plan.name}: {error}\n")
                await asyncio.sleep(LISTEN_AGAIN_S)
        await self._outlive(lab, lifeline)

    def _carried(self, shape: str, plan: dict[str, Any]) -> CarriedLab:
        return CarriedLab(
            self._engine, self._settings, self._gate, self._pool, SHAPES[shape](), msgspec.convert(plan, Plan)
        )

    async def _outlive(self, lab: CarriedLab | AwayPart, lifeline: int) -> None:
        """Close the lifeline once the lab has ended, with all that is left of it."""
        try:
            await lab.lost.wait()
            with contextlib.suppress(UsineError):
                await lab.end(graceful=False)
        finally:
            if self._labs.get(lab.plan.name) is lab:
                del self._labs[lab.plan.name]
            os.close(lifeline)

    async def _remove(self, fds: list[int], shape: str, plan: dict[str, Any]) -> None:
        """Harmless where there is nothing."""
        (news,) = fds
        say = sayer(news)
        try:
            await (self._labs.get(plan["name"]) or self._carried(shape, plan)).end(graceful=False)
            say({"removed": plan["name"]})
        except UsineError as error:
            say({"error": refusal(error)})
        finally:
            os.close(news)

    async def subnets(self) -> list[str]:
        """Those of all networks of the engine. Raises: UsineError."""
        return await self._gate.do(self._engine.subnets)

    async def _end(self, _fds: list[int], lab: str) -> None:
        found = self._labs.get(lab)
        if found is not None:
            await found.end()

    async def _found(self, fds: list[int]) -> None:
        (answer,) = fds
        say = sayer(answer)
        try:
            mains = {shape().main: name for name, shape in SHAPES.items()}
            away: set[str] = set()
            for seen in await self._gate.do(
                self._engine.containers, {HOME: self._settings.mark, ROLE: "line"}
            ):
                if seen.state != "running" or PLAN not in seen.labels:
                    continue
                if seen.labels[PART] in mains:
                    say({"plan": json.loads(seen.labels[PLAN]), "shape": mains[seen.labels[PART]]})
                elif seen.labels[LAB] not in away:
                    away.add(seen.labels[LAB])
                    say({"plan": json.loads(seen.labels[PLAN]), "shape": AWAY})
        except UsineError as error:
            say({"error": refusal(error)})
        finally:
            os.close(answer)

    # Seats

    async def _job(self, fds: list[int], lab: str, job: dict[str, Any]) -> None:
        (descriptor,) = fds
        news = socket.socket(fileno=descriptor)
        news.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=news)
        try:
            await self._errand(await self._lab(lab), msgspec.convert(job, Job), reader, writer)
        except UsineError as error:
            writer.write(msgspec.json.encode({"error": refusal(error)}) + b"\n")
        finally:
            with contextlib.suppress(OSError):
                await writer.drain()
            writer.close()

    async def _errand(
        self, lab: CarriedLab, job: Job, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass on what the agent says; answer what it asks of the lab. Ends with either side."""
        assert lab.ways is not None
        assert lab.line is not None
        connected = await lab.ways.agent(job)
        heard, agent = await asyncio.open_unix_connection(sock=connected, limit=PACKET_BYTES << 4)
        agent.write(msgspec.json.encode({"job": job, "line": lab.line}) + b"\n")
        left = asyncio.get_running_loop().create_task(reader.read())
        left.add_done_callback(lambda _left: agent.close())
        control: LabConnection | None = None
        try:
            while line := await heard.readline():
                message = msgspec.json.decode(line, type=dict[str, Any])
                if "ask" not in message:
                    writer.write(line)
                    continue
                if control is None:
                    control = LabConnection(lab.plan.name, connect(lab.plan))
                agent.write(msgspec.json.encode(await _asked(control, message["ask"])) + b"\n")
        except (OSError, msgspec.MsgspecError, ValueError):
            pass
        finally:
            left.cancel()
            agent.close()
            if control is not None:
                control.close()

    async def _terminal(self, fds: list[int], lab: str, zone: str, columns: int, rows: int) -> None:
        """Bytes pass between the caller's end and the workstation's terminal; why not, as one JSON line."""
        (descriptor,) = fds
        end = socket.socket(fileno=descriptor)
        end.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=end)
        try:
            ways = (await self._lab(lab)).ways
            assert ways is not None
            shell = await ways.terminal(zone, columns, rows)
            writer.write(b'{"open":true}\n')
            shown, typed = await asyncio.open_unix_connection(sock=shell)
            await asyncio.wait(
                [
                    asyncio.ensure_future(_pass_on(reader, typed)),
                    asyncio.ensure_future(_pass_on(shown, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            typed.close()
        except UsineError as error:
            writer.write(msgspec.json.encode({"error": refusal(error)}) + b"\n")
        finally:
            writer.close()

    async def _lab(self, name: str) -> CarriedLab:
        """One that is being adopted is waited for: the supervisor knows already that it runs. Raises: NotFoundError."""
        deadline = time.monotonic() + ADOPTED_LIMIT_S
        lab = self._labs.get(name)
        while lab is not None and lab.ways is None and not lab.lost.is_set() and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
        if not isinstance(lab, CarriedLab) or lab.ways is None or lab.lost.is_set():
            raise NotFoundError(f"le labo {name} n'est pas en marche", f"lab {name} is not running")
        return lab

    # The engine

    async def _close_host(self) -> None:
        """Before the first lab: labs must reach none of the host's own services. Raises: UsineError."""
        async with self._closing:
            if not self._host_closed:
                await self._gate.do(self._engine.version)
                await self._gate.do(images.check, self._engine, self._settings, "platform")
                image = self._settings.image("platform")
                command = ["python3", "-m", "lab.runtimes.docker.guard"]
                await self._gate.do(self._engine.run_once, image, command, ["NET_ADMIN", "NET_RAW"], True)
                self._host_closed = True

    def _watch_engine(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own: the engine's events, again after it was restarted."""
        while not self.orders.gone.is_set():
            with contextlib.suppress(UsineError):
                for event in self._engine.events({HOME: self._settings.mark}):
                    loop.call_soon_threadsafe(self._happened, event)
            threading.Event().wait(LISTEN_AGAIN_S)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: self.orders.spawn(self._look_at_all()))

    def _happened(self, event: dict[str, Any]) -> None:
        about = event.get("Actor", {}).get("Attributes", {})
        lab = self._labs.get(about.get(LAB, ""))
        if event.get("Action") == "die" and about.get(ROLE) == "line" and lab is not None:
            code = str(about.get("exitCode", ""))
            lab.died(about.get(PART, ""), int(code) if code.lstrip("-").isdigit() else None)

    async def _look_at_all(self) -> None:
        """After the engine was away: what has ended meanwhile."""
        for lab in list(self._labs.values()):
            with contextlib.suppress(UsineError):
                for part, seen in (await self._gate.do(lab.objects.present, "line")).items():
                    if seen.state == "exited":
                        lab.died(part, None)


async def _asked(control: LabConnection, ask: dict[str, Any]) -> dict[str, Any]:
    try:
        result = await asyncio.to_thread(control.request, ask["verb"], **ask["arguments"])
    except UsineError as error:
        return {"error": refusal(error)}
    return {"result": result}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()


def made(orders: Orders, home: Path) -> Steward:
    """Raises: UsineError: no engine answers, or it is told what it cannot be."""
    return Steward(Engine(), settings(home), orders)


if __name__ == "__main__":
    run(made)
