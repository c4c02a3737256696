"""The head of a swarm with real nodes, whose stewards carry labs that are made of files and a socket."""

import asyncio
import json
import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from lab.catalog import line_path
from lab.runtimes.docker.orders import Orders
from lab.runtimes.docker.runtime import LOST, NONE_THERE
from lab.runtimes.docker.steward import AWAY, Steward
from lab.runtimes.swarm import choosing
from lab.runtimes.swarm import head as head_module
from lab.runtimes.swarm.head import Head
from lab.runtimes.swarm.machines import Machine
from lab.runtimes.swarm.node import Node
from lab.runtimes.swarm.placed import Placed
from lab.runtimes.swarm.streams import LINE_BYTES, Stream
from simulators.errors import StartError
from simulators.host.plan import Plan
from simulators.model import Line
from tests.waiting import HANG_S, last_served

SECRET = "between head and nodes"


class NetworksInMemory:
    """Those of spread labs (networks.Networks), by lab; `made` counts."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, str]] = {}
        self.made = 0
        self.used: list[str] = []

    async def make(
        self, lab: str, line: Line, used: Collection[str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        self.made += 1
        self.used = sorted(used)
        keys = [*(zone.id for zone in line.zones), "field"]
        self.there[lab] = {key: f"{lab}-{key}" for key in keys}
        return self.there[lab], {key: f"10.201.{number}.0/24" for number, key in enumerate(keys)}

    async def clear(self, lab: str, limit_s: float = 0.0) -> None:
        del limit_s
        self.there.pop(lab, None)

    async def sweep(self) -> None:
        """None is ever in use."""


class LabsOfAMachine:
    """A steward whose labs answer what they are told on their control channel. `removed` are those that were not to stay.

    `away` are those of which it carries devices only. Seeds that it refuses: 13 as a lab, 14 as a part of one.
    """

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self.lifelines: dict[str, int] = {}
        self.plans: dict[str, Plan] = {}
        self.away: dict[str, Plan] = {}
        self.servers: list[asyncio.Server] = []
        self.removed: list[str] = []
        orders.setblocking(False)
        asyncio.get_running_loop().add_reader(orders.fileno(), self._hear)

    def _hear(self) -> None:
        data, fds, _flags, _address = socket.recv_fds(self._orders, 1 << 20, 4)
        if not data:
            asyncio.get_running_loop().remove_reader(self._orders.fileno())
            return
        order = json.loads(data)
        work = getattr(self, f"_{order['do']}")(fds, order)
        self._work = asyncio.ensure_future(work)

    async def _launch(self, fds: list[int], order: dict[str, Any]) -> None:
        news, lifeline = fds
        plan = msgspec.convert(order["plan"], Plan)
        if plan.seed == 13:
            os.write(
                news,
                msgspec.json.encode({"error": {"kind": "StartError", "fr": "non", "en": "no room"}}) + b"\n",
            )
            os.close(news)
            os.close(lifeline)
            return
        self.lifelines[plan.name] = lifeline
        control = Path(plan.control)
        control.parent.mkdir(parents=True, exist_ok=True)

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"echo " + await reader.readline())
            writer.close()

        self.servers.append(await asyncio.start_unix_server(echo, str(control)))
        forward = await asyncio.start_server(echo, "127.0.0.1", 0)
        self.servers.append(forward)
        port = forward.sockets[0].getsockname()[1]
        self.plans[plan.name] = plan
        os.write(news, b'{"device": "plc1", "state": "ok"}\n')
        os.write(
            news,
            msgspec.json.encode({"ready": True, "forwards": {"plc1": port}, "line": plan.line, "zones": True})
            + b"\n",
        )
        os.close(news)

    async def _carry(self, fds: list[int], order: dict[str, Any]) -> None:
        news, lifeline = fds
        plan = msgspec.convert(order["plan"], Plan)
        assert plan.places is not None
        assert order["machine"] in plan.places.away.values()
        if plan.seed == 14:
            said: dict[str, Any] = {"error": {"kind": "StartError", "fr": "non", "en": "no room there"}}
            os.close(lifeline)
        else:
            said, self.away[plan.name], self.lifelines[plan.name] = {"ready": True}, plan, lifeline
        os.write(news, msgspec.json.encode(said) + b"\n")
        os.close(news)

    async def _adopt(self, fds: list[int], order: dict[str, Any]) -> None:
        self.lifelines[order["plan"]["name"]] = fds[0]

    async def _end(self, _fds: list[int], order: dict[str, Any]) -> None:
        self.plans.pop(order["lab"], None)
        self.away.pop(order["lab"], None)
        os.close(self.lifelines.pop(order["lab"]))

    async def _job(self, fds: list[int], order: dict[str, Any]) -> None:
        with socket.socket(fileno=fds[0]) as end:
            end.sendall(msgspec.json.encode({"result": order["job"]}) + b"\n")

    async def _found(self, fds: list[int], _order: dict[str, Any]) -> None:
        for plan in self.plans.values():
            os.write(fds[0], msgspec.json.encode({"plan": plan, "shape": "docker"}) + b"\n")
        for plan in self.away.values():
            os.write(fds[0], msgspec.json.encode({"plan": plan, "shape": AWAY}) + b"\n")
        os.close(fds[0])

    async def subnets(self) -> list[str]:
        return [f"10.20{number}.0.0/24" for number in range(len(self.plans))]

    async def _remove(self, fds: list[int], order: dict[str, Any]) -> None:
        plan = msgspec.convert(order["plan"], Plan)
        self.removed.append(plan.name)
        self.plans.pop(plan.name, None)
        self.away.pop(plan.name, None)
        if plan.name in self.lifelines:
            os.close(self.lifelines.pop(plan.name))
        os.write(fds[0], msgspec.json.encode({"removed": plan.name}) + b"\n")
        os.close(fds[0])


class Site:
    """Two machines and a head. A machine that is `down` neither answers nor lets its streams go on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "head"
        self.machines = {name: Machine(name, name, name) for name in ("a", "b")}
        self.labs: dict[str, LabsOfAMachine] = {}
        self.ports: dict[str, int] = {}
        self.servers: list[asyncio.Server] = []
        self.streams: dict[str, list[Stream]] = {"a": [], "b": []}
        self.down: set[str] = set()
        self.sockets: list[socket.socket] = []

    async def stand(self) -> None:
        for name in self.machines:
            orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.sockets += [orders, theirs]
            self.labs[name] = LabsOfAMachine(theirs)
            node = Node(cast("Steward", self.labs[name]), orders, self.folder / name / "home", SECRET)
            server = await asyncio.start_server(node.serve, "127.0.0.1", 0, limit=LINE_BYTES)
            self.servers.append(server)
            self.ports[name] = server.sockets[0].getsockname()[1]
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sockets += [self.orders, theirs]
        self.networks = NetworksInMemory()
        self.head = Head(self, self.networks, self.home, SECRET, Orders(theirs))
        self.head.listen()

    async def ready(self) -> None:
        """They are."""

    async def well(self) -> list[Machine]:
        return [machine for machine in self.machines.values() if machine.id not in self.down]

    async def dial(self, machine: Machine) -> Stream:
        if machine.id in self.down:
            raise ConnectionRefusedError("down")
        stream = Stream(*await asyncio.open_connection("127.0.0.1", self.ports[machine.id], limit=LINE_BYTES))
        self.streams[machine.id].append(stream)
        if machine.id in self.down:
            stream.writer.transport.abort()
            raise ConnectionResetError("down")
        return stream

    def lose(self, name: str) -> None:
        self.down.add(name)
        for stream in self.streams[name]:
            stream.writer.transport.abort()

    def order(self, order: dict[str, Any], *fds: int) -> None:
        socket.send_fds(self.orders, [msgspec.json.encode(order)], list(fds))
        for descriptor in fds:
            os.close(descriptor)

    def plan(self, name: str, seed: int = 1, spread: bool = False) -> Plan:
        return Plan(
            name,
            str(line_path("bottling")),
            seed,
            str(self.home / "labs" / name),
            str(self.home / "run" / f"{name}.d" / "c"),
            "t",
            spread=spread,
        )

    async def start(
        self, name: str, seed: int = 1, spread: bool = False, again: bool = False
    ) -> tuple[list[dict[str, Any]], "asyncio.Task[bytes]"]:
        """What is said of it, and its lifeline's last words."""
        news, theirs = os.pipe()
        watched, lifeline = os.pipe()
        self.order(
            {
                "do": "launch",
                "shape": "swarm",
                "plan": msgspec.to_builtins(self.plan(name, seed, spread)),
                "again": again,
            },
            theirs,
            lifeline,
        )
        said = [json.loads(line) for line in (await _all(news)).splitlines()]
        return said, asyncio.ensure_future(_all(watched))

    async def end(self, name: str, last: "asyncio.Task[bytes]") -> None:
        self.order({"do": "end", "lab": name})
        await asyncio.wait_for(last, HANG_S)

    async def worked_on(self, name: str, on: str) -> Path:
        """What a trainee left in a lab that is stopped now, on the machine `on`."""
        _said, last = await self.start(name)
        work = Path(self.labs[on].plans[name].folder) / "plc1" / "configuration.yaml"
        work.parent.mkdir(parents=True)
        work.touch()
        await self.end(name, last)
        return work

    async def close(self) -> None:
        self.orders.close()
        await asyncio.wait_for(self.head.orders.gone.wait(), HANG_S)
        self.head.orders.cancel()
        for name in self.machines:
            self.lose(name)
            for lifeline in self.labs[name].lifelines.values():
                with suppress(OSError):
                    os.close(lifeline)
        for server in (*self.servers, *(one for labs in self.labs.values() for one in labs.servers)):
            await last_served(server)
            server.close()
        await asyncio.sleep(0.05)
        for placed in list(self.head._labs.values()):
            await placed.close()
        loop = asyncio.get_running_loop()
        for end in self.sockets:
            if end.fileno() >= 0:
                loop.remove_reader(end.fileno())
            end.close()


