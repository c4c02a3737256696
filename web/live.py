"""The live page of a lab, and the history that its trends start with."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from lab.labs import Endpoint
from lab.runtimes.names import WITH_WORKSTATION
from simulators.errors import InputError, UsineError
from simulators.model import Line
from web import access, terminal
from web.description import Description, band, command, describe, endpoints, trend_choice
from web.faults import named
from web.language import chosen
from web.mimic import drawing
from web.settings import settings
from web.words import words

blueprint = Blueprint("live", __name__)
TREND_MINUTES = 10
TREND_TAGS_MAX = 16


@dataclass(frozen=True)
class Page:
    """What the template draws. `workstation`: the lab has machines for terminals."""

    name: str
    line: Line
    description: Description
    endpoints: list[tuple[Endpoint, str]]
    drawing: Markup | None
    runtime: str
    workstation: bool
    data: dict[str, Any]


@blueprint.get("/labs/<name>")
@access.lab_owner
def show(name: str) -> ResponseReturnValue:
    """The live page."""
    try:
        shown = page(name)
    except UsineError:
        status = next((s for s in settings().labs.list() if s.name == name), None)
        if status is None:
            raise
        return render_template("restarting.html", status=status), 503, {"Retry-After": "2"}
    return render_template("live.html", page=shown)


def page(name: str) -> Page:
    """The parts of a lab's page. Raises: UsineError: it does not answer."""
    given = settings()
    runtime = runtime_of(name)
    with given.labs.attach(name) as lab:
        description = describe(lab)
        reachable = endpoints(lab)
    return Page(
        name=name,
        line=description.line,
        description=description,
        endpoints=[(endpoint, command(endpoint, description.line)) for endpoint in reachable],
        drawing=drawing(given.lines, description.line.id),
        runtime=runtime,
        workstation=runtime in WITH_WORKSTATION,
        data={**common(), **_data(name, description)},
    )


def runtime_of(name: str) -> str:
    """What carries the lab; nothing where it is not known."""
    return next((status.runtime for status in settings().labs.list() if status.name == name), "")


@blueprint.get("/labs/<name>/trend")
@access.lab_owner
def trend(name: str) -> ResponseReturnValue:
    """`?tags=A,B`: {tag: [[unix_s, value], …]} of the last ten minutes."""
    tags = [tag for tag in request.args.get("tags", "").split(",") if tag]
    if not 1 <= len(tags) <= TREND_TAGS_MAX:
        raise InputError(
            f"courbes : de 1 à {TREND_TAGS_MAX} variables, pas {len(tags)}",
            f"trends: 1 to {TREND_TAGS_MAX} tags, not {len(tags)}",
        )
    with settings().labs.attach(name) as lab:
        return jsonify(lab.request("trend", tags=tags, minutes=TREND_MINUTES))


def common() -> dict[str, Any]:
    """What every page's modules need, with a lab or without."""
    return {"language": chosen(), "vendor": vendor_file("uplot.mjs"), "words": words()}


def vendor_file(name: str) -> str | None:
    """The address of a bundle, None where it was not built."""
    if not current_app.jinja_env.globals["vendor"]:
        return None
    return url_for("static", filename=f"vendor/{name}")


def _data(name: str, description: Description) -> dict[str, Any]:
    """What the page's modules start from, as JSON."""
    language = chosen()
    line = description.line
    return {
        "lab": name,
        "stream": url_for("stream.show", name=name),
        "trend": url_for("live.trend", name=name),
        "command": url_for("commands.run", name=name, verb="VERB"),
        "terminal": terminal.data(name),
        "trend_minutes": TREND_MINUTES,
        "trend_tags": trend_choice(line),
        "tags": {
            tag.id: {
                "name": tag.name.in_language(language),
                "unit": tag.unit,
                "type": tag.type,
                "range": tag.range,
                "band": band(tag),
                "limits": [[a.when, a.limit, a.priority] for a in tag.alarms if a.limit is not None],
                "states": {key: text.in_language(language) for key, text in (tag.states or {}).items()},
                "writable": tag.writable,
            }
            for tag in line.tags
        },
        "assets": {asset.id: asset.name.in_language(language) for asset in line.assets},
        "devices": {device.id: device.name.in_language(language) for device in line.devices},
        "faults": named(line, description.faults),
    }
