"""As a trainee does it: SCADA first, then its certificate's fingerprint, as the page shows it, into the trust list."""

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from lab.exercises.solution import Desk

_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_LIMIT_S = 15.0
_T = TypeVar("_T")


def solve(desk: Desk) -> None:
    harden(desk, {})


def harden(desk: Desk, changed: dict[str, str]) -> None:
    """The whole solution, with pieces of plc2's configuration replaced; back when SCADA has had time to come in."""
    desk.configure("scada", desk.file("scada.yaml"))
    text = desk.file("plc2.yaml").replace("SCADA-FINGERPRINT", f'"{fingerprint(desk)}"')
    desk.configure("plc2", replaced(text, changed))
    within(lambda: _state(desk) == "ok")


def change(desk: Desk, device: str, changed: dict[str, str]) -> None:
    """A device's configuration in force, with pieces of it replaced; back when SCADA has had time to come in."""
    desk.configure(device, replaced(desk.configuration(device), changed))
    within(lambda: _state(desk) == "ok")


def replaced(text: str, changed: dict[str, str]) -> str:
    for piece, other in changed.items():
        if piece not in text:
            raise ValueError(f"{piece} is not in the text")
        text = text.replace(piece, other)
    return text


def fingerprint(desk: Desk) -> str:
    """Of SCADA's certificate: what its line in the list of devices says while plc2 does not let it in."""
    found = within(lambda: _FINGERPRINT.search(_detail(desk)))
    if found is None:
        raise TimeoutError("SCADA does not show its certificate")
    return str(found[0])


def within(look: Callable[[], _T]) -> _T:
    """The first true value of `look`, else its last one."""
    deadline_s = time.monotonic() + _LIMIT_S
    while not (seen := look()) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    return seen


def _health(desk: Desk) -> dict[str, Any]:
    devices = desk.lab.request("snapshot")["devices"]
    health: dict[str, Any] = next(device["health"] for device in devices if device["id"] == "scada")
    return health


def _state(desk: Desk) -> str:
    return str(_health(desk)["state"])


def _detail(desk: Desk) -> str:
    detail = _health(desk)["detail"]
    return str(detail["en"]) if detail else ""
