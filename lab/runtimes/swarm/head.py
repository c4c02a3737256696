"""The supervisor's side of a swarm: `python -m lab.runtimes.swarm.head DESCRIPTOR HOME`.

It takes the orders of a steward (`lab.runtimes.docker.steward`), chooses the machine that has a lab's files, else that with the most free memory, and has
the node there (`node`) do the rest. Of a lab that is to be spread, other machines carry the devices of whole zones (`dealing`), on networks
that the head makes and removes (`networks`). A machine that is lost takes its labs along: their lifelines close, and the supervisor
starts them again, elsewhere.
"""

import asyncio
import contextlib
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
from lab.runtimes.swarm.dealing import dealt
from lab.runtimes.swarm.machines import ENCRYPTED_VARIABLE, Machine, Machines, SwarmMachines, node_secret
from lab.runtimes.swarm.networks import Networks, SwarmNetworks
from lab.runtimes.swarm.node import GONE
from lab.runtimes.swarm.placed import Placed
from lab.runtimes.swarm.streams import LINE_BYTES, Stream, ask, join
from simulators.errors import NotFoundError, StartError, UsineError
from simulators.host.plan import Places, Plan
from simulators.host.refusal import refusal, refused
from simulators.model import Line, load_line
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
MACHINE_FILE, AWAY_FILE = "machine", "away.json"


