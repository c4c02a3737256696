"""The scan cycle: inputs and outputs, modes, faults, retained values, download, diagnostics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulators.contracts import Fault, Plc
from simulators.model import Tag
from simulators.plc.scan import ScanCycle
from simulators.plc.st.errors import StError
from simulators.text import Text
from tests.simulators.plc.rack import FakeField, tag

SOURCE = """PROGRAM main
VAR
  start AT %IX0.0 : BOOL; level AT %IW0 : INT; temperature AT %ID0 : REAL;
  pump AT %QX0.0 : BOOL; valve AT %QW0 : INT; heat AT %QD0 : REAL;
  setpoint AT %MD0 : REAL := 72.0; divisor AT %MW0 : INT := 1;
END_VAR
VAR RETAIN batches : DINT; recipe AT %MD1 : REAL := 10.0; log : ARRAY [1..3] OF INT; END_VAR
VAR timer : TON; ratio : INT; scans : DINT; END_VAR
scans := scans + 1;
pump := start;
valve := level * 2;
IF temperature < setpoint THEN heat := 50.0; ELSE heat := 0.0; END_IF;
timer(IN := start, PT := T#1s);
IF timer.Q THEN batches := batches + 1; log[2] := 7; END_IF;
ratio := 100 / divisor;
END_PROGRAM
"""
TAGS = [
    tag("In.Start", "%IX0.0", "BOOL", "panel.start"), tag("In.Level", "%IW0", "INT", "tank.level", gain=0.1, offset=-5.0),
    tag("In.Temperature", "%ID0", "REAL", "heater.temperature"), tag("Out.Pump", "%QX0.0", "BOOL", "pump.run"),
    tag("Out.Valve", "%QW0", "INT", "valve.opening", gain=0.5, offset=1.0), tag("Out.Heat", "%QD0", "REAL", "heater.power"),
    tag("Set.Point", "%MD0", "REAL", writable=True), tag("Set.Divisor", "%MW0", "INT", writable=True),
]  # fmt: skip


class Wall:
    """A wall clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def plc(
    field: FakeField | None = None, source: str = SOURCE, tags: list[Tag] = TAGS, **more: Any
) -> ScanCycle:
    return ScanCycle("plc1", tags, field or FakeField(), source, **more)


def cell(cycle: ScanCycle, address: str) -> Any:
    return next(cycle.image.cells[index] for known, index, _ in cycle.image.items() if str(known) == address)


def put(cycle: ScanCycle, address: str, value: bool | int | float) -> None:
    index = next(index for known, index, _ in cycle.image.items() if str(known) == address)
    cycle.image.cells[index] = value


def test_it_is_a_plc() -> None:
    solver: Plc = plc()
    assert solver.diagnostics().mode == "RUN"


def test_engineering_values_become_raw_and_back() -> None:
    field = FakeField(panel__start=True, tank__level=95.0, heater__temperature=20.1)
    cycle = plc(field)
    cycle.scan(0.0)
    assert cell(cycle, "%IW0") == 1000
    assert cell(cycle, "%ID0") == pytest.approx(20.1, rel=1e-7)
    assert cell(cycle, "%ID0") != 20.1
    assert field.values["pump.run"] is True
    assert field.values["valve.opening"] == 2000 * 0.5 + 1.0
    assert field.values["heater.power"] == 50.0


def test_an_input_card_keeps_its_range() -> None:
    field = FakeField(tank__level=1e9)
    cycle = plc(field)
    cycle.scan(0.0)
    assert cell(cycle, "%IW0") == 32767
    field.values["tank.level"] = float("nan")
    cycle.scan(0.1)
    assert cell(cycle, "%IW0") == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_output_card_puts_out_numbers_only(value: float) -> None:
    field = FakeField()
    cycle = plc(field, "PROGRAM p VAR heat AT %QD0 : REAL; x AT %MD0 : REAL; END_VAR heat := x; END_PROGRAM")
    put(cycle, "%MD0", value)
    cycle.scan(0.0)
    assert field.values["heater.power"] == 0.0


@pytest.mark.parametrize("mode", ["STOP", "PROGRAM"])
def test_outputs_are_safe_and_inputs_fresh_outside_run(mode: Any) -> None:
    field = FakeField(panel__start=True, tank__level=95.0)
    cycle = plc(field)
    cycle.scan(0.0)
    cycle.set_mode(mode)
    field.values["tank.level"] = 45.0
    put(cycle, "%QX0.0", True)
    put(cycle, "%MD0", 60.0)
    cycle.scan(0.1)
    assert (field.values["pump.run"], field.values["valve.opening"], field.values["heater.power"]) == (
        False,
        1.0,
        0.0,
    )
    assert cell(cycle, "%IW0") == 500
    assert cell(cycle, "%MD0") == 60.0
    assert cycle.diagnostics().mode == mode
    assert cycle.diagnostics().scan_count == 1


def test_run_after_stop_is_a_warm_restart() -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    for step in range(15):
        cycle.scan(step * 0.1)
    put(cycle, "%MD0", 60.0)
    put(cycle, "%MD1", 11.0)
    cycle.set_mode("STOP")
    cycle.set_mode("RUN")
    assert cell(cycle, "%MD0") == 72.0
    assert cell(cycle, "%MD1") == 11.0
    state = cycle.checkpoint()["values"]["p_main"]
    assert (state["batches"], state["log"], state["scans"]) == (5, [0, 7, 0], 0)
    cycle.scan(1.5)
    assert field.values["pump.run"] is True


def test_a_fault_stops_the_plc_and_says_where() -> None:
    events: list[str] = []
    field = FakeField(panel__start=True)
    cycle = plc(field, log=lambda event, **_: events.append(event))
    other = plc(FakeField(panel__start=True))
    cycle.scan(0.0)
    put(cycle, "%MW0", 0)
    cycle.scan(0.1)
    other.scan(0.1)
    status = cycle.diagnostics()
    assert status.mode == "STOP"
    assert status.fault.startswith("plc1.st:15")
    assert "zéro" in status.fault or "zero" in status.fault
    assert status.cause == Fault(
        "division", 15, Text(fr="plc1.st:15 : division par zéro", en="plc1.st:15: division by zero")
    )
    assert field.values["pump.run"] is False
    assert events == ["plc_fault"]
    assert other.diagnostics().mode == "RUN"
    cycle.set_mode("RUN")
    cycle.scan(0.2)
    assert (cycle.diagnostics().mode, cycle.diagnostics().fault, cycle.diagnostics().cause) == (
        "RUN",
        "",
        None,
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("n := n / (n - n);", "division"),
        ("a[n + 9] := 1;", "range"),
        ("r := SQRT(r - 1.0);", "range"),
        ("r := 1.0E30; n := REAL_TO_DINT(r);", "range"),
        ("WHILE TRUE DO n := n + 1; END_WHILE;", "watchdog"),
        ("n := STRING_TO_DINT('abc');", "other"),
    ],
)
def test_a_fault_has_its_kind_and_its_line(body: str, kind: str) -> None:
    source = f"PROGRAM p VAR n : DINT := 1; r : REAL; a : ARRAY [1..2] OF INT; END_VAR\n\n{body}\nEND_PROGRAM"
    cycle = plc(source=source, tags=[])
    cycle.scan(0.0)
    cause = cycle.diagnostics().cause
    assert cause is not None
    assert (cause.kind, cause.line) == (kind, 3)
    assert cause.text.fr != cause.text.en


