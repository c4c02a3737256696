"""A lab's line as the page needs it: specs, the faults that can be injected, the endpoints of the user's tools."""

from dataclasses import dataclass

import msgspec

from lab.labs import Connection, Endpoint
from simulators.errors import UsineError
from simulators.model import Line, Tag

TREND_DEFAULT = 4


@dataclass(frozen=True)
class Description:
    """`faults` gives the fault modes of each asset, as the plant names them."""

    line: Line
    faults: dict[str, list[str]]


def describe(lab: Connection) -> Description:
    """The answer of the verb `describe`, parsed."""
    answer = dict(lab.request("describe"))
    faults = msgspec.convert(answer.pop("fault_modes", {}), dict[str, list[str]])
    return Description(msgspec.convert(answer, Line), faults)


def endpoints(lab: Connection) -> list[Endpoint]:
    """Where the user's tools reach the devices; none while the lab cannot say."""
    try:
        return msgspec.convert(lab.request("endpoints"), list[Endpoint])
    except UsineError:
        return []


def command(endpoint: Endpoint, line: Line) -> str:
    """A command of an ordinary tool that shows something of `line` at `endpoint` at once."""
    host, port = endpoint.host, endpoint.port
    match endpoint.protocol:
        case "modbus":
            return f"mbpoll -a 1 -t 3 -r 1 -c {_input_words(line, endpoint.device)} -p {port} {host}"
        case "opcua":
            return f"uals -u opc.tcp://{host}:{port} -n 'ns=2;s={line.id}' -d 2"
        case "mqtt":
            return f"mosquitto_sub -h {host} -p {port} -t '#' -v"


def _input_words(line: Line, device: str) -> int:
    """How many input registers follow each other from the first one: beyond, a PLC answers an error."""
    addresses = {tag.address.upper() for tag in line.tags_of(device)}
    return next(count for count in range(126) if f"%IW{count}" not in addresses) or 1


def band(tag: Tag) -> tuple[float, float] | None:
    """The tag's normal band: inside its alarm limits and its range; None where no limit tells it."""
    lows = [alarm.limit for alarm in tag.alarms if alarm.when == "below" and alarm.limit is not None]
    highs = [alarm.limit for alarm in tag.alarms if alarm.when == "above" and alarm.limit is not None]
    if tag.range is None or not (lows or highs):
        return None
    return float(max([tag.range[0], *lows])), float(min([tag.range[1], *highs]))


def trend_choice(line: Line) -> list[str]:
    """The tags whose trends open with the page: measurements with alarms first, of different units and groups."""
    measured = [tag for tag in line.tags if tag.range is not None and tag.type != "BOOL" and not tag.writable]
    ranked = sorted(measured, key=lambda tag: not tag.alarms)
    chosen: list[Tag] = []
    for tag in ranked:
        seen = {other.unit for other in chosen} | {other.group for other in chosen}
        if len(chosen) < TREND_DEFAULT and not {tag.unit, tag.group} & seen:
            chosen.append(tag)
    return [tag.id for tag in chosen]
