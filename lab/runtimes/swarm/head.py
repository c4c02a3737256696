"""The supervisor's side of a swarm: `python -m lab.runtimes.swarm.head DESCRIPTOR HOME`.

It takes the orders of a steward (`lab.runtimes.docker.steward`), chooses the machine that has a lab's files, else that with the most free memory, and has
the node there (`node`) do the rest. Of a lab that is to be spread, other machines carry the devices of whole zones (`dealing`), on networks
that the head makes and removes (`networks`). A machine that is lost takes its labs along: their lifelines close, and the supervisor
starts them again, elsewhere.
"""

import asyncio
import contextlib
import itertools
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker.cluster import Cluster
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.orders import Orders, Work, run, sayer
from lab.runtimes.docker.ports import same_ports
from lab.runtimes.docker.runtime import LOST, NONE_THERE
from lab.runtimes.docker.settings import settings
from lab.runtimes.docker.steward import AWAY
from lab.runtimes.swarm.bundle import packed, unpacked
from lab.runtimes.swarm.choosing import Choosing, note, noted, noted_away
from lab.runtimes.swarm.machines import ENCRYPTED_VARIABLE, Machine, Machines, SwarmMachines, node_secret
from lab.runtimes.swarm.networks import FREED_LIMIT_S, Networks, SwarmNetworks
from lab.runtimes.swarm.node import GONE
from lab.runtimes.swarm.nodes import SHAPES, Nodes, lost
from lab.runtimes.swarm.placed import Placed, unheard
from lab.runtimes.swarm.streams import LINE_BYTES, Stream, join
from simulators.errors import NotFoundError, UsineError
from simulators.host.plan import Places, Plan
from simulators.host.refusal import refusal
from simulators.model import Line, load_line
from simulators.network.forward import host_sockets

# How long a machine may be silent before its labs are started on another one.
RETURN_LIMIT_S, LOOK_S = 20.0, 1.0
STALE_PERIOD_S = 5.0