def test_an_endless_loop_is_stopped_by_its_budget_or_by_processor_time() -> None:
    source = (
        "PROGRAM p VAR n : DINT; END_VAR\nn := 1;\nREPEAT n := n + 1; UNTIL FALSE END_REPEAT;\nEND_PROGRAM"
    )
    cycle = plc(source=source, tags=[])
    cycle.scan(0.0)
    assert "plc1.st:3" in cycle.diagnostics().fault
    slow = plc(source=source, tags=[], budget=10**12, watchdog_s=0.05)
    slow.scan(0.0)
    assert "0.05 s" in slow.diagnostics().fault


def test_timers_follow_simulated_time_only() -> None:
    field = FakeField(panel__start=True)
    wall = Wall()
    cycle = plc(field, wall_s=wall)
    wall.now_s = 1e6
    cycle.scan(0.0)
    cycle.scan(0.9)
    assert cycle.checkpoint()["values"]["p_main"]["batches"] == 0
    cycle.scan(1.0)
    assert cycle.checkpoint()["values"]["p_main"]["batches"] == 1


def test_two_runs_of_the_same_inputs_are_the_same() -> None:
    def history() -> list[Any]:
        field = FakeField(panel__start=True)
        cycle = plc(field)
        rows = []
        for step in range(50):
            field.values["heater.temperature"] = 60.0 + step * 0.5
            cycle.scan(step * 0.1)
            rows.append((dict(field.values), list(cycle.image.cells)))
        return rows

    assert history() == history()


