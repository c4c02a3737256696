"""Standard function blocks against the timing diagrams of IEC 61131-3 (figure 15 of the third edition)."""

import pytest

from tests.simulators.plc.rack import MS, Rack, body

T, F = True, False


def timing(kind: str, scans: list[tuple[int, bool, bool, int]], pt: str = "T#1s") -> None:
    """`scans` are (ms, IN, Q, ET in ms)."""
    rack = Rack(body(f"b : {kind}; in, q : BOOL; et : TIME;", f"b(IN := in, PT := {pt}, Q => q, ET => et);"))
    for ms, on, q, et_ms in scans:
        rack["in"] = on
        rack.run(ms * MS)
        assert (rack["q"], rack["et"]) == (q, et_ms * MS), f"{kind} at {ms} ms"


def test_ton_delays_the_rise() -> None:
    timing("TON", [
        (0, F, F, 0), (100, T, F, 0), (500, T, F, 400), (1000, T, F, 900), (1100, T, T, 1000), (5000, T, T, 1000),
        (5100, F, F, 0), (5200, T, F, 0), (5900, F, F, 0), (6000, T, F, 0), (6999, T, F, 999), (7500, T, T, 1000),
    ])  # fmt: skip


def test_tof_delays_the_fall() -> None:
    timing("TOF", [
        (0, F, F, 0), (100, T, T, 0), (5000, T, T, 0), (5100, F, T, 0), (5600, F, T, 500), (6100, F, F, 1000), (9000, F, F, 1000),
        (9100, T, T, 0), (9200, F, T, 0), (9900, F, T, 700), (10000, T, T, 0), (10100, F, T, 0), (11100, F, F, 1000),
    ])  # fmt: skip


def test_tp_pulses_whatever_the_input_does_meanwhile() -> None:
    timing("TP", [
        (0, F, F, 0), (100, T, T, 0), (600, T, T, 500), (1100, T, F, 1000), (3000, T, F, 1000), (3100, F, F, 0),
        (4000, T, T, 0), (4200, F, T, 200), (4400, T, T, 400), (4600, F, T, 600), (5000, F, F, 0), (5100, T, T, 0),
        (5200, F, T, 100), (6050, T, T, 950), (6100, T, F, 1000), (6200, F, F, 0),
    ])  # fmt: skip


def test_a_ton_of_no_time_follows_its_input() -> None:
    timing("TON", [(0, T, T, 0), (100, F, F, 0)], pt="T#0s")


def edges(kind: str, inputs: list[bool]) -> list[bool]:
    rack = Rack(body(f"b : {kind}; in, q : BOOL;", "b(CLK := in); q := b.Q;"))
    found = []
    for value in inputs:
        rack["in"] = value
        found.append(rack.run()["q"])
    return found


def test_edges() -> None:
    assert edges("R_TRIG", [F, T, T, F, T]) == [F, T, F, F, T]
    assert edges("R_TRIG", [T, T]) == [T, F]
    assert edges("F_TRIG", [T, F, F, T, F]) == [F, T, F, F, T]
    assert edges("F_TRIG", [F, F]) == [T, F]  # the standard's note


@pytest.mark.parametrize(("kind", "set_", "reset", "both"), [("SR", "S1", "R", T), ("RS", "S", "R1", F)])
def test_bistables(kind: str, set_: str, reset: str, both: bool) -> None:
    rack = Rack(body(f"b : {kind}; s, r, q : BOOL;", f"b({set_} := s, {reset} := r, Q1 => q);"))
    for s, r, expected in [(F, F, F), (T, F, T), (F, F, T), (F, T, F), (F, F, F), (T, T, both)]:
        rack["s"], rack["r"] = s, r
        assert rack.run()["q"] is expected


def test_up_counter_counts_edges_and_stops_at_its_type() -> None:
    rack = Rack(body("c : CTU; cu, r : BOOL;", "c(CU := cu, R := r, PV := 2);"))
    for cu, r, cv, q in [
        (T, F, 1, F),
        (T, F, 1, F),
        (F, F, 1, F),
        (T, F, 2, T),
        (F, F, 2, T),
        (T, F, 3, T),
        (F, T, 0, F),
        (T, T, 0, F),
    ]:
        rack["cu"], rack["r"] = cu, r
        rack.run()
        assert (rack["c"].v_cv, rack["c"].v_q) == (cv, q)
    rack["c"].v_cv, rack["r"], rack["cu"] = 32767, False, False
    rack.run()
    rack["cu"] = True
    assert rack.run()["c"].v_cv == 32767


