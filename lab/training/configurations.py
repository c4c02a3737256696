"""What each device of a sitting should be configured as, from the events alone: pure functions."""

from collections.abc import Iterable
from typing import Any

from lab.training.contract import Event

EDITS = ("configuration", "reverted")


def wanted(events: Iterable[Event]) -> dict[str, str]:
    """The text in force of each device that was edited and not put back, oldest event first."""
    texts: dict[str, str] = {}
    kept: dict[str, str] = {}
    for event in events:
        if event.kind in EDITS:
            texts[event.data["device"]] = event.data["text"]
        elif event.kind == "checkpoint":
            kept = dict(texts)
        elif event.kind == "reset":
            what = event.data["what"]
            if what == "device":
                texts.pop(event.data["device"], None)
            else:
                texts = dict(kept) if what == "checkpoint" else {}
                kept = kept if what == "checkpoint" else {}
    return texts


def versions(events: Iterable[Event], device: str) -> list[dict[str, Any]]:
    """Every text that the device was given, oldest first, as the editor lists them."""
    return [
        {"id": event.id, "unix_s": event.unix_s, "text": event.data["text"]}
        for event in events
        if event.kind in EDITS and event.data["device"] == device
    ]


def rules(events: Iterable[Event]) -> str:
    """The detection rules that were saved last."""
    saved = [event.data["text"] for event in events if event.kind == "rules"]
    return str(saved[-1]) if saved else ""


def has_checkpoint(events: Iterable[Event]) -> bool:
    """Whether there is one to go back to."""
    there = False
    for event in events:
        if event.kind == "checkpoint":
            there = True
        elif event.kind == "reset" and event.data["what"] == "lab":
            there = False
    return there