async def _all(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    data = b""
    try:
        while True:
            with suppress(BlockingIOError):
                more = os.read(descriptor, 1 << 16)
                data += more
                if not more:
                    return data
            await asyncio.sleep(0.01)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Site]:
    site = Site(folder)
    await site.stand()
    try:
        yield site
    finally:
        await site.close()


def nobody_listens(path: str) -> None:
    """As who is killed leaves its socket."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)


async def spoken(path: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"hello\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_labs_go_to_machines_in_turn_and_are_reached_here(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        ended = []
        for name in ("one", "two"):
            said, last = await site.start(name)
            ended.append(last)
            assert [message.get("device") for message in said] == ["plc1", None]
            assert Path(said[-1]["line"]).is_relative_to(site.home / "labs" / name)
            assert await spoken(site.plan(name).control) == b"echo hello\n"
            reader, writer = await asyncio.open_connection("127.0.0.1", said[-1]["forwards"]["plc1"])
            writer.write(b"modbus\n")
            assert await reader.read() == b"echo modbus\n"
            writer.close()
        assert sorted(len(labs.plans) for labs in site.labs.values()) == [1, 1]
        for name, last in zip(("one", "two"), ended, strict=True):
            site.order({"do": "end", "lab": name})
            assert await asyncio.wait_for(last, HANG_S) == b""
            assert not Path(site.plan(name).control).exists()


async def test_a_start_that_fails_says_why_and_leaves_nothing_here(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one", seed=13)
        assert next(message["error"]["en"] for message in said if "error" in message) == "no room"
        assert await asyncio.wait_for(last, HANG_S) == b""
        assert not Path(site.plan("one").control).exists()


async def test_a_job_is_done_where_its_lab_is(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        _said, last = await site.start("one")
        ours, theirs = socket.socketpair()
        site.order({"do": "job", "lab": "one", "job": {"name": "modbus.read"}}, theirs.detach())
        assert json.loads(await _all(ours.detach())) == {"result": {"name": "modbus.read"}}
        ours, theirs = socket.socketpair()
        site.order(
            {"do": "terminal", "lab": "another", "zone": "control", "columns": 80, "rows": 24},
            theirs.detach(),
        )
        assert "another" in json.loads(await _all(ours.detach()))["error"]["en"]
        last.cancel()


async def test_a_lost_machines_labs_are_said_lost_and_do_not_stay_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RETURN_LIMIT_S", 0.3), ("LOOK_S", 0.05), ("STALE_PERIOD_S", 0.1)):
        monkeypatch.setattr(head_module, name, value)
    async with standing(tmp_path) as site:
        _said, last = await site.start("one")
        (where,) = [name for name, labs in site.labs.items() if labs.plans]
        other = ({"a", "b"} - {where}).pop()
        site.lose(where)
        assert await asyncio.wait_for(last, HANG_S) == LOST + where.encode()
        said, last = await site.start("one")
        assert said[-1]["machines"] == [other]
        site.down.clear()
        async with asyncio.timeout(HANG_S):
            while site.labs[where].removed != ["one"]:
                await asyncio.sleep(0.02)
        assert site.labs[other].removed == []
        assert await spoken(site.plan("one").control) == b"echo hello\n"
        last.cancel()


async def test_a_silence_that_ends_in_time_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_module, "LOOK_S", 0.05)
    async with standing(tmp_path) as site:
        _said, last = await site.start("one")
        (where,) = [name for name, labs in site.labs.items() if labs.plans]
        site.lose(where)
        await asyncio.sleep(0.2)
        site.down.clear()
        await asyncio.sleep(0.2)
        assert not last.done()
        site.order({"do": "end", "lab": "one"})
        assert await asyncio.wait_for(last, HANG_S) == b""


async def test_a_lab_starts_again_where_its_files_are(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        work = await site.worked_on("one", on="a")
        _said, other = await site.start("other")
        assert "other" in site.labs["a"].plans
        _said, ended = await site.start("one")
        assert "one" in site.labs["a"].plans, "though the other machine has fewer labs"
        assert work.exists()
        await site.end("one", ended)
        await site.end("other", other)


async def test_a_new_lab_finds_nothing_of_a_forgotten_one_of_its_name(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        work = await site.worked_on("one", on="a")
        shutil.rmtree(site.home / "labs" / "one")
        _said, ended = await site.start("one")
        assert "one" in site.labs["a"].plans
        assert not work.exists()
        await site.end("one", ended)


async def test_labs_are_found_again_and_taken_over(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one")
        last.cancel()
        await site.head._labs.pop("one").close()
        nobody_listens(site.plan("one").control)
        answer, theirs = os.pipe()
        site.order({"do": "found"}, theirs)
        (found,) = [json.loads(line) for line in (await _all(answer)).splitlines()]
        assert found["shape"] == "swarm"
        assert found["plan"]["control"] == site.plan("one").control
        assert not Path(site.plan("one").control).exists(), "it is not reached from here yet"
        plan = msgspec.structs.replace(site.plan("one"), line=said[-1]["line"], forwards=said[-1]["forwards"])
        watched, lifeline = os.pipe()
        site.order({"do": "adopt", "shape": "swarm", "plan": msgspec.to_builtins(plan)}, lifeline)
        async with asyncio.timeout(HANG_S):
            while not Path(plan.control).exists():
                await asyncio.sleep(0.02)
        assert await spoken(plan.control) == b"echo hello\n"
        os.close(watched)


async def test_a_lab_whose_machine_does_not_answer_yet_is_not_said_to_be_reached(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one")
        last.cancel()
        site.lose("a")
        await site.head._labs.pop("one").close()
        plan = msgspec.structs.replace(site.plan("one"), line=said[-1]["line"], forwards=said[-1]["forwards"])
        nobody_listens(plan.control)
        watched, lifeline = os.pipe()
        site.order({"do": "adopt", "shape": "swarm", "plan": msgspec.to_builtins(plan)}, lifeline)
        async with asyncio.timeout(HANG_S):
            while Path(plan.control).exists():
                await asyncio.sleep(0.02)
        os.close(watched)


async def test_what_is_on_no_machine_is_not_taken_over(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        watched, lifeline = os.pipe()
        site.order(
            {"do": "adopt", "shape": "swarm", "plan": msgspec.to_builtins(site.plan("never"))}, lifeline
        )
        assert await asyncio.wait_for(_all(watched), HANG_S) == NONE_THERE


def parts(site: Site, name: str) -> tuple[str, str]:
    """The machine that has a spread lab's plant, and the one that has devices of it."""
    (main,) = [machine for machine, labs in site.labs.items() if name in labs.plans]
    (away,) = [machine for machine, labs in site.labs.items() if name in labs.away]
    return main, away