def test_down_counter() -> None:
    rack = Rack(body("c : CTD_DINT; cd, ld : BOOL;", "c(CD := cd, LD := ld, PV := 2);"))
    for cd, ld, cv, q in [
        (F, T, 2, F),
        (T, F, 1, F),
        (F, F, 1, F),
        (T, F, 0, T),
        (F, F, 0, T),
        (T, F, -1, T),
        (T, T, 2, F),
    ]:
        rack["cd"], rack["ld"] = cd, ld
        rack.run()
        assert (rack["c"].v_cv, rack["c"].v_q) == (cv, q)


def test_up_down_counter() -> None:
    rack = Rack(body("c : CTUD; u, d, r, l : BOOL;", "c(CU := u, CD := d, R := r, LD := l, PV := 2);"))
    steps = [(T, F, F, F, 1, F, F), (F, F, F, F, 1, F, F), (T, T, F, F, 1, F, F), (F, F, F, F, 1, F, F), (F, T, F, F, 0, F, T),
             (F, F, F, T, 2, T, F), (F, F, T, T, 0, F, T)]  # fmt: skip
    for u, d, r, load, cv, qu, qd in steps:
        rack["u"], rack["d"], rack["r"], rack["l"] = u, d, r, load
        rack.run()
        assert (rack["c"].v_cv, rack["c"].v_qu, rack["c"].v_qd) == (cv, qu, qd)


def pid(call: str, declarations: str = "") -> Rack:
    return Rack(body(f"p : PID; pv : REAL; auto : BOOL := TRUE; sp : REAL := 50.0; out : REAL; {declarations}",
                     f"p(AUTO := auto, PV := pv, SP := sp, {call}, XOUT => out);"))  # fmt: skip


def test_pid_brings_a_first_order_process_to_its_set_point() -> None:
    rack = pid("KP := 4.0, TR := 10.0, TD := 0.5, XMIN := 0.0, XMAX := 100.0")
    value = 20.0
    for step in range(3000):
        rack["pv"] = value
        rack.run(step * 100 * MS)
        value += 0.1 * (rack["out"] - (value - 20.0)) / 20.0
        assert 0.0 <= rack["out"] <= 100.0
    assert value == pytest.approx(50.0, abs=0.05)
    assert rack["out"] == pytest.approx(30.0, abs=0.5)


def test_pid_integral_stops_at_a_limit() -> None:
    rack = pid("KP := 1.0, TR := 1.0, XMIN := 0.0, XMAX := 100.0")
    rack["sp"] = 1000.0
    for step in range(600):
        rack.run(step * 100 * MS)
    assert rack["out"] == 100.0
    rack["sp"] = -1000.0
    rack.run(60_000 * MS)
    rack.run(60_100 * MS)
    assert rack["out"] == 0.0  # an integral wound up for a minute would hold it at 100 for another


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_pid_recovers_from_what_is_no_number(bad: float) -> None:
    rack = pid("X0 := 7.0, KP := 1.0, TR := 10.0, XMIN := 0.0, XMAX := 100.0")
    rack.run(0).run(100 * MS)
    before = rack["out"]
    rack["sp"] = bad
    assert rack.run(200 * MS)["out"] == 7.0
    rack["sp"] = 50.0
    assert rack.run(300 * MS)["out"] == pytest.approx(before, abs=2.0)


def test_pid_goes_to_automatic_without_a_jump() -> None:
    rack = pid("X0 := 42.0, KP := 2.0, TR := 5.0")
    rack["auto"], rack["pv"] = False, 10.0
    assert rack.run(0)["out"] == 42.0
    rack["auto"] = True
    assert rack.run(100 * MS)["out"] == pytest.approx(42.0 + 2.0 * 40.0 * 0.1 / 5.0, abs=1e-4)
