"""The standard function blocks (IEC 61131-3:2013, 6.6.3.5) and PID, as classes that compiled programs instantiate.

Variables are `v_` and the lower-case name. `run(now)` takes the simulated time in nanoseconds.
"""

from typing import Any

from simulators.plc.st.runtime import FLOAT
from simulators.plc.st.types import (
    BOOL,
    DINT,
    INT,
    LINT,
    REAL,
    TIME,
    UDINT,
    ULINT,
    Block,
    Elementary,
    Parameter,
    Type,
)


class SR:
    """Bistable, set dominant."""

    __slots__ = ("v_q1", "v_r", "v_s1")

    def __init__(self) -> None:
        self.v_s1 = self.v_r = self.v_q1 = False

    def run(self, _now: int) -> None:
        self.v_q1 = self.v_s1 or (self.v_q1 and not self.v_r)


class RS:
    """Bistable, reset dominant."""

    __slots__ = ("v_q1", "v_r1", "v_s")

    def __init__(self) -> None:
        self.v_s = self.v_r1 = self.v_q1 = False

    def run(self, _now: int) -> None:
        self.v_q1 = not self.v_r1 and (self.v_s or self.v_q1)


class RTrig:
    """Rising edge. TRUE at the first call if CLK is, as the standard's note says."""

    __slots__ = ("memory", "v_clk", "v_q")

    def __init__(self) -> None:
        self.v_clk = self.v_q = self.memory = False

    def run(self, _now: int) -> None:
        clk = self.v_clk
        self.v_q = clk and not self.memory
        self.memory = clk


class FTrig:
    """Falling edge. TRUE at the first call if CLK is FALSE, as the standard's note says."""

    __slots__ = ("memory", "v_clk", "v_q")

    def __init__(self) -> None:
        self.v_clk = self.v_q = self.memory = False

    def run(self, _now: int) -> None:
        off = not self.v_clk
        self.v_q = off and not self.memory
        self.memory = off


class _Counter:
    """`low` and `high` stop the count, by the type counted in."""

    __slots__ = ("v_cv", "v_pv")
    low, high = INT.low, INT.high

    def __init__(self) -> None:
        self.v_pv = self.v_cv = 0


class CTU(_Counter):
    """Up-counter."""

    __slots__ = ("memory", "v_cu", "v_q", "v_r")

    def __init__(self) -> None:
        super().__init__()
        self.v_cu = self.v_r = self.v_q = self.memory = False

    def run(self, _now: int) -> None:
        up = self.v_cu
        if self.v_r:
            self.v_cv = 0
        elif up and not self.memory and self.v_cv < self.high:
            self.v_cv += 1
        self.memory = up
        self.v_q = self.v_cv >= self.v_pv


class CTD(_Counter):
    """Down-counter."""

    __slots__ = ("memory", "v_cd", "v_ld", "v_q")

    def __init__(self) -> None:
        super().__init__()
        self.v_cd = self.v_ld = self.v_q = self.memory = False

    def run(self, _now: int) -> None:
        down = self.v_cd
        if self.v_ld:
            self.v_cv = self.v_pv
        elif down and not self.memory and self.v_cv > self.low:
            self.v_cv -= 1
        self.memory = down
        self.v_q = self.v_cv <= 0


class CTUD(_Counter):
    """Up-down counter; both edges in one call leave the count."""

    __slots__ = ("memory_down", "memory_up", "v_cd", "v_cu", "v_ld", "v_qd", "v_qu", "v_r")

    def __init__(self) -> None:
        super().__init__()
        self.v_cu = self.v_cd = self.v_r = self.v_ld = self.v_qu = self.v_qd = False
        self.memory_up = self.memory_down = False

    def run(self, _now: int) -> None:
        up, down = self.v_cu and not self.memory_up, self.v_cd and not self.memory_down
        self.memory_up, self.memory_down = self.v_cu, self.v_cd
        if self.v_r:
            self.v_cv = 0
        elif self.v_ld:
            self.v_cv = self.v_pv
        elif up and not down and self.v_cv < self.high:
            self.v_cv += 1
        elif down and not up and self.v_cv > self.low:
            self.v_cv -= 1
        self.v_qu = self.v_cv >= self.v_pv
        self.v_qd = self.v_cv <= 0