async def test_a_spread_lab_is_on_both_machines_until_it_ends(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one", spread=True)
        main, away = parts(site, "one")
        assert said[-1]["machines"] == [main, away]
        plan = site.labs[away].away["one"]
        assert plan == msgspec.structs.replace(
            site.labs[main].plans["one"], line=plan.line, folder=plan.folder, control=plan.control
        )
        assert plan.places is not None
        assert plan.places.networks == site.networks.there["one"]
        assert set(plan.places.away.values()) == {away}
        assert await spoken(site.plan("one").control) == b"echo hello\n"
        await site.end("one", last)
        assert not site.labs[main].plans
        assert not site.labs[away].away
        assert not site.networks.there


async def test_a_spread_lab_takes_no_subnet_of_a_lab_on_either_machine(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        lasts = [(await site.start(name))[1] for name in ("here", "there")]
        _said, last = await site.start("one", spread=True)
        assert site.networks.used == ["10.200.0.0/24", "10.200.0.0/24"]
        for name, each in (("one", last), ("here", lasts[0]), ("there", lasts[1])):
            await site.end(name, each)


async def test_a_lab_is_not_spread_over_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "ANSWER_LIMIT_S", 0.3)
    monkeypatch.setattr(choosing, "LOOK_S", 0.05)
    async with standing(tmp_path) as site:
        site.lose("b")
        said, last = await site.start("one", spread=True)
        (error,) = [message["error"] for message in said]
        assert "without --spread" in error["en"]
        assert "sans --spread" in error["fr"]
        assert await asyncio.wait_for(last, HANG_S) == b""
        assert site.networks.made == 0
        assert not site.labs["a"].plans


async def test_a_machine_that_is_slow_to_answer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "LOOK_S", 0.05)
    async with standing(tmp_path) as site:
        site.lose("b")
        starting = asyncio.ensure_future(site.start("one", spread=True))
        await asyncio.sleep(0.3)
        site.down.clear()
        said, last = await asyncio.wait_for(starting, HANG_S)
        assert said[-1]["machines"] == ["a", "b"]
        await site.end("one", last)