class Head:
    """Serves the supervisor at `orders` until it goes."""

    def __init__(
        self, machines: Machines, networks: Networks, home: Path, secret: str, orders: Orders
    ) -> None:
        self._machines, self._networks = machines, networks
        self._home, self._secret, self.orders = home, secret, orders
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
        names = [machine.name for machine in placed.machines]
        say({"ready": True, "forwards": plan.forwards, "line": plan.line, "zones": True, "machines": names})
        return placed

    async def _start(
        self, plan: Plan, order: dict[str, Any], say: Callable[[dict[str, Any]], None]
    ) -> Placed:
        """Raises: UsineError: nothing of it is left, where the machine can still be told."""
        model = Path(plan.line)
        line = load_line(model)
        ways_in = host_sockets(line, plan.forwards)
        placed: Placed | None = None
        try:
            ports = {device: way_in.getsockname()[1] for device, way_in in ways_in.items()}
            plan = msgspec.structs.replace(plan, forwards=ports, places=None)
            placed = await self._placed(plan, line, order)
            message = await self._made(placed, model, order["again"], say)
            line_path = unpacked(message.pop("files"), Path(plan.folder) / "line")
            placed.plan = msgspec.structs.replace(placed.plan, line=str(line_path))
            _note(placed)
            await placed.open(load_line(line_path), ways_in)
        except (OSError, msgspec.MsgspecError) as error:
            raise _lost(placed.machine if placed else None) from error
        finally:
            if placed is None or not placed.opened:
                for way_in in ways_in.values():
                    way_in.close()
                if placed is not None:
                    await self._take_apart(placed)
        self._labs[plan.name] = placed
        names = [machine.name for machine in placed.machines]
        say({**message, "forwards": ports, "line": str(line_path), "machines": names})
        return placed

    async def _placed(self, plan: Plan, line: Line, order: dict[str, Any]) -> Placed:
        """On its machines, of which none has been told yet. Raises: UsineError."""
        kept_on = _noted(plan)
        main = await self._best(plan.name, kept_on)
        if kept_on not in {"", main.id}:
            sys.stderr.write(f"{plan.name}: the machine that has its files does not answer; it begins anew\n")
        away: list[Machine] = []
        if plan.spread:
            others = {found.id: (free, found) for free, found in await self._rated() if found.id != main.id}
            if others:
                plan = await self._spread(plan, line, {key: free for key, (free, _m) in others.items()})
                assert plan.places is not None
                away = [others[key][1] for key in dict.fromkeys(plan.places.away.values())]
            elif order["again"]:
                sys.stderr.write(f"{plan.name}: only {main.name} answers; it is whole there\n")
            else:
                raise StartError(
                    f"{main.name} est la seule machine de l'essaim qui répond : rien sur quoi répartir {plan.name} ; voyez "
                    "« docker node ls », ou démarrez-le sans --spread",
                    f"{main.name} is the only machine of the swarm that answers: nothing to spread {plan.name} over; see "
                    "'docker node ls', or start it without --spread",
                )
        placed = Placed(plan, order["shape"], main, lambda inner: self._order(placed.machine, inner), away)
        return placed

    async def _spread(self, plan: Plan, line: Line, free_bytes: dict[str, int]) -> Plan:
        """The plan with the places of its devices, whose networks are made. Raises: UsineError."""
        away = dealt(line, free_bytes, _noted_away(plan))
        if not away:
            raise StartError(
                f"les équipements de {line.id} sont dans une seule zone : rien à répartir ; démarrez {plan.name} sans --spread",
                f"the devices of {line.id} are in one zone: nothing to spread; start {plan.name} without --spread",
            )
        networks, subnets = await self._networks.make(plan.name, line)
        return msgspec.structs.replace(plan, places=Places(networks, subnets, away))

    async def _made(
        self, placed: Placed, model: Path, again: bool, say: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Have its machines make it; what the main one says when it is ready. Raises: UsineError, OSError, MsgspecError."""
        files, had = packed(model), {_noted(placed.plan), *_noted_away(placed.plan).values()}
        main, *away = placed.machines
        for machine in placed.machines:
            self._launching[machine.id] = self._launching.get(machine.id, 0) + 1
        making = [
            asyncio.ensure_future(self._main_made(placed, files, again, main.id not in had, say)),
            *(
                asyncio.ensure_future(self._carried(placed, machine, files, fresh=machine.id not in had))
                for machine in away
            ),
        ]
        try:
            for made in asyncio.as_completed(making):
                await made
            return making[0].result()
        finally:
            for each in making:
                each.cancel()
            await asyncio.gather(*making, return_exceptions=True)
            for machine in placed.machines:
                self._launching[machine.id] -= 1

    async def _main_made(
        self,
        placed: Placed,
        files: dict[str, str],
        again: bool,
        fresh: bool,
        say: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any]:
        order = {"do": "launch", **self._about(placed), "files": files, "again": again, "fresh": fresh}
        stream = await self._order(placed.machine, order)
        try:
            while (message := await stream.line()) is not None:
                if "error" in message:
                    raise refused(message["error"])
                if "ready" in message:
                    return message
                say(message)
        finally:
            stream.close()
        name, machine = placed.plan.name, placed.machine.name
        raise StartError(f"{name} n'a pas démarré sur {machine}", f"{name} did not start on {machine}")

    async def _carried(
        self,
        placed: Placed,
        machine: Machine,
        files: dict[str, str],
        fresh: bool = False,
        again: bool = False,
    ) -> dict[str, Any]:
        """Have another machine carry its devices. Raises: UsineError."""
        order = {
            "do": "carry", **self._about(placed), "machine": machine.id, "files": files, "again": again, "fresh": fresh,
        }  # fmt: skip
        try:
            stream = await self._order(machine, order)
            try:
                message = await stream.line()
            finally:
                stream.close()
        except (OSError, msgspec.MsgspecError) as error:
            raise _lost(machine) from error
        if message is None:
            raise _lost(machine)
        if "error" in message:
            raise refused(message["error"])
        return message

    async def _take_apart(self, placed: Placed) -> None:
        """What is left of a lab that was spread; of one that was whole its machine has cleared."""
        if placed.plan.places is None:
            return
        name = placed.plan.name
        told = [m for m in placed.machines if name not in self._left.get(m.id, ())]
        await asyncio.gather(*(self._removed(placed, machine) for machine in told))
        try:
            await self._networks.clear(name)
        except UsineError as error:
            sys.stderr.write(f"{name}: {error.text.en}\n")

    async def _removed(self, placed: Placed, machine: Machine) -> None:
        """All of it that is on a machine; one that does not answer now is told when it does."""
        try:
            stream = await self._order(machine, {"do": "remove", **self._about(placed)})
            said = await stream.line()
            stream.close()
        except (UsineError, OSError, msgspec.MsgspecError):
            said = None
        if said is None or "removed" not in said:
            self._left.setdefault(machine.id, set()).add(placed.plan.name)

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
        there = sum(placed.on(machine) for placed in self._labs.values())
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
                if message.get("plan", {}).get("name") == plan.name and message["shape"] != AWAY:
                    places = msgspec.convert(message["plan"], Plan).places
                    return await self._taken(machine, msgspec.structs.replace(plan, places=places), shape)
        raise NotFoundError(f"{plan.name} n'est sur aucune machine", f"{plan.name} is on no machine")

    async def _taken(self, machine: Machine, plan: Plan, shape: str) -> Placed:
        placed = Placed(
            plan, shape, machine, lambda inner: self._order(placed.machine, inner), await self._away_of(plan)
        )
        (await self._order(machine, {"do": "adopt", **self._about(placed)})).close()
        line = load_line(Path(plan.line))
        _note(placed)
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
        finally:
            await placed.close()
            await self._take_apart(placed)
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
                stream = await self._order(machine, {"do": "lifeline", "lab": placed.plan.name})
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
            there = [
                message["plan"]["name"]
                for message in await self._on(machine)
                if "plan" in message and (message["shape"] == AWAY) == (number > 0)
            ]
            if placed.plan.name in there:
                if number == 0:
                    (await self._order(machine, {"do": "adopt", **self._about(placed)})).close()
                else:
                    await self._carried(placed, machine, packed(Path(placed.plan.line)), again=True)
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
            await asyncio.gather(*(self._told_to_end(placed, machine) for machine in placed.machines))

    async def _told_to_end(self, placed: Placed, machine: Machine) -> None:
        with contextlib.suppress(UsineError, OSError):
            (await self._order(machine, {"do": "end", "lab": placed.plan.name})).close()

    async def _found(self, fds: list[int], _order: dict[str, Any]) -> None:
        (answer,) = fds
        say = sayer(answer)
        names = {shape: name for name, shape in SHAPES.items()}
        try:
            await self._machines.ready()
            for machine in await self._machines.well():
                for message in await self._on(machine):
                    if "plan" in message and message["shape"] != AWAY:
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
            with contextlib.suppress(UsineError):
                await self._networks.sweep()
            if not any(self._left.values()):
                continue
            with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
                for machine in await self._machines.well():
                    await self._clear(machine, self._left.get(machine.id, set()))

    async def _clear(self, machine: Machine, left: set[str]) -> None:
        for message in await self._on(machine) if left else []:
            plan = msgspec.convert(message.get("plan"), Plan)
            placed = self._labs.get(plan.name)
            if plan.name in left and (placed is None or not placed.on(machine)):
                shape = next((name for name, known in SHAPES.items() if known == message["shape"]), "swarm")
                stale = Placed(plan, shape, machine, self._nowhere)
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
    """Which machines have the lab's files: it starts there again."""
    folder = Path(placed.plan.folder)
    (folder / MACHINE_FILE).write_text(placed.machine.id, encoding="ascii")
    away = placed.plan.places.away if placed.plan.places else {}
    (folder / AWAY_FILE).write_bytes(msgspec.json.encode(away))


def _noted(plan: Plan) -> str:
    """The machine's id; empty where no lab of this name left anything."""
    try:
        return (Path(plan.folder) / MACHINE_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _noted_away(plan: Plan) -> dict[str, str]:
    """Device → machine, of those that were not on the main one when the lab last ran."""
    try:
        return msgspec.json.decode((Path(plan.folder) / AWAY_FILE).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}


def _lost(machine: Machine | None) -> StartError:
    name = machine.name if machine else "–"
    return StartError(
        f"la machine {name} de l'essaim ne répond pas ; voyez « docker node ls »",
        f"the swarm's machine {name} does not answer; see 'docker node ls'",
    )


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
