"""TCP reachability from a zone: whether a connection is accepted, refused or dropped without a word."""

import asyncio
import errno
from typing import Annotated, Literal

import msgspec

from lab.probes.contract import Exchange, Finding, Probe, Where
from simulators.errors import InputError
from simulators.text import Text

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
State = Literal["open", "refused", "dropped"]
PORTS_MAX = 2048
AT_ONCE = 64
SHOWN = 12


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A port of a device, or of an address of the line (`host`, with its `port`)."""

    device: str | None = None
    host: str | None = None
    port: Port | None = None


class Tcp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str | None = None
    host: str | None = None
    port: Port | None = None
    wait_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 2.0


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    targets: Annotated[list[Target], msgspec.Meta(min_length=1, max_length=64)]
    wait_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 2.0


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ports` such as `1-1024,4840`; `allowed` may be open."""

    device: str | None = None
    host: str | None = None
    ports: str = "1-1024"
    allowed: list[Port] = []
    wait_s: Annotated[float, msgspec.Meta(gt=0, le=5)] = 0.5


async def tcp(where: Where, args: Tcp) -> Finding:
    host, port = _place(where, Target(args.device, args.host, args.port))
    state = await _try(host, port, args.wait_s)
    return Finding(state, _SAID[state], {}, [Exchange(f"TCP {host}:{port}", state)])


async def matrix(where: Where, args: Matrix) -> Finding:
    places = [_place(where, target) for target in args.targets]
    states = await _all(places, args.wait_s)
    counts: dict[str, float] = {state: float(states.count(state)) for state in _SAID}
    exchanges = [Exchange(f"TCP {h}:{p}", state) for (h, p), state in zip(places, states, strict=True)]
    opened = states.count("open")
    observed = "all_open" if opened == len(states) else "some_open" if opened else "none_open"
    said = Text(
        fr=f"{opened} de {len(states)} ports acceptent une connexion depuis {where.zone}",
        en=f"{opened} of {len(states)} ports accept a connection from {where.zone}",
    )
    return Finding(observed, said, counts, exchanges)


async def sweep(where: Where, args: Sweep) -> Finding:
    numbers = ports(args.ports)
    host = _place(where, Target(args.device, args.host, numbers[0]))[0]
    states = await _all([(host, number) for number in numbers], args.wait_s)
    opened = [number for number, state in zip(numbers, states, strict=True) if state == "open"]
    extra = sorted(set(opened) - set(args.allowed))
    figures = {
        "open": float(len(opened)),
        "extra": float(len(extra)),
        "refused": float(states.count("refused")),
        "dropped": float(states.count("dropped")),
    }
    listed = ", ".join(map(str, opened[:SHOWN])) or "–"
    said = Text(
        fr=f"ports ouverts : {listed} ; hors de la liste permise : {', '.join(map(str, extra[:SHOWN])) or 'aucun'}",
        en=f"open ports: {listed}; not among those allowed: {', '.join(map(str, extra[:SHOWN])) or 'none'}",
    )
    observed = "extra_open" if extra else "only_allowed" if opened else "none_open"
    return Finding(observed, said, figures, [Exchange(f"TCP {host}:{args.ports}", f"open {listed}")])


def ports(text: str) -> list[int]:
    """The port numbers that `1-1024,4840` names. Raises: InputError: it names none, or too many."""
    try:
        spans = [tuple(map(int, part.split("-"))) for part in text.split(",")]
        found = sorted(
            {port for span in spans for port in range(span[0], span[-1] + 1)} if _few(spans) else set()
        )
    except ValueError:
        found = []
    if not found or found[0] < 1 or found[-1] > 65535:
        raise InputError(
            f"ports « {text} » : écrivez par exemple 1-1024,4840, {PORTS_MAX} au plus",
            f"ports '{text}': write for example 1-1024,4840, {PORTS_MAX} at most",
        )
    return found


def _few(spans: list[tuple[int, ...]]) -> bool:
    return (
        all(len(span) <= 2 for span in spans) and sum(span[-1] - span[0] + 1 for span in spans) <= PORTS_MAX
    )


def _place(where: Where, target: Target) -> tuple[str, int]:
    if target.device is not None:
        return where.address(target.device, target.port)
    if target.host is not None and target.port is not None:
        return where.check(target.host), target.port
    raise InputError(
        "donnez un équipement (device), ou une adresse et un port (host, port)",
        "give a device, or an address and a port (host, port)",
    )


async def _all(places: list[tuple[str, int]], wait_s: float) -> list[State]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(host: str, port: int) -> State:
        async with turn:
            return await _try(host, port, wait_s)

    return list(await asyncio.gather(*(one(host, port) for host, port in places)))


async def _try(host: str, port: int, wait_s: float) -> State:
    try:
        async with asyncio.timeout(wait_s):
            _reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "dropped"
    except OSError as error:
        if error.errno in {errno.ECONNREFUSED, errno.ECONNRESET, errno.EACCES, errno.EPERM}:
            return "refused"
        if error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}:
            return "dropped"
        raise
    writer.transport.abort()
    await asyncio.sleep(0)  # the loop closes it in its next turn
    return "open"


_SAID: dict[State, Text] = {
    "open": Text(fr="le port accepte une connexion", en="the port accepts a connection"),
    "refused": Text(fr="la connexion est refusée", en="the connection is refused"),
    "dropped": Text(
        fr="rien ne répond : la connexion est jetée", en="nothing answers: the connection is dropped"
    ),
}

PROBES = (
    Probe("reach.tcp", Tcp, ("open", "refused", "dropped"), tcp, "zone", ("refused", "dropped")),
    Probe(
        "reach.matrix", Matrix, ("all_open", "some_open", "none_open"), matrix, "zone", ("none_open",),
        ("open", "refused", "dropped"),
    ),
    Probe(
        "reach.sweep", Sweep, ("only_allowed", "extra_open", "none_open"), sweep, "zone", ("none_open",),
        ("open", "extra", "refused", "dropped"), limit_s=40.0,
    ),
)  # fmt: skip
