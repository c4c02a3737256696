"""Whether a lab can be graded: it runs, every device answered, and nothing died meanwhile."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from lab.labs import Connection, Labs, LabStatus
from simulators.errors import StartError, UsineError
from simulators.snapshot import Snapshot
from simulators.text import Text

LOOK_S = 0.2
WELL = ("ok", "degraded")
Sleep = Callable[[float], Any]


def snapshot(lab: Connection) -> Snapshot:
    """What the lab says of itself now."""
    return msgspec.convert(lab.request("snapshot"), Snapshot)


def ill(seen: Snapshot) -> list[str]:
    """The devices that do not answer."""
    return [device.id for device in seen.devices if device.health.state not in WELL]


def status(labs: Labs, name: str) -> LabStatus:
    """The lab's status. Raises: StartError: it does not run; says what to do."""
    found = next((lab for lab in labs.list() if lab.name == name), None)
    if found is None or found.state != "running":
        raise StartError(
            f"Le labo {name} n'est pas en marche ; démarrez-le, puis demandez une vérification.",
            f"Lab {name} does not run; start it, then ask for a check.",
        )
    return found


def trouble(seen: Snapshot) -> Text | None:
    """Why the lab cannot be graded now, None if it can."""
    if seen.paused:
        return Text(
            fr="Le labo est en pause ; attendez qu'il reprenne.",
            en="The lab is paused; wait until it goes on.",
        )
    if down := ", ".join(ill(seen)):
        return Text(
            fr=f"Sans réponse : {down}. Attendez son redémarrage, ou remettez sa configuration précédente.",
            en=f"Not answering: {down}. Wait for its restart, or put its former configuration back.",
        )
    return None


def wait_until_well(
    lab: Connection, limit_s: float, good_tags: int | None = None, sleep: Sleep = time.sleep
) -> bool:
    """Whether within `limit_s` every device answers and SCADA reads `good_tags` tags well (all if None)."""
    for _ in range(max(1, round(limit_s / LOOK_S))):
        seen = snapshot(lab)
        wanted = len(seen.tags) if good_tags is None else good_tags
        if not ill(seen) and count_good(seen) >= wanted:
            return True
        sleep(LOOK_S)
    return False


def count_good(seen: Snapshot) -> int:
    """How many tags SCADA reads well."""
    return sum(tag.quality == "good" for tag in seen.tags.values())


def restart(lab: Connection, device: str) -> Text | None:
    """Restart a device; what it says if it does not come back."""
    try:
        lab.request("restart", device=device)
    except UsineError as error:
        return error.text
    return None
