"""The supervisor's side of a swarm: `python -m lab.runtimes.swarm.head DESCRIPTOR HOME`.

It takes the orders of a steward (`lab.runtimes.docker.steward`), chooses the machine that has a lab's files, else that with the most free memory, and has
the node there (`node`) do the rest. A machine that is lost takes its labs along: their lifelines close, and the supervisor starts
them again, elsewhere.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker.cluster import Cluster
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.orders import Orders, Work, run, sayer
from lab.runtimes.docker.ports import same_ports
from lab.runtimes.docker.runtime import LOST, NONE_THERE
from lab.runtimes.docker.settings import settings
from lab.runtimes.swarm.bundle import packed, unpacked
from lab.runtimes.swarm.machines import Machine, Machines, SwarmMachines, node_secret
from lab.runtimes.swarm.node import GONE
from lab.runtimes.swarm.placed import Placed
from lab.runtimes.swarm.streams import LINE_BYTES, Stream, ask, join
from simulators.errors import NotFoundError, StartError, UsineError
from simulators.host.plan import Plan
from simulators.host.refusal import refusal
from simulators.model import load_line
from simulators.network.forward import host_sockets

# The shapes that nodes know, by the name of the runtime here.
SHAPES = {"swarm": "docker", "swarm-compact": "docker-compact"}
# How long a machine may be silent before its labs are started on another one.
RETURN_LIMIT_S, LOOK_S = 20.0, 1.0
# Nodes that have just been started take a moment to listen.
ANSWER_LIMIT_S = 30.0
# Machines whose free memory differs by less are alike: the one with fewer labs is taken.
ALIKE_BYTES = 512 << 20
# What a launch under way will take (measured: `lab bench --runtime docker`).
LAB_BYTES = 420 << 20
STALE_PERIOD_S = 5.0
MACHINE_FILE = "machine"


class Head:
    """Serves the supervisor at `orders` until it goes."""

    def __init__(self, machines: Machines, home: Path, secret: str, orders: Orders) -> None:
        self._machines, self._home, self._secret, self.orders = machines, home, secret, orders
        self._labs: dict[str, Placed] = {}
        self._left: dict[str, set[str]] = {}  # machine → labs that were taken from it
        self._launching: dict[str, int] = {}  # machine → launches under way

    def listen(self) -> None:
        """Hear the supervisor."""
        self.orders.listen(self._obey)
        self.orders.spawn(self._clear_stale())

    def _obey(self, fds: list[int], order: dict[str, Any]) -> Work:
        verbs: dict[str, Callable[[list[int], dict[str, Any]], Work]] = {
            "launch": self._launch, "adopt": self._adopt, "end": self._end, "job": self._pass_on, "terminal": self._pass_on,
            "found": self._found,
        }  # fmt: skip
        return verbs[order["do"]](fds, order)

    # Labs

    async def _launch(self, fds: list[int], order: dict[str, Any]) -> None:
        news, lifeline = fds
        say = sayer(news)
        plan = msgspec.convert(order["plan"], Plan)
        placed: Placed | None = None
        try:
            await self._machines.ready()
            placed = await self._start(plan, order, say)
        except Exception as error:
            say({"error": refusal(error)})
            if not isinstance(error, UsineError):
                traceback.print_exception(error)
        finally:
            os.close(news)
        if placed is None:
            os.close(lifeline)
        else:
            await self._outlive(placed, lifeline)

    async def _start(
        self, plan: Plan, order: dict[str, Any], say: Callable[[dict[str, Any]], None]
    ) -> Placed:
        """Raises: UsineError: nothing of it is left, where the machine can still be told."""
        model = Path(plan.line)
        ways_in = host_sockets(load_line(model), plan.forwards)
        ports = {device: way_in.getsockname()[1] for device, way_in in ways_in.items()}
        plan = msgspec.structs.replace(plan, forwards=ports)
        kept_on = _noted(plan)
        machine = await self._best(plan.name, kept_on)
        if kept_on not in {"", machine.id}:
            sys.stderr.write(f"{plan.name}: the machine that has its files does not answer; it begins anew\n")
        placed = Placed(plan, order["shape"], machine, lambda inner: self._order(placed.machine, inner))
        self._launching[machine.id] = self._launching.get(machine.id, 0) + 1
        try:
            stream = await self._order(
                machine,
                {
                    "do": "launch",
                    **self._about(placed),
                    "files": packed(model),
                    "again": order["again"],
                    "fresh": machine.id != kept_on,
                },
            )
            while (message := await stream.line()) is not None:
                if "error" in message or "ready" not in message:
                    say(message)
                    continue
                line = unpacked(message.pop("files"), Path(plan.folder) / "line")
                placed.plan = msgspec.structs.replace(plan, line=str(line))
                _note(placed)
                await placed.open(load_line(line), ways_in)
                self._labs[plan.name] = placed
                say({**message, "forwards": ports, "line": str(line), "machine": machine.name})
                return placed
        except (OSError, msgspec.MsgspecError) as error:
            raise _lost(machine) from error
        finally:
            self._launching[machine.id] -= 1
            if not placed.opened:
                for way_in in ways_in.values():
                    way_in.close()
        raise StartError(
            f"{plan.name} n'a pas démarré sur {machine.name}", f"{plan.name} did not start on {machine.name}"
        )

    async def _best(self, lab: str, kept_on: str) -> Machine:
        """The machine that has the lab's files, else that with the most memory left, counting launches under way.

        Raises:
            StartError: none answers.
        """
        former = self._labs.get(lab)
        wanted = kept_on if former is None else former.machine.id
        deadline = time.monotonic() + ANSWER_LIMIT_S
        while not (rated := await self._rated()) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
        if not rated:
            raise StartError(
                "aucune machine de l'essaim ne répond ; voyez « docker node ls », et USINE_SWARM_ENCRYPTED=0 si le noyau n'a pas IPsec",
                "no machine of the swarm answers; see 'docker node ls', and USINE_SWARM_ENCRYPTED=0 if the kernel has no IPsec",
            )
        for _bytes, machine in rated:
            if machine.id == wanted:
                return machine
        return max(rated, key=lambda found: (found[0] // ALIKE_BYTES, -self._busy(found[1])))[1]

    def _busy(self, machine: Machine) -> int:
        """The labs that it has, or that are about to be there."""
        there = sum(placed.machine.id == machine.id for placed in self._labs.values())
        return there + self._launching.get(machine.id, 0)

    async def _rated(self) -> list[tuple[int, Machine]]:
        """The bytes that each machine that answers has left."""
        well = await self._machines.well()
        free = await asyncio.gather(*(self._free(machine) for machine in well))
        return [(bytes_, machine) for bytes_, machine in zip(free, well, strict=True) if bytes_ is not None]

    async def _free(self, machine: Machine) -> int | None:
        with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
            stream = await self._order(machine, {"do": "free"})
            said = await stream.line()
            stream.close()
            if said is not None and "available_bytes" in said:
                return int(said["available_bytes"]) - self._launching.get(machine.id, 0) * LAB_BYTES
        return None

    async def _adopt(self, fds: list[int], order: dict[str, Any]) -> None:
        (lifeline,) = fds
        plan = msgspec.convert(order["plan"], Plan)
        placed: Placed | None = None
        while placed is None:
            try:
                await self._machines.ready()
                placed = await self._known(plan, order["shape"])
            except NotFoundError:
                os.write(lifeline, NONE_THERE)
                os.close(lifeline)
                return
            except (UsineError, OSError, msgspec.MsgspecError) as error:
                # An engine that is away comes back; labs are not given up for that.
                sys.stderr.write(f"{plan.name}: {error}\n")
                await asyncio.sleep(LOOK_S)
        await self._outlive(placed, lifeline)

    async def _known(self, plan: Plan, shape: str) -> Placed:
        """A lab that runs on some machine. Raises: NotFoundError: on none that answers."""
        for machine in await self._machines.well():
            for message in await self._on(machine):
                if message.get("plan", {}).get("name") == plan.name:
                    return await self._taken(machine, plan, shape)
        raise NotFoundError(f"{plan.name} n'est sur aucune machine", f"{plan.name} is on no machine")

    async def _taken(self, machine: Machine, plan: Plan, shape: str) -> Placed:
        placed = Placed(plan, shape, machine, lambda inner: self._order(placed.machine, inner))
        (await self._order(machine, {"do": "adopt", **self._about(placed)})).close()
        line = load_line(Path(plan.line))
        _note(placed)
        await placed.open(line, await same_ports(plan, line))
        self._labs[plan.name] = placed
        return placed

    async def _outlive(self, placed: Placed, lifeline: int) -> None:
        """Close the lifeline once the lab has ended, or its machine is lost; say which."""
        last = b""
        try:
            last = await self._last_words(placed)
        finally:
            await placed.close()
            if self._labs.get(placed.plan.name) is placed:
                del self._labs[placed.plan.name]
            with contextlib.suppress(OSError):
                os.write(lifeline, last)
            os.close(lifeline)

    async def _last_words(self, placed: Placed) -> bytes:
        silent_since = None
        while True:
            try:
                stream = await self._order(placed.machine, {"do": "lifeline", "lab": placed.plan.name})
                silent_since = None
                said = await stream.reader.read()
                stream.close()
                if said:
                    if said != GONE or placed.ending or not await self._again(placed):
                        return b""
                    continue
            except (OSError, TimeoutError, UsineError):
                pass
            now = time.monotonic()
            silent_since = silent_since or now
            if placed.ending or now - silent_since > RETURN_LIMIT_S:
                self._left.setdefault(placed.machine.id, set()).add(placed.plan.name)
                return LOST + placed.machine.name.encode()
            await asyncio.sleep(LOOK_S)
            await self._moved(placed)

    async def _again(self, placed: Placed) -> bool:
        """Whether a node that was started again has the lab, which it then takes over."""
        with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
            there = [
                message["plan"]["name"] for message in await self._on(placed.machine) if "plan" in message
            ]
            if placed.plan.name in there:
                (await self._order(placed.machine, {"do": "adopt", **self._about(placed)})).close()
                await asyncio.sleep(LOOK_S)
                return True
        return False

    async def _moved(self, placed: Placed) -> None:
        """A node that was started again has another address."""
        with contextlib.suppress(UsineError):
            for machine in await self._machines.well():
                if machine.id == placed.machine.id:
                    placed.machine = machine

    async def _end(self, _fds: list[int], order: dict[str, Any]) -> None:
        placed = self._labs.get(order["lab"])
        if placed is not None:
            placed.ending = True
            with contextlib.suppress(UsineError, OSError):
                (await self._order(placed.machine, {"do": "end", "lab": order["lab"]})).close()

    async def _found(self, fds: list[int], _order: dict[str, Any]) -> None:
        (answer,) = fds
        say = sayer(answer)
        names = {shape: name for name, shape in SHAPES.items()}
        try:
            await self._machines.ready()
            for machine in await self._machines.well():
                for message in await self._on(machine):
                    if "plan" in message:
                        say({"plan": message["plan"], "shape": names[message["shape"]]})
        except (UsineError, OSError, msgspec.MsgspecError) as error:
            say({"error": refusal(error)})
        finally:
            os.close(answer)

    async def _on(self, machine: Machine) -> list[dict[str, Any]]:
        """The labs on a machine, their plans with this machine's folders."""
        stream = await self._order(machine, {"do": "found"})
        found = []
        while (message := await stream.line()) is not None:
            if "plan" in message:
                plan = message["plan"]
                theirs = Path(plan["folder"]).parent.parent
                moved = {
                    key: str(self._home / Path(plan[key]).relative_to(theirs))
                    for key in ("folder", "control", "line")
                }
                message["plan"] = {**plan, **moved}
            found.append(message)
        stream.close()
        return found

    async def _clear_stale(self) -> None:
        """A machine that was lost and is back must not keep the labs that were started elsewhere."""
        while True:
            await asyncio.sleep(STALE_PERIOD_S)
            if not any(self._left.values()):
                continue
            with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
                for machine in await self._machines.well():
                    await self._clear(machine, self._left.get(machine.id, set()))

    async def _clear(self, machine: Machine, left: set[str]) -> None:
        for message in await self._on(machine) if left else []:
            plan = msgspec.convert(message.get("plan"), Plan)
            placed = self._labs.get(plan.name)
            if plan.name in left and (placed is None or placed.machine.id != machine.id):
                stale = Placed(
                    plan, next(n for n, s in SHAPES.items() if s == message["shape"]), machine, self._nowhere
                )
                stream = await self._order(machine, {"do": "remove", **self._about(stale)})
                await stream.line()
                stream.close()
        left.clear()

    async def _nowhere(self, _order: dict[str, Any]) -> Stream:
        raise OSError("a lab that is removed is not spoken to")

    # Seats

    async def _pass_on(self, fds: list[int], order: dict[str, Any]) -> None:
        """A job or a terminal: bytes both ways."""
        (descriptor,) = fds
        near = socket.socket(fileno=descriptor)
        near.setblocking(False)
        here = Stream(*await asyncio.open_unix_connection(sock=near, limit=LINE_BYTES))
        try:
            placed = self._labs.get(order["lab"])
            if placed is None:
                raise NotFoundError(
                    f"le labo {order['lab']} n'est pas en marche", f"lab {order['lab']} is not running"
                )
            await join(here, await self._order(placed.machine, order))
        except UsineError as error:
            here.send({"error": refusal(error)})
        finally:
            here.close()

    async def _order(self, machine: Machine, order: dict[str, Any]) -> Stream:
        """Raises: StartError: the machine does not answer."""
        try:
            stream = await self._machines.dial(machine)
        except (OSError, TimeoutError) as error:
            raise _lost(machine) from error
        return await ask(stream, self._secret, order)

    def _about(self, placed: Placed) -> dict[str, Any]:
        return {
            "shape": SHAPES[placed.shape],
            "plan": {**msgspec.to_builtins(placed.plan), "home": str(self._home)},
        }


def _note(placed: Placed) -> None:
    """Which machine has the lab's files: it starts there again."""
    (Path(placed.plan.folder) / MACHINE_FILE).write_text(placed.machine.id, encoding="ascii")


def _noted(plan: Plan) -> str:
    """The machine's id; empty where no lab of this name left anything."""
    try:
        return (Path(plan.folder) / MACHINE_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _lost(machine: Machine) -> StartError:
    return StartError(
        f"la machine {machine.name} de l'essaim ne répond pas ; voyez « docker node ls »",
        f"the swarm's machine {machine.name} does not answer; see 'docker node ls'",
    )


def made(orders: Orders, home: Path) -> Head:
    """Raises: UsineError: no engine answers, or it is told what it cannot be."""
    chosen = settings(home)
    secret = node_secret(home / "run" / "swarm.secret")
    return Head(SwarmMachines(Cluster(), Gate(chosen.workers), chosen, secret), home, secret, orders)


if __name__ == "__main__":
    run(made)