@pytest.mark.parametrize(("seed", "why"), [(13, "no room"), (14, "no room there")])
async def test_a_spread_lab_of_which_a_part_is_refused_leaves_nothing(
    tmp_path: Path, seed: int, why: str
) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one", seed, spread=True)
        assert [message["error"]["en"] for message in said if "error" in message] == [why]
        assert await asyncio.wait_for(last, HANG_S) == b""
        assert [labs.removed for labs in site.labs.values()] == [["one"], ["one"]]
        assert not any([*labs.plans, *labs.away] for labs in site.labs.values())
        assert not site.networks.there
        assert not Path(site.plan("one").control).exists()


async def test_a_part_that_arrives_after_its_start_was_given_up_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes by another connection than what gave it up, and a slow machine may hear of it later."""
    given_up, late = threading.Event(), threading.Event()

    def slow(folder: str, ignore_errors: bool) -> None:
        if "/b/" in folder:
            given_up.wait(HANG_S)
            late.set()

    monkeypatch.setattr(shutil, "rmtree", slow)
    async with standing(tmp_path) as site:
        _said, last = await site.start("one", 13, spread=True)
        assert await asyncio.wait_for(last, HANG_S) == b""
        assert site.labs["b"].removed == ["one"]
        given_up.set()
        await asyncio.to_thread(late.wait, HANG_S)
        await asyncio.sleep(0.2)
        assert not site.labs["b"].away


async def test_an_order_of_a_start_that_was_given_up_leaves_a_later_one_s_files(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        machine = site.machines["b"]
        late = Placed(
            site.plan("one"), "swarm", machine, lambda order: site.head._nodes.order(machine, order)
        )
        assert await site.head._nodes.remove(late, machine)
        later = site.folder / "b" / "home" / "labs" / "one" / "kept"
        later.parent.mkdir(parents=True)
        later.touch()
        with pytest.raises(StartError, match="abandonné"):
            await site.head._nodes.carry(late, machine, {}, again=False, fresh=True)
        assert later.exists()


@pytest.mark.parametrize("which", [0, 1])
async def test_a_spread_lab_is_lost_with_any_of_its_machines_and_whole_on_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], which: int
) -> None:
    for name, value in (("RETURN_LIMIT_S", 0.3), ("LOOK_S", 0.05), ("STALE_PERIOD_S", 0.1)):
        monkeypatch.setattr(head_module, name, value)
    async with standing(tmp_path) as site:
        _said, last = await site.start("one", spread=True)
        lost, left = parts(site, "one")[which], parts(site, "one")[1 - which]
        site.lose(lost)
        assert await asyncio.wait_for(last, HANG_S) == LOST + lost.encode()
        assert site.labs[left].removed == ["one"]
        assert not site.networks.there
        said, last = await site.start("one", spread=True, again=True)
        assert said[-1]["machines"] == [left]
        assert f"only {left} answers" in capsys.readouterr().err
        assert site.labs[left].plans["one"].places is None
        site.down.clear()
        async with asyncio.timeout(HANG_S):
            while site.labs[lost].removed != ["one"]:
                await asyncio.sleep(0.02)
        assert site.labs[left].removed == ["one"]
        last.cancel()


async def test_a_spread_lab_is_found_once_and_taken_over_with_both_machines(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        said, last = await site.start("one", spread=True)
        main, away = parts(site, "one")
        last.cancel()
        answer, theirs = os.pipe()
        site.order({"do": "found"}, theirs)
        assert len((await _all(answer)).splitlines()) == 1
        await site.head._labs.pop("one").close()
        plan = msgspec.structs.replace(
            site.plan("one", spread=True), line=said[-1]["line"], forwards=said[-1]["forwards"]
        )
        watched, lifeline = os.pipe()
        site.order({"do": "adopt", "shape": "swarm", "plan": msgspec.to_builtins(plan)}, lifeline)
        async with asyncio.timeout(HANG_S):
            while "one" not in site.head._labs:
                await asyncio.sleep(0.02)
        assert [machine.id for machine in site.head._labs["one"].machines] == [main, away]
        site.order({"do": "end", "lab": "one"})
        assert await asyncio.wait_for(_all(watched), HANG_S) == b""
        assert not site.labs[away].away
        assert not site.networks.there


async def test_a_spread_lab_that_outlived_its_head_goes_on_as_it_is(tmp_path: Path) -> None:
    async with standing(tmp_path) as site:
        _said, last = await site.start("one", spread=True)
        # As at the head's end.
        site.head.orders.cancel()
        assert await asyncio.wait_for(last, HANG_S) == b""
        assert "one" in site.networks.there
        said, last = await site.start("one", spread=True, again=True)
        assert said[-1]["machines"] == list(parts(site, "one"))
        assert site.networks.made == 1
        await site.end("one", last)