class TON:
    """On-delay: Q follows IN's rise PT later; ET stops at PT. Once Q is TRUE, only IN takes it back."""

    __slots__ = ("start", "v_et", "v_in", "v_pt", "v_q")

    def __init__(self) -> None:
        self.v_in = self.v_q = False
        self.v_pt = self.v_et = 0
        self.start = -1

    def run(self, now: int) -> None:
        if not self.v_in:
            if self.start >= 0:
                self.start = -1
                self.v_et = 0
                self.v_q = False
        elif not self.v_q:
            if self.start < 0:
                self.start = now
            elapsed = now - self.start
            if elapsed >= self.v_pt:
                self.v_q = True
                self.v_et = self.v_pt
            else:
                self.v_et = elapsed


class TOF:
    """Off-delay: Q rises with IN and falls PT after it; ET stops at PT."""

    __slots__ = ("start", "v_et", "v_in", "v_pt", "v_q")

    def __init__(self) -> None:
        self.v_in = self.v_q = False
        self.v_pt = self.v_et = 0
        self.start = -1

    def run(self, now: int) -> None:
        if self.v_in:
            self.v_q = True
            self.v_et = 0
            self.start = -1
        elif self.v_q:
            if self.start < 0:
                self.start = now
            elapsed = now - self.start
            if elapsed >= self.v_pt:
                self.v_q = False
                self.v_et = self.v_pt
            else:
                self.v_et = elapsed


class TP:
    """Pulse: IN's rise makes Q TRUE for PT, whatever IN does meanwhile; ET goes back to 0 with IN after it."""

    __slots__ = ("memory", "start", "v_et", "v_in", "v_pt", "v_q")

    def __init__(self) -> None:
        self.v_in = self.v_q = self.memory = False
        self.v_pt = self.v_et = 0
        self.start = -1

    def run(self, now: int) -> None:
        on = self.v_in
        if self.start < 0 and on and not self.memory:
            self.start = now
            self.v_q = True
        if self.v_q:
            if self.start < 0:  # retained through a restart
                self.start = now
            elapsed = now - self.start
            if elapsed >= self.v_pt:
                self.v_q = False
                self.v_et = self.v_pt
            else:
                self.v_et = elapsed
        if not self.v_q and not on:
            self.start = -1
            self.v_et = 0
        self.memory = on


class PID:
    """Position-form PID with derivative on measurement, limits, anti-windup and bumpless transfer.

    XOUT = KP · (E + (1/TR) ∫ E dt − TD · dPV/dt), E = SP − PV, within XMIN … XMAX (Åström and Hägglund,
    *PID Controllers*, 2nd ed., 1995, ch. 3). TR and TD in seconds; TR = 0: no integral. While AUTO is FALSE, XOUT is X0
    and the integral follows it, so that the switch to AUTO makes no jump. The integral stops while the output is at
    a limit that the error pushes against. An error that is no finite number gives X0. CYCLE is the sampling period; T#0s takes the time since the last call.
    """

    __slots__ = ("before", "integral", "last", "v_auto", "v_cycle", "v_kp", "v_pv", "v_sp", "v_td", "v_tr", "v_x0",
                 "v_xmax", "v_xmin", "v_xout")  # fmt: skip

    def __init__(self) -> None:
        self.v_auto = False
        self.v_pv = self.v_sp = self.v_x0 = self.v_tr = self.v_td = self.v_xout = self.integral = 0.0
        self.v_kp = 1.0
        self.v_xmin, self.v_xmax = -1e30, 1e30
        self.v_cycle = 0
        self.before = 0.0
        self.last = -1

    def run(self, now: int) -> None:
        pv, kp = self.v_pv, self.v_kp
        proportional = kp * (self.v_sp - pv)
        if proportional - proportional != 0.0:  # infinite or not a number: must not reach the integral
            self.v_xout = self.v_x0
            return
        if self.last < 0 or not self.v_auto:
            out = self.v_x0
            self.integral = out - proportional
        else:
            period_s = (self.v_cycle or now - self.last) * 1e-9
            derivative = kp * self.v_td * (self.before - pv) / period_s if period_s > 0 else 0.0
            step = proportional * period_s / self.v_tr if self.v_tr > 0 else 0.0
            out = proportional + self.integral + step + derivative
            if (out <= self.v_xmax or step < 0) and (out >= self.v_xmin or step > 0):
                self.integral += step
            else:
                out -= step
        self.last, self.before = now, pv
        FLOAT[0] = self.v_xmin if out < self.v_xmin else self.v_xmax if out > self.v_xmax else out
        self.v_xout = FLOAT[0]