# Retained values


def run_some(path: Path, wall: Wall, **more: Any) -> ScanCycle:
    cycle = plc(FakeField(panel__start=True), retained_path=path, wall_s=wall, **more)
    for step in range(15):
        cycle.scan(step * 0.1)
    return cycle


def test_retained_values_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "plc1" / "retained.json"
    wall = Wall()
    cycle = run_some(path, wall)
    assert not path.exists()
    wall.now_s = 1.0
    cycle.scan(1.5)
    assert json.loads(path.read_text())["values"]["p_main"]["batches"] == 6
    cycle.scan(1.6)
    assert json.loads(path.read_text())["values"]["p_main"]["batches"] == 6  # once a second
    cycle.save()
    again = plc(retained_path=path)
    state = again.checkpoint()["values"]["p_main"]
    assert (state["batches"], state["log"], state["recipe"], state["scans"]) == (7, [0, 7, 0], 10.0, 0)
    assert [p.name for p in path.parent.iterdir()] == ["retained.json"]


def test_stop_saves(tmp_path: Path) -> None:
    path = tmp_path / "retained.json"
    run_some(path, Wall()).set_mode("STOP")
    assert path.exists()


def test_retained_timers_and_controllers_start_again(tmp_path: Path) -> None:
    source = """PROGRAM p VAR start AT %IX0.0 : BOOL; END_VAR
    VAR RETAIN on : TON; off : TOF; pulse : TP; control : PID := (X0 := 5.0); count : CTU; END_VAR
    on(IN := start, PT := T#10s); off(IN := NOT start, PT := T#10s); pulse(IN := start, PT := T#10s);
    control(AUTO := TRUE, SP := 1.0, TR := 1.0); count(CU := start, PV := 5); END_PROGRAM"""
    path = tmp_path / "retained.json"
    field = FakeField(panel__start=False)
    cycle = plc(field, source, retained_path=path)
    for step in range(50):
        field.values["panel.start"] = step > 10
        cycle.scan(1000 + step * 0.1)
    cycle.save()
    again = plc(field, source, retained_path=path)
    for step in range(102):
        again.scan(step * 0.1)
        outputs = again.checkpoint()["values"]["p_p"]
        expected = (step > 99, step <= 99, step <= 99)
        assert (outputs["on"]["v_q"], outputs["off"]["v_q"], outputs["pulse"]["v_q"]) == expected, step
    assert outputs["count"]["v_cv"] == 1
    assert outputs["control"]["v_xout"] == pytest.approx(5.0 + 10.1, abs=0.01)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "x"}', b"[" * 100_000])
