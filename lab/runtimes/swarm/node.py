"""A machine of the swarm: `python -m lab.runtimes.swarm.node`, a task of a global service with the engine's socket.

It is a steward (`lab.runtimes.docker.steward`) that is told what to do over a network. Orders (`streams`), one a connection:

| do | with | what follows |
|---|---|---|
| free | – | `{"available_bytes"}` |
| subnets | – | `{"subnets"}`: those of all networks of this engine |
| launch | shape, plan, start, files, again, fresh (what a lab of this name left here goes first) | news as JSON lines (`contract.Launch`); the last one of a lab that is ready has its line's `files` |
| adopt | shape, plan | nothing; then `lifeline` |
| carry | plan, start, machine, files, again, fresh | as of `launch`, for the devices of a spread lab that are on this machine (`places`); with `again` those that are there stay |
| lifeline | lab | bytes when the lab has ended, before the end |
| end | lab | – |
| remove | shape, plan, start | `{"removed"}`: all that is left of a lab that is another machine's now, or was given up; what arrives of that start later is refused |
| job, terminal | as of a steward | both ways |
| control | lab | both ways, to the lab's control channel |
| forward | lab, device | both ways, to the device |
| found | – | a JSON line a lab |
"""

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from lab.runtimes.docker.engine import Engine
from lab.runtimes.docker.orders import Orders
from lab.runtimes.docker.settings import settings
from lab.runtimes.docker.steward import Steward
from lab.runtimes.swarm.bundle import packed, unpacked
from lab.runtimes.swarm.streams import LINE_BYTES, READ_BYTES, Stream, heard, join, keep_alive
from simulators.errors import StartError, UsineError
from simulators.host.plan import Plan
from simulators.host.refusal import refusal

PORT = 9600
SECRET_FILE = Path("/run/secrets/usine-node")
MOUNT, VOLUME_VARIABLE = Path("/node"), "USINE_NODE_VOLUME"
GONE = b"gone"
GIVEN_UP_MAX = 256


