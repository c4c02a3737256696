"""The verbs of the control channel (the table in `simulators.control`), found by their name and called."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from simulators.errors import InputError
from simulators.host.host import Host
from simulators.host.verbs import of_device, of_line
from simulators.validation import fitted

Verb = Callable[..., Awaitable[Any]]

VERBS: dict[str, Verb] = {
    **of_line.VERBS,
    **{name: verb for name, verb in of_device.VERBS.items() if name not in of_device.INNER},
}


def find(name: str) -> Verb:
    """The verb called `name`.

    Raises:
        InputError: there is none.
    """
    verb = VERBS.get(name)
    if verb is None:
        raise InputError(
            f"verbe {name} inconnu ; choisissez parmi : {', '.join(VERBS)}",
            f"unknown verb {name}; choose one of: {', '.join(VERBS)}",
        )
    return verb


async def call(host: Host, name: str, arguments: dict[str, Any]) -> Any:
    """Check the arguments against the verb's signature and call it, where the device that answers it runs.

    Raises:
        UsineError: unknown verb, wrong arguments, or the verb's own refusal.
    """
    verb = find(name)
    checked = check(name, verb, arguments)
    if name in of_line.VERBS:
        return await verb(host, **checked)
    device = checked.pop("device") if name in of_device.OF_DEVICE else _first(host, name)
    return await host.crew.ask(device, name, checked)


def check(name: str, verb: Verb, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments in the types that the verb's signature has. Raises: InputError."""
    _of, *parameters = inspect.signature(verb).parameters.values()
    known = {parameter.name: parameter for parameter in parameters}
    unknown = sorted(set(arguments) - set(known))
    missing = [n for n, p in known.items() if p.default is p.empty and n not in arguments]
    allowed = ", ".join(known) or "–"
    if unknown:
        raise InputError(
            f"{name} : arguments inconnus : {', '.join(unknown)} ; choisissez parmi : {allowed}",
            f"{name}: unknown arguments: {', '.join(unknown)}; choose from: {allowed}",
        )
    if missing:
        raise InputError(
            f"{name} : arguments absents : {', '.join(missing)} ; donnez-les",
            f"{name}: missing arguments: {', '.join(missing)}; give them",
        )
    return {n: fitted(v, known[n].annotation, f"{name} : {n}", f"{name}: {n}") for n, v in arguments.items()}


def _first(host: Host, name: str) -> str:
    """The device that answers a verb of a kind; none where the line has none of it."""
    of_kind = host.line.devices_of(of_device.KIND_OF[name])
    return of_kind[0].id if of_kind else ""
