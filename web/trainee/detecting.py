"""Detection: rules, and the table of events that they look at."""

import base64
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from lab.catalog import find_line
from lab.detection.rules import check_rules, try_rules
from lab.labs import Connection
from simulators.addressing import Addressing
from simulators.errors import InputError
from web import access
from web.session import current_person
from web.settings import settings
from web.trainee.editing import problem, typed

blueprint = Blueprint("detecting", __name__, url_prefix="/sittings/<int:sitting_id>")
SHOWN_MAX, SAVED_MAX, TRIED_MAX = 300, 5000, 50_000
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/rules")
@access.sitting_owner
def rules(sitting_id: int) -> ResponseReturnValue:
    """{"text"}: those saved last."""
    return jsonify(text=settings().sittings.rules(sitting_id))


@blueprint.post("/rules")
@access.sitting_owner
def save_rules(sitting_id: int) -> ResponseReturnValue:
    """Save what was typed; what is wrong with it comes back, and nothing changed."""
    settings().sittings.save_rules(sitting_id, current_person(), typed(request.get_data()))
    return jsonify(result=True)


@blueprint.post("/rules/check")
@access.sitting_owner
def check(sitting_id: int) -> ResponseReturnValue:  # noqa: ARG001 -- asked by the rule of access
    """What is wrong with the rules that are typed: {"problem": {"line", "text"} or null}."""
    try:
        check_rules(typed(request.get_data()))
    except InputError as error:
        return jsonify(problem=problem(error))
    return jsonify(problem=None)


@blueprint.post("/rules/try")
@access.sitting_owner
def attempt(sitting_id: int) -> ResponseReturnValue:
    """What the typed rules find among the lab's own events: alerts, those of a minute put together."""
    text = typed(request.get_data())
    given = settings()
    sitting = given.sittings.sitting(sitting_id)
    with given.labs.attach(sitting.lab) as lab:
        rows = list(islice(_all_events(lab), TRIED_MAX))
    line = find_line(given.sittings.exercise(sitting.exercise).line)
    trial = try_rules(text, rows, Addressing.of(line, sitting.subnets).line(line))
    return jsonify(msgspec.to_builtins(trial))


@blueprint.get("/events")
@access.sitting_owner
def events(sitting_id: int) -> ResponseReturnValue:
    """Rows of the event table: `?log=&device=&contains=&minutes=`."""
    return jsonify(_events(sitting_id, SHOWN_MAX))


@blueprint.get("/events.csv")
@access.sitting_owner
def events_csv(sitting_id: int) -> Response:
    """The same rows, as a spreadsheet reads them."""
    found = _events(sitting_id, SAVED_MAX)
    return Response(
        as_csv(found["columns"], found["events"]),
        mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="events-{sitting_id}.csv"'},
    )


@blueprint.get("/events.pcap")
@access.sitting_owner
def events_pcap(sitting_id: int) -> Response:
    """The latest frames that the line recorded."""
    with settings().labs.attach(settings().sittings.sitting(sitting_id).lab) as lab:
        kept = lab.request("record_pcap")
    return Response(
        base64.b64decode(kept["pcap_base64"]),
        mimetype="application/vnd.tcpdump.pcap",
        headers={"Content-Disposition": f'attachment; filename="record-{sitting_id}.pcap"'},
    )


def _all_events(lab: Connection) -> Iterator[dict[str, Any]]:
    """Everything that the table still holds, the oldest first."""
    cursor = 0
    for _ in range(TRIED_MAX // SAVED_MAX + 1):
        answer = lab.request("events", after=cursor, limit=SAVED_MAX)
        yield from answer["events"]
        if len(answer["events"]) < SAVED_MAX:
            return
        cursor = answer["cursor"]


def as_csv(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """With a mark for spreadsheets that it is UTF-8; no cell is a formula."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _events(sitting_id: int, limit: int) -> dict[str, Any]:
    with settings().labs.attach(settings().sittings.sitting(sitting_id).lab) as lab:
        answer: dict[str, Any] = lab.request("events", **_wanted(lab), limit=limit)
    return answer


def _wanted(lab: Connection) -> dict[str, Any]:
    asked = {name: request.args.get(name) or None for name in ("log", "device", "contains")}
    minutes = request.args.get("minutes", type=float)
    if minutes:
        asked["since_ts"] = lab.request("clock")["unix_s"] - 60 * minutes
    return {name: value for name, value in asked.items() if value is not None}
