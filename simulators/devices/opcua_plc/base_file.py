"""The standard nodes in a file, for a process that has one server and forks none: each is read when it is first wanted.

Built once a server costs a second and 40 MiB, of which it looks at a few hundred nodes. Written when an image is built
(`python -m simulators.host opcua-base PATH`), it is read only where `$USINE_OPCUA_BASE` names it.
"""

import mmap
import os
import pickle
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.server.address_space import NodeData

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
        self._places: dict[ua.NodeId, tuple[int, int]] = head["places"]
        self.subtypes: Subtypes = head["subtypes"]
        self._read: dict[ua.NodeId, NodeData] = {}

    def __getitem__(self, nodeid: ua.NodeId) -> NodeData:
        node = self._read.get(nodeid)
        if node is None:
            at, length = self._places[nodeid]
            node = self._read[nodeid] = pickle.loads(zlib.decompress(self._bytes[at : at + length]))  # noqa: S301
        return node

    def __contains__(self, nodeid: object) -> bool:
        return nodeid in self._places

    def __iter__(self) -> Iterator[ua.NodeId]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def write(path: Path, nodes: Mapping[ua.NodeId, NodeData], subtypes: Subtypes) -> None:
    """Raises: OSError."""
    places: dict[ua.NodeId, tuple[int, int]] = {}
    at = _LENGTH
    with path.open("wb") as file:
        file.write(bytes(_LENGTH))
        for nodeid, node in nodes.items():
            packed = zlib.compress(pickle.dumps(node, pickle.HIGHEST_PROTOCOL))
            places[nodeid] = (at, len(packed))
            file.write(packed)
            at += len(packed)
        head = {"version": _version(), "places": places, "subtypes": subtypes}
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
