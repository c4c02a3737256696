"""The attack in the trainee's own lab, on a lab whose time jumps: what was seen then is not judged."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.attacks.contract import Label
from lab.detection.live import TRIES, attacked
from lab.detection.stage import OverloadedError
from lab.exercises.observe import Grader
from lab.labs import Job, Progress
from simulators.model import load_line

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))


class Hurried:
    """A lab whose time passes when it is asked for. At its nth attack it jumps `jumps[n]` times."""

    def __init__(self, jumps: Iterable[int]) -> None:
        self.unix_s, self.speed, self.backlogs = 1000.0, 1.0, 0
        self.jumps = iter(jumps)
        self.attacked_at: list[float] = []
        self.rows, self.after = 100, 0

    def request(self, verb: str, **arguments: Any) -> Any:
        if verb == "clock":
            self.unix_s += 30.0
            return {
                "unix_s": self.unix_s, "t_s": self.unix_s, "speed": self.speed, "backlogs": self.backlogs,
            }  # fmt: skip
        if verb == "speed":
            self.speed = arguments["speed"]
        if verb == "events":
            self.after = arguments.get("after", self.after)
            return {"events": [], "cursor": self.rows}
        return None

    def run(self, job: Job, progress: Progress = lambda _message: None) -> Any:
        if job.kind == "attack":
            self.attacked_at.append(self.speed)
            self.backlogs += next(self.jumps)
            self.rows += 10
            label = Label(
                "port_scan", "T0846.001", "plc1", "10.20.1.133", self.unix_s, self.unix_s + 1.0, 0.0
            )
            progress({"label": msgspec.to_builtins(label)})


def test_where_time_jumped_all_is_done_again_at_half_the_speed() -> None:
    lab = Hurried([1, 2, 0])
    happened = attacked(Grader(LINE, lab, "one", lab, "", {}, seed=3), ["port_scan"], 60.0)  # type: ignore[arg-type]
    assert lab.attacked_at == [8.0, 4.0, 2.0]
    assert happened.label.start_unix_s >= happened.visit_unix_s > 1000.0
    assert lab.after == 120, "what the attacks before have left is not the last one's"
    assert lab.speed == 1.0, "as the trainee had it"


def test_where_time_jumps_at_any_speed_nothing_is_judged() -> None:
    lab = Hurried([1] * TRIES)
    with pytest.raises(OverloadedError, match="trop chargée"):
        attacked(Grader(LINE, lab, "one", lab, "", {}, seed=3), ["port_scan"], 60.0)  # type: ignore[arg-type]
    assert lab.speed == 1.0
