"""Times and dates put together, taken apart, and read from strings."""

from typing import Any

import pytest

from simulators.plc.st.errors import StError, StFaultError
from tests.simulators.plc.rack import SECOND, Rack, body, result

DAY = 86_400 * SECOND
CASES: list[tuple[str, str, Any]] = [
    ("DATE", "CONCAT_DATE(1970, 1, 31)", 30 * DAY),
    ("DATE", "CONCAT_DATE(YEAR := i, MONTH := 3, DAY := 1)", 59 * DAY),
    ("TOD", "CONCAT_TOD(12, 30, 15, 500)", 45_015_500_000_000),
    ("DT", "CONCAT_DT(1970, 1, 2, 0, 0, 1, 0)", DAY + SECOND),
    ("INT", "DAY_OF_WEEK(D#2026-10-18)", 0),
    ("USINT", "DAY_OF_WEEK(D#1970-01-01)", 4),
    ("TIME", "STRING_TO_TIME('T#1m30s')", 90 * SECOND),
    ("TIME", "STRING_TO_TIME(' -1.5s ')", -1_500_000_000),
    ("TIME", "TO_TIME(TIME_TO_STRING(T#1h2m3s4ms))", 3_723_004_000_000),
    ("DATE", "STRING_TO_DATE('D#1970-02-01')", 31 * DAY),
    ("TOD", "STRING_TO_TOD('TOD#00:00:01.5')", 1_500_000_000),
    ("DT", "STRING_TO_DT('DATE_AND_TIME#1970-01-02-00:00:01')", DAY + SECOND),
]


@pytest.mark.parametrize(("of", "expression", "expected"), CASES)
def test_functions(of: str, expression: str, expected: Any) -> None:
    assert result(of, expression, "i : INT := 1970;") == expected
    assert Rack(body(f"v : {of};", f"v := {expression.replace(':= i', ':= 1970')};")).run()["v"] == expected


def test_splits_give_any_integer_that_is_large_enough() -> None:
    rack = Rack(body("y : INT; m : USINT; d : INT(1..31); h, n, s : SINT; ms : UINT; long : LINT; t : DT := DT#2026-02-28-23:59:30.25;",
        """SPLIT_DT(t, YEAR => y, MONTH => m, DAY => d, HOUR => h, MINUTE => n, SECOND => s, MILLISECOND => ms);
        SPLIT_TOD(IN := DT_TO_TOD(t), MINUTE => long); SPLIT_DATE(DT_TO_DATE(t), DAY => d);"""))  # fmt: skip
    rack.run()
    assert [rack[name] for name in ("y", "m", "d", "h", "n", "s", "ms", "long")] == [
        2026,
        2,
        28,
        23,
        59,
        30,
        250,
        59,
    ]


FAULTS = [
    ("DATE", "CONCAT_DATE(2026, month, 30)", "2026-2-30"),
    ("TOD", "CONCAT_TOD(12, 60 - month + 2, 0, 0)", "12:60:0"),
    ("TIME", "STRING_TO_TIME(text)", "5 minutes"),
    ("DATE", "STRING_TO_DATE('D#2026-02-30')", "2026-02-30"),
    ("DT", "STRING_TO_DT('D#2026-02-20')", "2026-02-20"),
]


@pytest.mark.parametrize(("of", "expression", "words"), FAULTS)
def test_moments_that_are_not(of: str, expression: str, words: str) -> None:
    with pytest.raises(StFaultError, match=words):
        result(of, expression, "month : INT := 2; text : STRING := '5 minutes';")


WRONG: list[tuple[str, str, str]] = [
    ("v := CONCAT_DATE(2026, 13, 1);", "5:6", "CONCAT_DATE: there is no 2026-13-1"),
    ("v := CONCAT_DATE(2026, 1);", "5:6", "CONCAT_DATE takes 3 argument(s), 2 given"),
    ("v := CONCAT_DATE(2026, 1.0, 1);", "5:6", "CONCAT_DATE does not apply to"),
    ("SPLIT_DATE(v, YEAR => small);", "5:15", "output YEAR: expected USINT"),
    ("SPLIT_DATE(v, WEEK => small);", "5:15", "SPLIT_DATE has no output WEEK; it has: YEAR, MONTH, DAY"),
    ("SPLIT_DATE(T#1s, DAY => small);", "5:12", "input IN: expected DATE, found TIME"),
    ("small := SPLIT_DATE(v);", "5:10", "this function gives no value"),
    ("small := DAY_OF_WEEK(small);", "5:10", "DAY_OF_WEEK does not apply to (USINT)"),
]


@pytest.mark.parametrize(("statement", "place", "words"), WRONG)
def test_wrong_calls(statement: str, place: str, words: str) -> None:
    with pytest.raises(StError) as caught:
        Rack(body("v : DATE; small : USINT;", statement))
    (diagnostic,) = caught.value.diagnostics
    assert f"{diagnostic.line}:{diagnostic.column}" == place
    assert words in diagnostic.text.en
