"""The scan cycle of a PLC: inputs, program, outputs; modes, faults, retained variables, download."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from simulators.contracts import Diagnostics, Fault, FieldIO, Mode
from simulators.model import Tag
from simulators.plc import retain
from simulators.plc.faults import explain
from simulators.plc.image import Image, Value
from simulators.plc.points import Points
from simulators.plc.st.program import Instance, Program, compile_program
from simulators.plc.st.runtime import Watchdog

BUDGET = 1_000_000
RETAIN_PERIOD_S = 1.0


class ScanCycle:
    """A PLC without its network (`simulators.contracts.Plc`).

    `scan` is called once a simulated step. A program sees simulated time only; the wall is read for the scan-time
    diagnostics, the watchdog and the pace at which retained values go to `retained_path`. In STOP and PROGRAM the inputs
    stay fresh and the outputs that drive the plant are FALSE or 0. A fault of the program puts the PLC in STOP and its
    cause and line in the diagnostics; RUN then starts it again from its initial and retained values.
    """

    def __init__(
        self,
        plc_id: str,
        tags: Sequence[Tag],
        field: FieldIO,
        source: str,
        retained_path: Path | None = None,
        step_s: float = 0.1,
        watchdog_s: float = 1.0,
        *,
        budget: int = BUDGET,
        wall_s: Callable[[], float] = time.perf_counter,
        log: Callable[..., None] = lambda _event, **_fields: None,
    ) -> None:
        self.plc_id = plc_id
        self.image = Image()
        self._points = Points(tags, field, self.image)
        self._retained_path, self._step_s = retained_path, step_s
        self._watchdog = Watchdog(budget, watchdog_s)
        self._wall_s, self._log = wall_s, log
        self._mode: Mode = "RUN"
        self._fault: Fault | None = None
        self._t_s: float | None = None
        self._started_t_s: float | None = None
        self._scan_count = self._overruns = self._scan_last_us = self._scan_max_us = 0
        self._saved: retain.Values = {}
        self._saved_wall_s = wall_s()
        self._program = self._compile(source)
        self._instance = self._instantiate(self._program, self._stored())

    # The cycle

    def scan(self, t_s: float) -> None:
        """One cycle at simulated `t_s`: read the inputs, run the tasks that are due, write the outputs."""
        started_s = self._wall_s()
        if self._started_t_s is None or t_s < self._started_t_s:
            self._started_t_s = t_s
        self._t_s = t_s
        self._points.read()
        if self._mode == "RUN":
            self._run(round(t_s * 1e9))
        if self._mode != "RUN":
            self._points.make_safe()
        self._points.write()
        ended_s = self._wall_s()
        self._measure(ended_s - started_s)
        if ended_s - self._saved_wall_s >= RETAIN_PERIOD_S:
            self.save()

    def _run(self, now_ns: int) -> None:
        self._watchdog.start()
        try:
            self._instance.run(now_ns)
        except Exception as error:  # whatever a program does stops that PLC, never the lab
            self._fault = explain(error, self._program)
            self._mode = "STOP"
            self._log("plc_fault", plc=self.plc_id, fault=self._fault.text.en)
        self._scan_count += 1

    def _measure(self, taken_s: float) -> None:
        taken_us = round(taken_s * 1e6)
        self._scan_last_us = taken_us
        self._scan_max_us = max(self._scan_max_us, taken_us)
        if taken_s > self._step_s:
            self._overruns += 1

    # Modes

    @property
    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """RUN from another mode is a warm restart and clears a fault."""
        if mode == self._mode:
            return
        if mode == "RUN":
            self.restart(cold=False)
            return
        self._mode = mode
        self._log("plc_mode", plc=self.plc_id, mode=mode)
        self.save()

    def restart(self, cold: bool = False) -> None:
        """Start the program from its initial values; retained variables keep theirs unless `cold`. Goes to RUN."""
        values = {} if cold else retain.freeze(self._instance, self.image)
        self._instance = self._instantiate(self._program, values)
        self._mode, self._fault, self._started_t_s = "RUN", None, None
        self._log("plc_restart", plc=self.plc_id, cold=cold)

    def reset(self) -> None:
        """As at the start of the lab, with the program that is installed: image, variables and counters."""
        for _address, index, _type in self.image.items():
            self.image.clear(index)
        if self._retained_path is not None:
            self._retained_path.unlink(missing_ok=True)
        self._saved = {}
        self._clear_counters()
        self.restart(cold=True)

    def diagnostics(self) -> Diagnostics:
        """The status tags."""
        uptime_s = (
            self._t_s - self._started_t_s if self._t_s is not None and self._started_t_s is not None else 0
        )
        return Diagnostics(
            mode=self._mode,
            fault=str(self._fault.text) if self._fault else "",
            scan_last_us=self._scan_last_us,
            scan_max_us=self._scan_max_us,
            scan_count=self._scan_count,
            overruns=self._overruns,
            uptime_s=int(uptime_s),
            program_sha256=self._program.sha256,
            cause=self._fault,
        )

    def _clear_counters(self) -> None:
        self._scan_count = self._overruns = self._scan_last_us = self._scan_max_us = 0

    # Program

    def download(self, source: str, name: str | None = None) -> str:
        """Compile and install a program, called `name` in errors, in any mode; returns its SHA-256.

        In RUN the new program starts at once, retained variables that it still has keep their values.

        Raises:
            StError: nothing changed.
        """
        program = self._compile(source, name)
        values = retain.freeze(self._instance, self.image)
        self._instance = self._instantiate(program, values)
        self._program = program
        self._fault = None
        self._log("plc_download", plc=self.plc_id, sha256=program.sha256)
        return program.sha256

    def check(self, source: str, name: str | None = None) -> None:
        """Raises: StError: `download` would refuse this program."""
        self._compile(source, name)

    def upload(self) -> str:
        """The source of the program installed."""
        return self._program.source

    @property
    def sha256(self) -> str:
        """Of the source installed, in UTF-8."""
        return self._program.sha256

    def _compile(self, source: str, name: str | None = None) -> Program:
        program = compile_program(source, name or f"{self.plc_id}.st")
        program.check_image(self.image, self._points.fixed)
        return program

    def _instantiate(self, program: Program, values: retain.Values) -> Instance:
        self._points.make_safe()
        instance = program.instantiate(self.image, self._watchdog)
        retain.thaw(instance, self.image, values)
        return instance

    # Retained values

    def _stored(self) -> retain.Values:
        """What the last run left; a file that cannot be used is reported and ignored."""
        if self._retained_path is None or not self._retained_path.exists():
            return {}
        try:
            self._saved = retain.load(self._retained_path)
        except (OSError, ValueError, RecursionError) as error:
            self._log("plc_retained_ignored", plc=self.plc_id, reason=f"{type(error).__name__}: {error}")
        return self._saved

    def save(self) -> None:
        """Write the retained values to their file if they changed; `scan` does once a second, call it before leaving."""
        self._saved_wall_s = self._wall_s()
        if self._retained_path is None:
            return
        values = retain.freeze(self._instance, self.image)
        if values == self._saved:
            return
        try:
            retain.store(self._retained_path, values)
        except OSError as error:
            self._log("plc_retained_not_saved", plc=self.plc_id, reason=str(error))
            return
        self._saved = values

    # Checkpoints

    def checkpoint(self) -> dict[str, Any]:
        """The whole state, to be restored in a PLC with the same tags."""
        cells: list[Value] = list(self.image.cells)
        return {
            "source": self._program.source,
            "mode": self._mode,
            "fault": self._fault,
            "cells": cells,
            "values": retain.freeze(self._instance, self.image, everything=True),
            "tasks": [(task.due_ns, task.memory) for task in self._instance.tasks],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take a checkpoint's state. Raises: StError: its program does not compile here."""
        program = self._compile(state["source"])
        self._instance = self._instantiate(program, {})
        self._program = program
        # A lab that was started again may have declared other cells beyond those of the line's tags.
        for index, value in enumerate(state["cells"][: len(self.image.cells)]):
            if type(value) is type(self.image.cells[index]):
                self.image.cells[index] = value
        retain.thaw(self._instance, self.image, state["values"], everything=True)
        for task, (due_ns, memory) in zip(self._instance.tasks, state["tasks"], strict=True):
            task.due_ns, task.memory = due_ns, memory
        self._mode, self._fault = state["mode"], state["fault"]