class Node:
    """Passes a head's orders to a steward of this machine, and their bytes back."""

    def __init__(self, steward: Steward, orders: socket.socket, home: Path, secret: str) -> None:
        self._steward, self._orders, self._home, self._secret = steward, orders, home, secret
        self._lifelines: dict[str, int] = {}
        self._plans: dict[str, Plan] = {}
        self._given_up: deque[str] = deque(maxlen=GIVEN_UP_MAX)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One order, to its end."""
        stream = Stream(reader, writer)
        keep_alive(writer)
        order = await heard(stream, self._secret)
        if order is None:
            return
        verbs: dict[str, Callable[..., Awaitable[None]]] = {
            "free": self._free, "subnets": self._subnets, "launch": self._launch, "adopt": self._adopt, "carry": self._carry, "lifeline": self._lifeline,
            "end": self._end, "remove": self._remove, "job": self._both_ways, "terminal": self._both_ways, "control": self._control,
            "forward": self._forward, "found": self._found,
        }  # fmt: skip
        try:
            await verbs[order["do"]](stream, order)
            with contextlib.suppress(ConnectionError):
                await stream.writer.drain()
        except UsineError as error:
            stream.send({"error": refusal(error)})
        except (OSError, KeyError, TypeError, msgspec.MsgspecError) as error:
            sys.stderr.write(f"{order.get('do')}: {error!r}\n")
        finally:
            stream.close()

    async def _free(self, stream: Stream, _order: dict[str, Any]) -> None:
        stream.send({"available_bytes": available_bytes()})

    async def _subnets(self, stream: Stream, _order: dict[str, Any]) -> None:
        stream.send({"subnets": await self._steward.subnets()})

    async def _launch(self, stream: Stream, order: dict[str, Any]) -> None:
        plan = await self._brought(order)
        news, theirs = os.pipe()
        self._keep(plan)
        lifeline = self._new_lifeline(plan.name)
        inner = {"do": "launch", "shape": order["shape"], "plan": plan, "again": order["again"]}
        self._order(inner, [theirs, lifeline])
        reader = await _read(news)
        while text := await reader.readline():
            message = msgspec.json.decode(text, type=dict[str, Any])
            if "ready" in message:
                plan = msgspec.structs.replace(plan, line=message["line"], forwards=message["forwards"])
                self._keep(plan)
                message["files"] = packed(Path(plan.line))
            stream.send(message)
            await stream.writer.drain()

    async def _carry(self, stream: Stream, order: dict[str, Any]) -> None:
        plan = await self._brought(order)
        news, theirs = os.pipe()
        lifeline = self._new_lifeline(plan.name)
        inner = {"do": "carry", "plan": plan, "machine": order["machine"], "again": order["again"]}
        self._order(inner, [theirs, lifeline])
        stream.writer.write(await (await _read(news)).read())

    async def _brought(self, order: dict[str, Any]) -> Plan:
        """The head's plan as it is here, with the line's files. Raises: StartError: its start was given up meanwhile."""
        plan = self._here(order["plan"])
        self._check_wanted(order, plan)  # what is in its folder may be a later start's
        if order["fresh"]:
            await asyncio.to_thread(shutil.rmtree, plan.folder, ignore_errors=True)
        self._check_wanted(order, plan)
        line = unpacked(order["files"], Path(plan.control).parent / "model")
        return msgspec.structs.replace(plan, line=str(line))

    def _check_wanted(self, order: dict[str, Any], plan: Plan) -> None:
        """Orders come by connections of their own: the one that gave this start up may have overtaken it. Raises: StartError."""
        if order["start"] in self._given_up:
            raise StartError(
                f"le départ de {plan.name} a été abandonné", f"the start of {plan.name} was given up"
            )

    async def _adopt(self, _stream: Stream, order: dict[str, Any]) -> None:
        plan = self._here(order["plan"])
        self._keep(plan)
        if plan.name not in self._lifelines:
            lifeline = self._new_lifeline(plan.name)
            self._order({"do": "adopt", "shape": order["shape"], "plan": plan}, [lifeline])

    async def _lifeline(self, stream: Stream, order: dict[str, Any]) -> None:
        """Until the lab has ended here. The descriptor stays with the next who asks, should this one go before."""
        watched = self._lifelines.get(order["lab"])
        if watched is None:
            stream.writer.write(GONE)
            return
        reader = await _read(os.dup(watched))
        ended = asyncio.ensure_future(reader.read())
        left = asyncio.ensure_future(stream.reader.read())
        await asyncio.wait([ended, left], return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        if not ended.done():
            ended.cancel()
            return
        if self._lifelines.get(order["lab"]) == watched:
            os.close(self._lifelines.pop(order["lab"]))
        stream.writer.write(ended.result() or GONE)

    async def _end(self, _stream: Stream, order: dict[str, Any]) -> None:
        self._order({"do": "end", "lab": order["lab"]}, [])

    async def _remove(self, stream: Stream, order: dict[str, Any]) -> None:
        self._given_up.append(order["start"])
        news, theirs = os.pipe()
        # As an order among the others: the steward has heard by then what was ordered before.
        self._order({"do": "remove", "shape": order["shape"], "plan": self._here(order["plan"])}, [theirs])
        stream.writer.write(await (await _read(news)).read())

    async def _both_ways(self, stream: Stream, order: dict[str, Any]) -> None:
        """What follows a steward's own order: bytes of a socket."""
        ours, theirs = socket.socketpair()
        self._order(order, [theirs.detach()])
        ours.setblocking(False)
        await join(stream, Stream(*await asyncio.open_unix_connection(sock=ours, limit=LINE_BYTES)))

    async def _control(self, stream: Stream, order: dict[str, Any]) -> None:
        path = self._known(order["lab"]).control
        await join(stream, Stream(*await asyncio.open_unix_connection(path, limit=LINE_BYTES)))

    async def _forward(self, stream: Stream, order: dict[str, Any]) -> None:
        port = self._known(order["lab"]).forwards[order["device"]]
        await join(stream, Stream(*await asyncio.open_connection("127.0.0.1", port)))

    async def _found(self, stream: Stream, _order: dict[str, Any]) -> None:
        answer, theirs = os.pipe()
        self._order({"do": "found"}, [theirs])
        reader = await _read(answer)
        while data := await reader.read(READ_BYTES):
            stream.writer.write(data)

    def _here(self, plan: dict[str, Any]) -> Plan:
        """The head's plan, with this machine's folders for its own."""
        theirs = Path(plan.pop("home"))
        moved = {key: str(self._home / Path(plan[key]).relative_to(theirs)) for key in ("folder", "control")}
        line = Path(plan["line"])
        if line.is_relative_to(theirs):
            moved["line"] = str(self._home / line.relative_to(theirs))
        return msgspec.convert({**plan, **moved}, Plan)

    def _keep(self, plan: Plan) -> None:
        self._plans[plan.name] = plan

    def _known(self, lab: str) -> Plan:
        if lab not in self._plans:
            raise StartError(f"{lab} n'est pas sur cette machine", f"{lab} is not on this machine")
        return self._plans[lab]

    def _new_lifeline(self, lab: str) -> int:
        former = self._lifelines.pop(lab, None)
        if former is not None:
            os.close(former)
        self._lifelines[lab], theirs = os.pipe()
        return theirs

    def _order(self, order: dict[str, Any], fds: list[int]) -> None:
        try:
            socket.send_fds(self._orders, [msgspec.json.encode(order)], fds)
        finally:
            for descriptor in fds:
                os.close(descriptor)


def available_bytes(path: Path = Path("/proc/meminfo")) -> int:
    """Memory that this machine could still give (`MemAvailable`)."""
    lines = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) << 10


async def _read(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb"))
    return reader


async def serve(home: Path, secret: str, listener: socket.socket, engine: Engine) -> None:
    """Until it is told to end."""
    orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    steward = Steward(engine, settings(home), Orders(theirs))
    steward.listen()
    node = Node(steward, orders, home, secret)
    server = await asyncio.start_server(node.serve, sock=listener, limit=LINE_BYTES)
    async with server:
        await server.serve_forever()


def main() -> int:
    """Returns the process's exit status."""
    home = Path(os.environ["USINE_HOME"])
    secret = SECRET_FILE.read_text(encoding="ascii").strip()
    for folder in (home, home / "run", home / "labs"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        engine = Engine(folders={str(MOUNT): Engine().volume(os.environ[VOLUME_VARIABLE])})
    except UsineError as error:
        sys.stderr.write(f"{error.text.en}\n")
        return 1
    listener = socket.create_server(("", PORT), backlog=64)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(home, secret, listener, engine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