def test_a_corrupt_file_is_reported_and_ignored(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "retained.json"
    path.write_bytes(content)
    events: list[str] = []
    cycle = plc(retained_path=path, log=lambda event, **_: events.append(event))
    assert events == ["plc_retained_ignored"]
    cycle.scan(0.0)
    assert cycle.diagnostics().mode == "RUN"
    assert cycle.checkpoint()["values"]["p_main"]["batches"] == 0


def test_values_that_do_not_fit_any_more_are_left(tmp_path: Path) -> None:
    path = tmp_path / "retained.json"
    values = {"batches": "many", "recipe": 12, "log": [1, 2], "gone": 3}
    path.write_text(json.dumps({"format": "usine-ecole/retained/v1", "values": {"p_main": values}}))
    state = plc(retained_path=path).checkpoint()["values"]["p_main"]
    assert (state["batches"], state["recipe"], state["log"]) == (0, 12.0, [0, 0, 0])


def test_a_disk_that_refuses_is_reported_and_the_plc_goes_on(tmp_path: Path) -> None:
    events: list[str] = []
    blocked = tmp_path / "file"
    blocked.write_text("")
    cycle = plc(retained_path=blocked / "retained.json", log=lambda event, **_: events.append(event))
    cycle.scan(0.0)
    cycle.save()
    assert "plc_retained_not_saved" in events
    assert cycle.diagnostics().mode == "RUN"


def test_a_file_that_cannot_be_written_whole_leaves_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "retained.json"
    events: list[str] = []
    cycle = run_some(path, Wall(), log=lambda event, **_: events.append(event))
    cycle.save()
    before = path.read_bytes()
    (tmp_path / "retained.json.new").mkdir()
    cycle.scan(1.5)
    cycle.save()
    assert events == ["plc_retained_not_saved"]
    assert path.read_bytes() == before


def test_a_cold_restart_forgets_and_a_reset_forgets_everything(tmp_path: Path) -> None:
    path = tmp_path / "retained.json"
    cycle = run_some(path, Wall())
    cycle.save()
    cycle.restart(cold=True)
    assert cycle.checkpoint()["values"]["p_main"]["batches"] == 0
    put(cycle, "%MD0", 1.0)
    cycle.set_mode("STOP")
    cycle.reset()
    assert not path.exists()
    assert cell(cycle, "%MD0") == 72.0
    status = cycle.diagnostics()
    assert (status.mode, status.scan_count, status.uptime_s, status.overruns) == ("RUN", 0, 0, 0)


# Download


def test_download_replaces_the_program_and_keeps_what_is_retained() -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    for step in range(15):
        cycle.scan(step * 0.1)
    changed = (
        SOURCE.replace("valve := level * 2;", "valve := 44;")
        .replace("log : ARRAY [1..3] OF INT;", "")
        .replace("log[2] := 7;", "")
    )
    digest = cycle.download(changed)
    assert (cycle.diagnostics().program_sha256, cycle.upload()) == (digest, changed)
    cycle.scan(1.5)
    assert field.values["valve.opening"] == 23.0
    assert cycle.checkpoint()["values"]["p_main"]["batches"] == 5


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "PROGRAM p END_PROGRAM x",
        "PROGRAM p VAR x AT %IW0 : UINT; END_VAR END_PROGRAM",
        SOURCE.replace("level * 2", "leval"),
        SOURCE.replace("%IW0 : INT", "%IW0 : UINT"),
    ],
)
def test_a_bad_download_changes_nothing(bad: str) -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    for step in range(15):
        cycle.scan(step * 0.1)
    before, cells = cycle.checkpoint(), list(cycle.image.cells)
    with pytest.raises(StError):
        cycle.download(bad)
    assert cycle.checkpoint() == before
    assert cycle.image.cells == cells
    assert cycle.upload() == SOURCE


