"""The standard nodes in a file, for a process that has one server and forks none: each is read when it is first wanted.

Built once a server costs a second and 40 MiB, of which it looks at a few hundred nodes. Written when an image is built
(`python -m simulators.host opcua-base PATH`), it is read only where `$USINE_OPCUA_BASE` names it.
"""

import bisect
import mmap
import os
import pickle
import sys
import zlib
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from asyncua import ua
from asyncua.server.address_space import NodeData

from simulators.devices.opcua_plc.names import standard

VARIABLE = "USINE_OPCUA_BASE"
Subtypes = dict[ua.NodeId, frozenset[ua.NodeId]]
_LENGTH = 8


class BaseFile(Mapping[ua.NodeId, NodeData]):
    """Nodes by their id. What was read once is kept."""

    def __init__(self, path: Path) -> None:
        """Raises: OSError: it cannot be read; ValueError: it is of another version of the library."""
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        at = int.from_bytes(self._bytes[:_LENGTH], "big")
        # Our own image's file, no stranger's: what it holds was made by `write`.
        head: dict[str, Any] = pickle.loads(self._bytes[at:])  # noqa: S301
        if head["version"] != _version():
            raise ValueError(f"{path} is of {head['version']}, not of {_version()}")
        self._numbers: array[int] = head["numbers"]
        self._ends: array[int] = head["ends"]
        self.subtypes: Subtypes = head["subtypes"]
        self._read: dict[ua.NodeId, NodeData] = {}

    def __getitem__(self, nodeid: ua.NodeId) -> NodeData:
        node = self._read.get(nodeid)
        if node is None:
            place = self._place(nodeid)
            if place is None:
                raise KeyError(nodeid)
            at = self._ends[place - 1] if place else _LENGTH
            packed = self._bytes[at : self._ends[place]]
            node = self._read[nodeid] = pickle.loads(zlib.decompress(packed))  # noqa: S301
        return node

    def __contains__(self, nodeid: object) -> bool:
        return self._place(nodeid) is not None

    def __iter__(self) -> Iterator[ua.NodeId]:
        return map(standard, self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _place(self, nodeid: object) -> int | None:
        """Which of the file's nodes it is: they are in the order of their numbers, in namespace 0."""
        if (
            not isinstance(nodeid, ua.NodeId)
            or nodeid.NamespaceIndex != 0
            or not isinstance(nodeid.Identifier, int)
        ):
            return None
        place = bisect.bisect_left(self._numbers, nodeid.Identifier)
        return place if place < len(self) and self._numbers[place] == nodeid.Identifier else None


def write(path: Path, nodes: Mapping[ua.NodeId, NodeData], subtypes: Subtypes) -> None:
    """`nodes` are of namespace 0, by number. Raises: OSError."""
    numbers, ends = array("L"), array("L")
    at = _LENGTH
    with path.open("wb") as file:
        file.write(bytes(_LENGTH))
        for number, node in sorted((cast("int", nodeid.Identifier), node) for nodeid, node in nodes.items()):
            packed = zlib.compress(pickle.dumps(node, pickle.HIGHEST_PROTOCOL))
            file.write(packed)
            at += len(packed)
            numbers.append(number)
            ends.append(at)
        head = {"version": _version(), "numbers": numbers, "ends": ends, "subtypes": subtypes}
        file.write(pickle.dumps(head, pickle.HIGHEST_PROTOCOL))
        file.seek(0)
        file.write(at.to_bytes(_LENGTH, "big"))


def given() -> BaseFile | None:
    """The file that the environment names; None where it names none, or one that is no good here."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        return BaseFile(Path(path))
    except (OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
        return None


def _version() -> str:
    from importlib.metadata import version

    return f"asyncua {version('asyncua')}, Python {sys.version_info.major}.{sys.version_info.minor}"
