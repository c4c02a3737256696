"""Which machines a lab goes to: those that have its files, else those with the most free memory."""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from lab.runtimes.swarm.dealing import dealt
from lab.runtimes.swarm.machines import Machine, Machines
from lab.runtimes.swarm.nodes import Nodes
from lab.runtimes.swarm.placed import Placed
from simulators.errors import StartError
from simulators.host.plan import Plan
from simulators.model import Line

# Nodes that have just been started take a moment to listen.
ANSWER_LIMIT_S, LOOK_S = 30.0, 1.0
# Machines whose free memory differs by less are alike: the one with fewer labs is taken.
ALIKE_BYTES = 512 << 20
# What a launch under way will take (measured: `lab bench --runtime docker`).
LAB_BYTES = 420 << 20
MACHINE_FILE, AWAY_FILE = "machine", "away.json"


class Choosing:
    """`labs` are those that are placed, `launching` says how many more each machine is about to have."""

    def __init__(self, machines: Machines, nodes: Nodes, labs: Mapping[str, Placed]) -> None:
        self._machines, self._nodes, self._labs = machines, nodes, labs
        self._launching: dict[str, int] = {}

    async def main(self, plan: Plan) -> Machine:
        """The machine that has the lab's files, else that with the most memory left, counting launches under way.

        Raises:
            StartError: none answers.
        """
        kept_on, former = noted(plan), self._labs.get(plan.name)
        wanted = kept_on if former is None else former.machine.id
        deadline = time.monotonic() + ANSWER_LIMIT_S
        while not (rated := await self._rated()) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
        if not rated:
            raise StartError(
                "aucune machine de l'essaim ne répond ; voyez « docker node ls », et USINE_SWARM_ENCRYPTED=0 si le noyau n'a pas IPsec",
                "no machine of the swarm answers; see 'docker node ls', and USINE_SWARM_ENCRYPTED=0 if the kernel has no IPsec",
            )
        best = max(rated, key=lambda found: (found[0] // ALIKE_BYTES, -self._busy(found[1])))[1]
        machine = next((machine for _bytes, machine in rated if machine.id == wanted), best)
        if kept_on not in {"", machine.id}:
            sys.stderr.write(f"{plan.name}: the machine that has its files does not answer; it begins anew\n")
        return machine

    async def away(self, plan: Plan, line: Line, main: Machine, again: bool) -> dict[str, Machine]:
        """Device → machine, of those of a lab to be spread that are not on the main one.

        None of one that is started `again`, where no other machine is left: it is whole.

        Raises:
            StartError: there is nothing to spread, or nothing to spread it over.
        """
        deadline = time.monotonic() + (0.0 if again else ANSWER_LIMIT_S)
        while not (rated := await self._others(main)) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
        if not rated and again:
            sys.stderr.write(f"{plan.name}: only {main.name} answers; it is whole there\n")
            return {}
        if not rated:
            raise StartError(
                f"{main.name} est la seule machine de l'essaim qui répond : rien sur quoi répartir {plan.name} ; voyez "
                "« docker node ls », ou démarrez-le sans --spread",
                f"{main.name} is the only machine of the swarm that answers: nothing to spread {plan.name} over; see "
                "'docker node ls', or start it without --spread",
            )
        away = dealt(line, {key: free for key, (free, _machine) in rated.items()}, noted_away(plan))
        if not away:
            raise StartError(
                f"les équipements de {line.id} sont dans une seule zone : rien à répartir ; démarrez {plan.name} sans --spread",
                f"the devices of {line.id} are in one zone: nothing to spread; start {plan.name} without --spread",
            )
        return {device: rated[key][1] for device, key in away.items()}

    async def _others(self, main: Machine) -> dict[str, tuple[int, Machine]]:
        """By their id, with the bytes that each has left."""
        return {machine.id: (free, machine) for free, machine in await self._rated() if machine.id != main.id}

    def begin(self, machines: Iterable[Machine]) -> None:
        """A launch there is under way."""
        for machine in machines:
            self._launching[machine.id] = self._launching.get(machine.id, 0) + 1

    def end(self, machines: Iterable[Machine]) -> None:
        """It has come to its end."""
        for machine in machines:
            self._launching[machine.id] -= 1

    def _busy(self, machine: Machine) -> int:
        """The labs that it has, or that are about to be there."""
        there = sum(placed.on(machine) for placed in self._labs.values())
        return there + self._launching.get(machine.id, 0)

    async def _rated(self) -> list[tuple[int, Machine]]:
        """The bytes that each machine that answers has left."""
        well = await self._machines.well()
        free = await asyncio.gather(*(self._nodes.free_bytes(machine) for machine in well))
        return [
            (bytes_ - self._launching.get(machine.id, 0) * LAB_BYTES, machine)
            for bytes_, machine in zip(free, well, strict=True)
            if bytes_ is not None
        ]


def note(placed: Placed) -> None:
    """Which machines have the lab's files: it starts there again."""
    folder = Path(placed.plan.folder)
    (folder / MACHINE_FILE).write_text(placed.machine.id, encoding="ascii")
    away = placed.plan.places.away if placed.plan.places else {}
    (folder / AWAY_FILE).write_bytes(msgspec.json.encode(away))


def noted(plan: Plan) -> str:
    """The main machine's id; empty where no lab of this name left anything."""
    try:
        return (Path(plan.folder) / MACHINE_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def noted_away(plan: Plan) -> dict[str, str]:
    """Device → machine, of those that were not on the main one when the lab last ran."""
    try:
        return msgspec.json.decode((Path(plan.folder) / AWAY_FILE).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
