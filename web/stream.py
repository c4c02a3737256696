"""A lab's snapshots as server-sent events: one whole, then what changed, one a second."""

import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, request

from lab.labs import Labs
from simulators.errors import UsineError
from simulators.snapshot import Snapshot
from simulators.text import Text
from web import access
from web.session import current_person
from web.settings import settings

blueprint = Blueprint("stream", __name__)
RETRY_MS, BUSY_RETRY_MS = 1500, 15_000
BUSY = Text(
    fr="Trop de pages sont ouvertes sur ce serveur ; fermez-en.",
    en="Too many pages are open on this server; close some.",
)


class Places:
    """How many streams may be open at a time: each holds a thread, and the others must still be served."""

    def __init__(self, limit: int) -> None:
        self.open = 0
        self._limit = limit
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            taken = self.open < self._limit
            self.open += taken
            return taken

    def give_back(self) -> None:
        with self._lock:
            self.open -= 1


@blueprint.get("/labs/<name>/stream")
@access.lab_owner
def show(name: str) -> Response:
    """Events `snapshot` (whole or changes) then `lost`; `?truth=1` adds what only an instructor may see."""
    truth = request.args.get("truth") == "1" and current_person().role == "instructor"
    return _response(events(settings().labs, name, truth, _places()))


def event_stream(texts: Iterable[str]) -> Response:
    """Server-sent events `texts` as an answer, while there is a place for one more stream."""
    return _response(_placed(texts, _places()))


def _placed(texts: Iterable[str], places: Places) -> Iterator[str]:
    if not places.take():
        yield f"retry: {BUSY_RETRY_MS}\n" + _event("lost", {"state": "busy", "detail": BUSY})
        return
    try:
        yield from texts
    finally:
        places.give_back()


def _places() -> Places:
    found = current_app.extensions["usine_ecole_streams"]
    assert isinstance(found, Places)
    return found


def _response(texts: Iterable[str]) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(texts, mimetype="text/event-stream", headers=headers)


def events(labs: Labs, name: str, truth: bool, places: Places) -> Generator[str, None, None]:
    """The stream's text; always ends with `lost`, after which a browser asks again by itself."""
    if not places.take():
        yield f"retry: {BUSY_RETRY_MS}\n" + _event("lost", {"state": "busy", "detail": BUSY})
        return
    try:
        yield f"retry: {RETRY_MS}\n" + _event("hello", {})
        yield from _changes(labs, name, truth)
        yield _event("lost", _why(labs, name))
    except UsineError as error:
        yield _event("lost", _why(labs, name, error.text))
    except OSError:
        yield _event("lost", _why(labs, name))
    finally:
        places.give_back()


def _changes(labs: Labs, name: str, truth: bool) -> Iterator[str]:
    before: dict[str, Any] = {}
    with labs.attach(name) as lab:
        for snapshot in lab.stream():
            now = view(snapshot, truth)
            yield _event("snapshot", changes(before, now))
            before = now


def view(snapshot: Snapshot, truth: bool) -> dict[str, Any]:
    """What a page shows of `snapshot`. A tag is [value shown, quality], and its truth for an instructor.

    Without `truth` nothing that an operator could not see leaves the server.
    """
    whole: dict[str, Any] = msgspec.to_builtins(snapshot)
    del whole["assets"], whole["seed"]
    whole["tags"] = {
        tag: [value.shown, value.quality, *([value.truth] if truth else [])]
        for tag, value in snapshot.tags.items()
    }
    if truth:
        whole["assets"] = {
            asset.id: {"faults": asset.faults, "health_pct": asset.health_pct} for asset in snapshot.assets
        }
    return whole


def changes(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What of `now` is new: whole parts, but of `tags` only those that changed."""
    new = {key: value for key, value in now.items() if key not in before or before[key] != value}
    if "tags" in new and "tags" in before:
        old = before["tags"]
        new["tags"] = {tag: value for tag, value in now["tags"].items() if old.get(tag) != value}
    return new


def _why(labs: Labs, name: str, detail: Text | None = None) -> dict[str, Any]:
    """The state of the lab that was lost, as the supervisor knows it."""
    try:
        states = {status.name: status.state for status in labs.list()}
    except (UsineError, OSError):
        return {"state": "unreachable", "detail": detail}
    return {"state": states.get(name, "gone"), "detail": detail}


def _event(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {msgspec.json.encode(data).decode()}\n\n"
