"""What a job does once it is in its place: look through a probe, or run an attack, within its time limit."""

import asyncio
import contextlib
import importlib
import importlib.util
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec

from lab.labs import Connection, Job, Progress
from lab.probes.contract import Finding, Probe, Where, probe
from simulators.errors import InputError, TimeLimitError, UsineError
from simulators.validation import fitted

Work = Callable[[Where, Connection, Progress], Any]


def work(job: Job) -> Work:
    """The job, ready to be run: its name and its arguments are good.

    Raises:
        InputError: they are not.
    """
    if job.kind == "probe":
        return _contained(_probe(job), job)
    from lab.attacks.engine import prepare

    return _contained(prepare(job), job)


def make_ready(job: Job) -> None:
    """What the processes of such jobs share, made once in the process they are forked from; harmless again."""
    if job.kind != "probe":
        return
    with contextlib.suppress(UsineError):  # told where the job is done
        found = _find(job.name)
        if found.ready is not None:
            found.ready()


def _contained(work: Work, job: Job) -> Work:
    """The same work, refused where an argument is an address outside the lab."""

    def run(where: Where, control: Connection, progress: Progress) -> Any:
        for address in _addresses(job.arguments):
            where.check(address)
        return work(where, control, progress)

    return run


def _addresses(value: Any) -> list[str]:
    if isinstance(value, dict):
        return _addresses(list(value.values()))
    if isinstance(value, list):
        return [address for item in value for address in _addresses(item)]
    try:
        return [str(ipaddress.ip_address(value))] if isinstance(value, str) else []
    except ValueError:
        return []


def _probe(job: Job) -> Work:
    found = _find(job.name)
    if found.place != "zone":
        raise InputError(
            f"{job.name} observe le labo de l'extérieur des zones et ne se lance pas dans l'une d'elles",
            f"{job.name} looks at the lab from outside its zones and is not run inside one",
        )
    look = cast("Callable[[Where, Any], Awaitable[Finding]]", found.look)
    arguments = checked(job.name, job.arguments, found.arguments)

    def run(where: Where, control: Connection, _progress: Progress) -> Any:
        control.close()
        return msgspec.to_builtins(asyncio.run(within(job, look(where, arguments))))

    return run


def _find(name: str) -> Probe:
    """The probe, without importing those of other protocols where its name tells its module."""
    module = name.partition(".")[0]
    if module.isidentifier() and importlib.util.find_spec(f"lab.probes.{module}") is not None:
        own: tuple[Probe, ...] = getattr(importlib.import_module(f"lab.probes.{module}"), "PROBES", ())
        for found in own:
            if found.name == name:
                return found
    return probe(name)


def checked(name: str, arguments: dict[str, Any], kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The arguments, as the struct that `name` expects. Raises: InputError: they are not."""
    return fitted(arguments, kind, name, name)


async def within(job: Job, doing: Awaitable[Any]) -> Any:
    """What it gives, if it does within the job's limit. Raises: TimeLimitError."""
    limit = asyncio.timeout(job.limit_s)
    try:
        async with limit:
            return await doing
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TimeLimitError(
            f"{job.name} : pas fini après {job.limit_s:g} s, arrêté",
            f"{job.name}: not done after {job.limit_s:g} s, ended",
        ) from error
