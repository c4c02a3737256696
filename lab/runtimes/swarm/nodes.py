"""What the head tells the nodes: an order and its answer, machine by machine."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker.steward import AWAY
from lab.runtimes.swarm.machines import Machine, Machines
from lab.runtimes.swarm.placed import Placed
from lab.runtimes.swarm.streams import Stream, ask
from simulators.errors import StartError, UsineError
from simulators.host.refusal import refused

# The shapes that nodes know, by the name of the runtime here.
SHAPES = {"swarm": "docker", "swarm-compact": "docker-compact"}


class Nodes:
    """`home` is the head's state folder, whose paths nodes change for their own; `secret` opens them."""

    def __init__(self, machines: Machines, home: Path, secret: str) -> None:
        self._machines, self._home, self._secret = machines, home, secret

    async def order(self, machine: Machine, order: dict[str, Any]) -> Stream:
        """What follows the order. Raises: StartError: the machine does not answer."""
        try:
            stream = await self._machines.dial(machine)
        except (OSError, TimeoutError) as error:
            raise lost(machine) from error
        return await ask(stream, self._secret, order)

    def about(self, placed: Placed) -> dict[str, Any]:
        """The lab, in the words of an order."""
        return {
            "shape": SHAPES[placed.shape],
            "start": placed.start,
            "plan": {**msgspec.to_builtins(placed.plan), "home": str(self._home)},
        }

    async def free_bytes(self, machine: Machine) -> int | None:
        """The memory that it has left; None where it does not answer."""
        with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError, TimeoutError):
            said = await self._answer(machine, {"do": "free"})
            if said is not None and "available_bytes" in said:
                return int(said["available_bytes"])
        return None

    async def subnets(self, machine: Machine) -> list[str]:
        """Those of all networks that its engine has: no other can have them there. Raises: UsineError."""
        return list((await self._done(machine, {"do": "subnets"}))["subnets"])

    async def found(self, machine: Machine) -> list[dict[str, Any]]:
        """The labs on a machine, their plans with this machine's folders. Raises: UsineError, OSError, MsgspecError."""
        stream = await self.order(machine, {"do": "found"})
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

    async def has(self, machine: Machine, lab: str, away: bool) -> bool:
        """Whether the lab, or devices of it that are `away`, run there. Raises: as `found`."""
        return any(
            message["plan"]["name"] == lab and (message["shape"] == AWAY) == away
            for message in await self.found(machine)
            if "plan" in message
        )

    async def launch(
        self,
        placed: Placed,
        files: dict[str, str],
        again: bool,
        fresh: bool,
        say: Callable[[dict[str, Any]], None],
    ) -> dict[str, Any]:
        """Have the main machine make the lab; its last word when all devices answer, those before go to `say`.

        Raises:
            UsineError, OSError, MsgspecError: it is not made there.
        """
        order = {"do": "launch", **self.about(placed), "files": files, "again": again, "fresh": fresh}
        stream = await self.order(placed.machine, order)
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

    async def adopt(self, placed: Placed) -> None:
        """Have the main machine take over a lab that runs there. Raises: StartError."""
        (await self.order(placed.machine, {"do": "adopt", **self.about(placed)})).close()

    async def carry(
        self, placed: Placed, machine: Machine, files: dict[str, str], again: bool, fresh: bool
    ) -> None:
        """Have another machine make its devices, those that are not there where `again`. Raises: UsineError."""
        order = {"do": "carry", **self.about(placed), "machine": machine.id, "files": files}
        await self._done(machine, {**order, "again": again, "fresh": fresh})

    async def end(self, placed: Placed, machine: Machine) -> None:
        """Have it end, in order. A machine that does not answer is found out elsewhere."""
        with contextlib.suppress(UsineError, OSError):
            (await self.order(machine, {"do": "end", "lab": placed.plan.name})).close()

    async def remove(self, placed: Placed, machine: Machine) -> bool:
        """Remove all of it that is there; False where the machine does not answer, or cannot."""
        with contextlib.suppress(UsineError, OSError, msgspec.MsgspecError):
            said = await self._answer(machine, {"do": "remove", **self.about(placed)})
            return said is not None and "removed" in said
        return False

    async def _done(self, machine: Machine, order: dict[str, Any]) -> dict[str, Any]:
        """The answer. Raises: UsineError: there is none, or a refusal."""
        try:
            said = await self._answer(machine, order)
        except (OSError, msgspec.MsgspecError) as error:
            raise lost(machine) from error
        if said is None:
            raise lost(machine)
        if "error" in said:
            raise refused(said["error"])
        return said

    async def _answer(self, machine: Machine, order: dict[str, Any]) -> dict[str, Any] | None:
        stream = await self.order(machine, order)
        try:
            return await stream.line()
        finally:
            stream.close()


def lost(machine: Machine) -> StartError:
    """It does not answer."""
    return StartError(
        f"la machine {machine.name} de l'essaim ne répond pas ; voyez « docker node ls »",
        f"the swarm's machine {machine.name} does not answer; see 'docker node ls'",
    )
