"""A lab that is spoken to in the addresses of its line's files, whatever subnets it has."""

from collections.abc import Iterator
from typing import Any

from lab.labs import Connection, LabStatus
from simulators.addressing import Addressing
from simulators.model import Line
from simulators.snapshot import Snapshot


def addressing(line: Line, status: LabStatus | None) -> Addressing:
    """From the addresses of the line's files to those of that lab; nothing moves where there is none."""
    return Addressing.of(line, status.subnets if status is not None else {})


class Addressed:
    """A connection through which configurations go, and come back, as the line's files would have them."""

    def __init__(self, lab: Connection, moved: Addressing) -> None:
        self._lab, self._moved, self._back = lab, moved, moved.back

    def request(self, verb: str, **arguments: Any) -> Any:
        if "text" in arguments:
            arguments["text"] = self._moved.text(arguments["text"])
        answer = self._lab.request(verb, **arguments)
        if verb == "config":
            texts = {name: self._back.text(answer[name]) for name in ("text", "default")}
            versions = [self._back.text(version) for version in answer["versions"]]
            return {**answer, **texts, "versions": versions}
        return answer

    def stream(self) -> Iterator[Snapshot]:
        return self._lab.stream()

    def close(self) -> None:
        self._lab.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
