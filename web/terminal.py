"""A terminal in a page: opened, followed as server-sent events, typed into. Each is its opener's alone."""

import base64
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from simulators.validation import decoded
from web import access
from web.session import current_person
from web.settings import settings
from web.stream import event_stream
from web.terminals import Again, Lost, News, Output, Over, Terminal, Terminals, Warned

blueprint = Blueprint("terminal", __name__, url_prefix="/labs/<name>/terminals")
RETRY_MS = 1500
# A connection that nobody reads any more is noticed when something is written to it.
QUIET_LOOKS = 10
TYPED_MAX = 4096


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where, and how large the window is."""

    zone: Annotated[str, msgspec.Meta(max_length=64)] = "control"
    columns: int = 80
    rows: int = 24


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size` is [columns, rows]; `seen` is how many bytes the page has shown by now, which lets more come."""

    typed: Annotated[str, msgspec.Meta(max_length=TYPED_MAX)] = ""
    size: tuple[int, int] | None = None
    seen: Annotated[int, msgspec.Meta(ge=0)] | None = None
    close: bool = False


@blueprint.post("")
@access.lab_owner
def begin(name: str) -> ResponseReturnValue:
    """Open one; answers its id. The workstation's container is started if it does not run."""
    wanted = decoded(request.get_data() or b"{}", Opening, "terminal", "terminal")
    opened = terminals().open(name, wanted.zone, current_person(), wanted.columns, wanted.rows)
    return jsonify(result={"terminal": opened.id})


@blueprint.get("/<terminal>/stream")
@access.lab_owner
def show(name: str, terminal: str) -> Response:
    """Events `out` (base64, numbered by the bytes shown until then), `again`, `warned`, `gone`, `over`. Goes on from `Last-Event-ID`."""
    found = terminals().find(name, current_person(), terminal)
    last = request.headers.get("Last-Event-ID", "")
    return event_stream(events(found, int(last) if last.isascii() and last.isdigit() else None))


@blueprint.post("/<terminal>")
@access.lab_owner
def tell(name: str, terminal: str) -> ResponseReturnValue:
    """What was typed, the window's new size, what was seen; or that it is to be closed."""
    found = terminals().find(name, current_person(), terminal)
    said = decoded(request.get_data(), Said, "terminal", "terminal")
    if said.seen is not None:
        found.saw(said.seen)
    if said.size is not None:
        found.resize(*said.size)
    if said.typed:
        found.type(said.typed)
    if said.close:
        found.close()
    return jsonify(result=True)


def terminals() -> Terminals:
    """Those of the application that serves this request."""
    given = current_app.extensions["usine_ecole_terminals"]
    assert isinstance(given, Terminals)
    return given


def data(name: str) -> dict[str, Any]:
    """What the page's module starts from."""
    limits = settings().terminal_limits
    built = current_app.jinja_env.globals["vendor"]
    return {
        "open": url_for("terminal.begin", name=name),
        "one": url_for("terminal.tell", name=name, terminal="TERMINAL"),
        "stream": url_for("terminal.show", name=name, terminal="TERMINAL"),
        "library": url_for("static", filename="vendor/xterm.mjs") if built else None,
        "typed_max": TYPED_MAX,
        "idle_min": round(limits.idle_s / 60),
        "grace_s": round(limits.grace_s),
    }


def events(terminal: Terminal, after: int | None) -> Iterator[str]:
    """The stream's text; ends with `over`, after which a page asks no more."""
    yield f"retry: {RETRY_MS}\n\n"
    quiet = 0
    for news in terminal.follow(after):
        quiet = 0 if news else quiet + 1
        if news:
            yield _event(news)
        elif quiet % QUIET_LOOKS == 0:
            yield ":\n\n"


def _event(news: News) -> str:
    match news:
        case Output(at, shown):
            return f"id: {at}\nevent: out\ndata: {base64.b64encode(shown).decode()}\n\n"
        case Again():
            return "event: again\ndata: {}\n\n"
        case Warned(seconds):
            return _told("warned", {"seconds": seconds})
        case Lost():
            return _told("gone", {})
        case Over(why):
            return _told("over", {"why": why})


def _told(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {msgspec.json.encode(data).decode()}\n\n"
