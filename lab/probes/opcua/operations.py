"""What a session may do: read, write, subscribe, call; each tried in a way that changes nothing."""

from typing import Annotated, Literal, get_args

import msgspec
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from lab.probes.contract import Exchange
from lab.probes.opcua.wire import RefusedError, Wire, good
from simulators.errors import InputError

Action = Literal["read", "write", "subscribe", "call"]
# `write Filler.SetPoint`, `call SetMode`
Right = Annotated[str, msgspec.Meta(pattern=r"^(read|write|subscribe|call) [A-Za-z][\w.]*$")]
Values = dict[str, ua.Variant]
_DENIED = {
    StatusCodes.BadUserAccessDenied, StatusCodes.BadNotWritable, StatusCodes.BadNotReadable,
    StatusCodes.BadNotExecutable, StatusCodes.BadSecurityModeInsufficient,
}  # fmt: skip
# The server went on to look at the request itself: the right was there.
_ALLOWED = {
    StatusCodes.Good, StatusCodes.BadInvalidArgument, StatusCodes.BadArgumentsMissing,
    StatusCodes.BadTooManyArguments, StatusCodes.BadNothingToDo, StatusCodes.BadOutOfRange,
    StatusCodes.BadTypeMismatch,
}  # fmt: skip
# No mode that a PLC has: whoever may call is refused the argument, and nothing happens.
_HARMLESS = {"SetMode": ["PROBE"], "Restart": ["PROBE"]}


def node(tag: str) -> str:
    return f"ns=2;s={tag}"


def split(right: str) -> tuple[Action, str]:
    """`write Filler.SetPoint` → (`write`, `Filler.SetPoint`). Raises: InputError: no such action."""
    action, _, target = right.partition(" ")
    for known in get_args(Action):
        if action == known and target:
            return known, target
    raise InputError(
        f"{right} : écrivez read, write, subscribe ou call, puis une variable ou une méthode",
        f"{right}: write read, write, subscribe or call, then a tag or a method",
    )


async def allowed(wire: Wire, device: str, right: str, values: Values) -> bool | None:
    """Whether the session has the right; None when neither answer was given. `values` are of `known_values`.

    Raises:
        RefusedError, OSError: the connection broke.
    """
    action, target = split(right)
    try:
        code = await _code(wire, device, action, target, values)
    except RefusedError as error:
        if error.by == "closed":
            raise
        code = error.code
    if code in _ALLOWED:
        return True
    return False if code in _DENIED else None


async def known_values(wires: list[Wire], rights: list[str]) -> Values:
    """The present values of all that is to be written, by whoever may read it: a write puts the same back."""
    values: Values = {}
    for right in dict.fromkeys(rights):
        action, target = split(right)
        if action != "write":
            continue
        for wire in wires:
            read = await wire.read(node(target), quiet=True)
            if good(read) and read.Value is not None:
                values[target] = read.Value
                break
    return values


async def _code(wire: Wire, device: str, action: Action, target: str, values: Values) -> int:
    if action == "read":
        return _status(await wire.read(node(target)))
    if action == "subscribe":
        return _status(await wire.subscribe(node(target)))
    if action == "call":
        return await wire.call(node(device), node(f"{device}.{target}"), _HARMLESS.get(target, []))
    if target not in values:
        wire.exchanges.append(
            Exchange(f"Write {node(target)}", "not tried: nobody may read the value to put back")
        )
        return int(StatusCodes.BadNoData)
    return await wire.write(node(target), values[target])


def _status(value: ua.DataValue) -> int:
    return (
        0 if good(value) else int(value.StatusCode.value) if value.StatusCode else int(StatusCodes.BadNoData)
    )
