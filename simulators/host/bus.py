"""The words between a line's plant and the parts that run in processes of their own, and how they are framed.

One connection a part, opened by the part. Messages are MessagePack maps, each behind its length (32 bits, big-endian).

| from the part | |
|---|---|
| `part`, `token` | who it is; the first message |
| `read`, `listen`, `every` | the signals and the assets' vibration that it wants, and each how many steps, after each change |
| `out`, `step` | what a PLC drives after the scan of that step |
| `status` | its devices' states (`snapshot.DeviceStatus`), after each change |
| `refused` | why its device does not start: `kind`, `fr`, `en` |
| `rows` | what SCADA gives to the historian |
| `answer`, `result` or `error` | of what it was asked |

| from the plant | |
|---|---|
| `welcome` | `Welcome`: all that the part needs to be built |
| `begin` | it may start its device |
| `clock` | `Time`: simulated time, its speed, whether it stands |
| `step`, `in`, `windows` | the plant's values at that step, in the order of `read`; `contracts.Vibration` by asset |
| `present` | which other parts are well |
| `rows` | what SCADA gave, to the historian |
| `ask`, `device`, `verb`, `arguments` | a verb of `simulators.host.verbs.of_device` |
"""

import hashlib
import hmac

import msgspec

from simulators.model import Line

PART_VARIABLE, BUS_VARIABLE, TOKEN_VARIABLE = "USINE_PART", "USINE_BUS", "USINE_TOKEN"
# The Unix socket of whoever waits for the plant to be ready.
REPORT_VARIABLE = "USINE_REPORT"


class Time(msgspec.Struct, frozen=True):
    """Simulated time now, as `clock.Clock` has it."""

    t_s: float
    speed: float
    paused: bool


class Welcome(msgspec.Struct, frozen=True):
    """`plant` names the plant's own life: another one, and a part begins again. `files` are those of the line's folder."""

    plant: str
    line: Line
    files: dict[str, str]
    seed: int
    origin_unix_s: float
    time: Time


def part_token(secret: str, part: str) -> str:
    """What a part shows to the plant: it opens no other part's place."""
    return hmac.new(secret.encode(), part.encode(), hashlib.sha256).hexdigest()