class Head:
    """Serves the supervisor at `orders` until it goes."""

    def __init__(
        self, machines: Machines, networks: Networks, home: Path, secret: str, orders: Orders
    ) -> None:
        self._machines, self._networks = machines, networks
        self.orders = orders
        self._labs: dict[str, Placed] = {}
        self._nodes = Nodes(machines, home, secret)
        self._choosing = Choosing(machines, self._nodes, self._labs)
        self._left: dict[str, set[str]] = {}  # machine → labs that were taken from it

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
            placed = await self._running_again(plan, order, say) or await self._start(plan, order, say)
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

    async def _running_again(
        self, plan: Plan, order: dict[str, Any], say: Callable[[dict[str, Any]], None]
    ) -> Placed | None:
        """A spread lab that outlived the head which started it: its networks are in use, and it goes on with them."""
        if not (order["again"] and plan.spread):
            return None
        try:
            placed = await self._known(plan, order["shape"])
        except NotFoundError:
            return None
        ready = {"ready": True, "forwards": plan.forwards, "line": plan.line, "zones": True}
        say({**ready, "machines": placed.names})
        return placed

    async def _start(
        self, plan: Plan, order: dict[str, Any], say: Callable[[dict[str, Any]], None]
    ) -> Placed:
        """Raises: UsineError: nothing of it is left, where the machine can still be told."""
        line = load_line(Path(plan.line))
        ways_in = host_sockets(line, plan.forwards)
        placed: Placed | None = None
        try:
            ports = {device: way_in.getsockname()[1] for device, way_in in ways_in.items()}
            placed = await self._placed(
                msgspec.structs.replace(plan, forwards=ports, places=None), line, order
            )
            message = await self._made(placed, order["again"], say)
            moved = unpacked(message.pop("files"), Path(plan.folder) / "line")
            placed.plan = msgspec.structs.replace(placed.plan, line=str(moved))
            note(placed)
            await placed.open(load_line(moved), ways_in)
        finally:
            if placed is None or not placed.opened:
                for way_in in ways_in.values():
                    way_in.close()
            if placed is not None and not placed.opened:
                await self._take_apart(placed)
        self._labs[plan.name] = placed
        say({**message, "forwards": ports, "line": placed.plan.line, "machines": placed.names})
        return placed

    async def _placed(self, plan: Plan, line: Line, order: dict[str, Any]) -> Placed:
        """On its machines, none of which has been told yet; with its networks, if it is spread. Raises: UsineError."""
        main = await self._choosing.main(plan)
        away = await self._choosing.away(plan, line, main, order["again"]) if plan.spread else {}
        if away:
            there = (main, *dict.fromkeys(away.values()))
            used = await asyncio.gather(*(self._nodes.subnets(machine) for machine in there))
            networks, subnets = await self._networks.make(plan.name, line, [*itertools.chain(*used)])
            places = Places(networks, subnets, {device: machine.id for device, machine in away.items()})
            plan = msgspec.structs.replace(plan, places=places)
        return self._placed_on(plan, order["shape"], main, list(dict.fromkeys(away.values())))

    def _placed_on(self, plan: Plan, shape: str, main: Machine, away: Sequence[Machine]) -> Placed:
        placed = Placed(plan, shape, main, lambda inner: self._nodes.order(placed.machine, inner), away)
        return placed

    async def _made(
        self, placed: Placed, again: bool, say: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Have its machines make it; what the main one says when it is ready. Raises: UsineError."""
        files, had = packed(Path(placed.plan.line)), {noted(placed.plan), *noted_away(placed.plan).values()}
        main, *away = placed.machines
        making: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._nodes.launch(placed, files, again, main.id not in had, say)),
            *(
                asyncio.ensure_future(self._nodes.carry(placed, machine, files, False, machine.id not in had))
                for machine in away
            ),
        ]
        self._choosing.begin(placed.machines)
        try:
            for made in asyncio.as_completed(making):
                await made
            return dict(making[0].result())
        except (OSError, msgspec.MsgspecError) as error:
            raise lost(main) from error
        finally:
            for each in making:
                each.cancel()
            await asyncio.gather(*making, return_exceptions=True)
            self._choosing.end(placed.machines)

    async def _take_apart(self, placed: Placed) -> None:
        """What is left of a lab that was spread; of one that was whole its machine has cleared."""
        if placed.plan.places is None:
            return
        name = placed.plan.name
        told = [m for m in placed.machines if name not in self._left.get(m.id, ())]
        for machine, removed in zip(
            told, await asyncio.gather(*(self._nodes.remove(placed, m) for m in told)), strict=True
        ):
            if not removed:
                self._left.setdefault(machine.id, set()).add(name)
        try:
            # Of a machine that is lost the swarm believes for a day that it is in them: they are not waited for.
            all_told = len(told) == len(placed.machines)
            await self._networks.clear(name, FREED_LIMIT_S if all_told else 0.0)
        except UsineError as error:
            sys.stderr.write(f"{name}: {error.text.en}\n")

    async def _adopt(self, fds: list[int], order: dict[str, Any]) -> None:
        (lifeline,) = fds
        plan = msgspec.convert(order["plan"], Plan)
        self._unplaced(plan)
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

    def _unplaced(self, plan: Plan) -> None:
        if plan.name not in self._labs:
            unheard(plan)

    async def _known(self, plan: Plan, shape: str) -> Placed:
        """A lab that runs on some machine. Raises: NotFoundError: on none that answers."""
        for machine in await self._machines.well():
            for message in await self._nodes.found(machine):
                if message.get("plan", {}).get("name") == plan.name and message["shape"] != AWAY:
                    places = msgspec.convert(message["plan"], Plan).places
                    return await self._taken(machine, msgspec.structs.replace(plan, places=places), shape)
        raise NotFoundError(f"{plan.name} n'est sur aucune machine", f"{plan.name} is on no machine")

    async def _taken(self, machine: Machine, plan: Plan, shape: str) -> Placed:
        placed = self._placed_on(plan, shape, machine, await self._away_of(plan))
        await self._nodes.adopt(placed)
        line = load_line(Path(plan.line))
        note(placed)
        await placed.open(line, await same_ports(plan, line))
        self._labs[plan.name] = placed
        return placed

    async def _away_of(self, plan: Plan) -> Sequence[Machine]:
        """The other machines of a lab that runs; one that does not answer has until `RETURN_LIMIT_S` to."""
        wanted = dict.fromkeys(plan.places.away.values() if plan.places else ())
        well = {machine.id: machine for machine in await self._machines.well()}
        return [well.get(key, Machine(key, key, "")) for key in wanted]

    async def _outlive(self, placed: Placed, lifeline: int) -> None:
        """Close the lifeline once the lab has ended, or its machine is lost; say which."""
        last = b""
        try:
            last = await self._last_words(placed)
            # Not where this is cancelled: the head goes then, and labs stay.
            await placed.close()
            await self._take_apart(placed)
        finally:
            await placed.close()
            if self._labs.get(placed.plan.name) is placed:
                del self._labs[placed.plan.name]
            with contextlib.suppress(OSError):
                os.write(lifeline, last)
            os.close(lifeline)

    async def _last_words(self, placed: Placed) -> bytes:
        """Once it has ended, or any of its machines is lost."""
        watching = [
            asyncio.ensure_future(self._ended(placed, number)) for number in range(len(placed.machines))
        ]
        try:
            done, rest = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
            if rest and placed.ending:
                # All end in order: what devices hold is kept.
                done, _rest = await asyncio.wait(watching)
            return max(each.result() for each in done)
        finally:
            for each in watching:
                each.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _ended(self, placed: Placed, number: int) -> bytes:
        """What is to be said of the lab when that machine of its has no more of it."""
        silent_since = None
        while True:
            machine = placed.machines[number]
            try:
                stream = await self._nodes.order(machine, {"do": "lifeline", "lab": placed.plan.name})
                silent_since = None
                try:
                    said = await stream.reader.read()
                finally:
                    stream.close()
                if said:
                    if said != GONE or placed.ending or not await self._again(placed, number):
                        return b""
                    continue
            except (OSError, TimeoutError, UsineError):
                pass
            now = time.monotonic()
            silent_since = silent_since or now
            if placed.ending or now - silent_since > RETURN_LIMIT_S:
                self._left.setdefault(machine.id, set()).add(placed.plan.name)
                return LOST + machine.name.encode()
            await asyncio.sleep(LOOK_S)
            await self._moved(placed)

    async def _again(self, placed: Placed, number: int) -> bool:
        """Whether a node that was started again has the lab, which it then takes over."""
        machine = placed.machines[number]
        with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
            if await self._nodes.has(machine, placed.plan.name, away=number > 0):
                if number == 0:
                    await self._nodes.adopt(placed)
                else:
                    await self._nodes.carry(placed, machine, packed(Path(placed.plan.line)), True, False)
                await asyncio.sleep(LOOK_S)
                return True
        return False

    async def _moved(self, placed: Placed) -> None:
        """A node that was started again has another address."""
        with contextlib.suppress(UsineError):
            well = {machine.id: machine for machine in await self._machines.well()}
            placed.machines = [well.get(machine.id, machine) for machine in placed.machines]

    async def _end(self, _fds: list[int], order: dict[str, Any]) -> None:
        placed = self._labs.get(order["lab"])
        if placed is not None:
            placed.ending = True
            await asyncio.gather(*(self._nodes.end(placed, machine) for machine in placed.machines))

    async def _found(self, fds: list[int], _order: dict[str, Any]) -> None:
        (answer,) = fds
        say = sayer(answer)
        names = {shape: name for name, shape in SHAPES.items()}
        try:
            await self._machines.ready()
            for machine in await self._machines.well():
                for message in await self._nodes.found(machine):
                    if "plan" in message and message["shape"] != AWAY:
                        self._unplaced(msgspec.convert(message["plan"], Plan))
                        say({"plan": message["plan"], "shape": names[message["shape"]]})
        except (UsineError, OSError, msgspec.MsgspecError) as error:
            say({"error": refusal(error)})
        finally:
            os.close(answer)

    async def _clear_stale(self) -> None:
        """A machine that was lost and is back must not keep the labs that were started elsewhere."""
        while True:
            await asyncio.sleep(STALE_PERIOD_S)
            with contextlib.suppress(UsineError):
                await self._networks.sweep()
            if not any(self._left.values()):
                continue
            with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
                for machine in await self._machines.well():
                    await self._clear(machine, self._left.get(machine.id, set()))

    async def _clear(self, machine: Machine, left: set[str]) -> None:
        for message in await self._nodes.found(machine) if left else []:
            plan = msgspec.convert(message.get("plan"), Plan)
            placed = self._labs.get(plan.name)
            if plan.name in left and (placed is None or not placed.on(machine)):
                shape = next((name for name, known in SHAPES.items() if known == message["shape"]), "swarm")
                await self._nodes.remove(Placed(plan, shape, machine, self._nowhere), machine)
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
            await join(here, await self._nodes.order(placed.machine, order))
        except UsineError as error:
            here.send({"error": refusal(error)})
        finally:
            here.close()


def made(orders: Orders, home: Path) -> Head:
    """Raises: UsineError: no engine answers, or it is told what it cannot be."""
    chosen = settings(home)
    secret = node_secret(home / "run" / "swarm.secret")
    cluster, gate = Cluster(), Gate(chosen.workers)
    encrypted = os.environ.get(ENCRYPTED_VARIABLE, "1") != "0"
    networks = SwarmNetworks(cluster, gate, chosen, encrypted)
    return Head(SwarmMachines(cluster, gate, chosen, secret), networks, home, secret, orders)


if __name__ == "__main__":
    run(made)