def test_outputs_that_a_new_program_does_not_drive_are_released() -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    cycle.scan(0.0)
    cells = cycle.image.cells
    cycle.download("PROGRAM p VAR x : INT; free AT %MW20 : INT; END_VAR x := x + 1; END_PROGRAM")
    cycle.scan(0.1)
    assert (field.values["pump.run"], field.values["heater.power"]) == (False, 0.0)
    assert cycle.image.cells is cells
    cycle.download("PROGRAM p VAR free AT %MW20 : WORD; END_VAR free := free OR 16#F0; END_PROGRAM")
    cycle.scan(0.2)
    assert cell(cycle, "%MW20") == 0xF0


def test_download_in_stop_waits_for_run() -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    cycle.set_mode("PROGRAM")
    cycle.download(SOURCE)
    cycle.scan(0.0)
    assert field.values["pump.run"] is False
    cycle.set_mode("RUN")
    cycle.scan(0.1)
    assert field.values["pump.run"] is True


def test_a_tag_of_another_type_than_the_program_is_an_error() -> None:
    with pytest.raises(StError, match=r"plc1\.st:3.*%IW0"):
        plc(tags=[tag("In.Level", "%IW0", "UINT", "tank.level")])


# Diagnostics and checkpoints


def test_diagnostics_count_time_and_overruns() -> None:
    wall = Wall()
    field = FakeField()

    class SlowField(FakeField):
        def write(self, signals: Any, values: Any) -> None:
            wall.now_s += float(self.values["taken"])

    field = SlowField(taken=0.05)
    cycle = plc(field, wall_s=wall)
    for step, taken in enumerate([0.05, 0.15, 0.01]):
        field.values["taken"] = taken
        cycle.scan(10.0 + step)
    status = cycle.diagnostics()
    assert (status.scan_last_us, status.scan_max_us, status.overruns, status.scan_count, status.uptime_s) == (
        10_000,
        150_000,
        1,
        3,
        2,
    )
    assert len(status.program_sha256) == 64


def test_a_checkpoint_brings_everything_back() -> None:
    field = FakeField(panel__start=True)
    cycle = plc(field)
    for step in range(7):
        cycle.scan(step * 0.1)
    put(cycle, "%MD0", 55.0)
    state = cycle.checkpoint()

    def rest(resumed: ScanCycle) -> list[Any]:
        for step in range(7, 20):
            resumed.scan(step * 0.1)
        after = resumed.checkpoint()
        return [after["values"], after["cells"]]

    other = plc(FakeField(panel__start=True))
    other.restore(state)
    assert rest(other) == rest(cycle)


TASKS = """PROGRAM count VAR n : DINT; END_VAR n := n + 1; END_PROGRAM
CONFIGURATION c
VAR_GLOBAL trigger AT %MX0.0 : BOOL; END_VAR
TASK slow(INTERVAL := T#250ms, PRIORITY := 2); TASK fast(INTERVAL := T#20ms, PRIORITY := 1); TASK event(SINGLE := trigger, PRIORITY := 0);
PROGRAM a WITH slow : count; PROGRAM b WITH fast : count; PROGRAM d WITH event : count; PROGRAM e : count;
END_CONFIGURATION"""


def counts(cycle: ScanCycle) -> dict[str, int]:
    values = cycle.checkpoint()["values"]
    return {name[2:]: values[name]["n"] for name in ("p_a", "p_b", "p_d", "p_e")}


def test_tasks_run_when_they_are_due() -> None:
    cycle = plc(source=TASKS, tags=[])
    for step in range(11):
        put(cycle, "%MX0.0", step in (3, 4, 8))
        cycle.scan(step * 0.1)
    assert counts(cycle) == {"a": 5, "b": 11, "d": 2, "e": 11}


@pytest.mark.parametrize(
    "break_it", [lambda c: c.set_mode("STOP"), lambda c: c.download(TASKS), lambda c: c.reset()]
)
def test_nothing_of_the_control_channel_disturbs_the_next_scan(break_it: Callable[[ScanCycle], Any]) -> None:
    cycle = plc()
    cycle.scan(0.0)
    break_it(cycle)
    cycle.scan(0.1)
    assert cycle.diagnostics().fault == ""
