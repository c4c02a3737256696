"""A plant's whole state as bytes, exact to the bit."""

import dataclasses
from random import Random
from typing import Any

import msgspec

from simulators.plant.bottle import Bottle
from simulators.plant.kpis import Production

_BOTTLE, _RANDOM, _PRODUCTION = 1, 2, 3


def state_of(item: Any) -> dict[str, Any]:
    """The fields of a dataclass that change while it runs: all but its wiring and its constants."""
    return {name: getattr(item, name) for name in _fields(item)}


def restore(item: Any, state: dict[str, Any]) -> None:
    """Set what `state_of` gave."""
    for name in _fields(item):
        setattr(item, name, state[name])


def encode(state: Any) -> bytes:
    """State as MessagePack."""
    return msgspec.msgpack.encode(_wrap(state))


def decode(data: bytes) -> Any:
    """What `encode` was given. Raises: msgspec.DecodeError."""
    return msgspec.msgpack.decode(data, ext_hook=_unpack)


def _fields(item: Any) -> list[str]:
    constants = {"site", "params", "dt_s"}
    return [
        field.name
        for field in dataclasses.fields(item)
        if field.name not in constants and not field.metadata.get("wiring")
    ]


def _wrap(item: Any) -> Any:
    """What MessagePack has no type for becomes an extension of ours."""
    if isinstance(item, dict):
        return {key: _wrap(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_wrap(value) for value in item]
    if isinstance(item, Bottle):
        return msgspec.msgpack.Ext(_BOTTLE, encode(list(state_of(item).values())))
    if isinstance(item, Random):
        return msgspec.msgpack.Ext(_RANDOM, encode(item.getstate()))
    if isinstance(item, Production):
        return msgspec.msgpack.Ext(_PRODUCTION, encode(state_of(item)))
    return item


def _unpack(code: int, data: memoryview) -> Any:
    content = decode(bytes(data))
    if code == _BOTTLE:
        return Bottle(*content)
    if code == _PRODUCTION:
        return Production(**content)
    generator = Random()  # noqa: S311 -- a simulation, no secret
    version, words, gauss = content
    generator.setstate((version, tuple(words), gauss))
    return generator