def _counter(kind: type[_Counter], of: Elementary) -> type[_Counter]:
    return type(kind.__name__, (kind,), {"__slots__": (), "low": of.low, "high": of.high})


def _block(name: str, python: str, inputs: str, outputs: str, count: Elementary = INT) -> Block:
    """`inputs` and `outputs` are `NAME:TYPE` words."""
    types: dict[str, Type] = {"BOOL": BOOL, "TIME": TIME, "REAL": REAL, "COUNT": count}
    parameters: dict[str, Parameter] = {}
    for section, words in (("VAR_INPUT", inputs), ("VAR_OUTPUT", outputs)):
        for word in words.split():
            parameter, _, of = word.partition(":")
            parameters[parameter.lower()] = Parameter(parameter, types[of], section)
    return Block(name, parameters, python)


def _counters() -> dict[str, tuple[type, Block]]:
    forms: list[tuple[type[_Counter], str, str]] = [
        (CTU, "CU:BOOL R:BOOL PV:COUNT", "Q:BOOL CV:COUNT"),
        (CTD, "CD:BOOL LD:BOOL PV:COUNT", "Q:BOOL CV:COUNT"),
        (CTUD, "CU:BOOL CD:BOOL R:BOOL LD:BOOL PV:COUNT", "QU:BOOL QD:BOOL CV:COUNT"),
    ]
    found: dict[str, tuple[type, Block]] = {}
    for kind, inputs, outputs in forms:
        for of in (INT, DINT, LINT, UDINT, ULINT):
            name = kind.__name__ + ("" if of is INT else f"_{of}")
            made = kind if of is INT else _counter(kind, of)
            found[name.lower()] = (made, _block(name, "B_std_" + name, inputs, outputs, of))
    return found


def _library() -> dict[str, tuple[type, Block]]:
    timer = ("IN:BOOL PT:TIME", "Q:BOOL ET:TIME")
    plain: list[tuple[str, type, str, str]] = [
        ("SR", SR, "S1:BOOL R:BOOL", "Q1:BOOL"),
        ("RS", RS, "S:BOOL R1:BOOL", "Q1:BOOL"),
        ("R_TRIG", RTrig, "CLK:BOOL", "Q:BOOL"),
        ("F_TRIG", FTrig, "CLK:BOOL", "Q:BOOL"),
        ("TON", TON, *timer),
        ("TOF", TOF, *timer),
        ("TP", TP, *timer),
        ("PID", PID, "AUTO:BOOL PV:REAL SP:REAL X0:REAL KP:REAL TR:REAL TD:REAL CYCLE:TIME XMIN:REAL XMAX:REAL",
         "XOUT:REAL"),
    ]  # fmt: skip
    found = {name.lower(): (kind, _block(name, "B_std_" + name, i, o)) for name, kind, i, o in plain}
    return found | _counters()


_LIBRARY = _library()
BLOCKS: dict[str, Block] = {name: block for name, (_kind, block) in _LIBRARY.items()}
CLASSES: dict[str, Any] = {block.python: kind for kind, block in _LIBRARY.values()}
