"""The permanent record as a table: what is kept, found and forgotten."""

import asyncio
from typing import Any

from simulators.network.events import CHUNK_ROWS, PENDING_MAX, EventRecord, Rows, Wanted, known_s
from simulators.network.record import Conversation, Kind, Record
from tests.fakes import a_device, a_line
from tests.simulators.network.wire import request

LINE = a_line([a_device("plc1", "modbus_plc", port=502)])
FLOW = Conversation("C00000001", "supervision", "", ("10.20.3.20", 40000), ("10.20.1.10", 502), "modbus")


def a_row(number: int, **more: Any) -> dict[str, Any]:
    ends = {"id.orig_h": "10.20.3.20", "id.resp_h": "10.20.1.10", "id.resp_p": 502}
    return {"ts": float(number), "log": "conn" if number % 2 else "mqtt"} | ends | more


def filled(count: int, **limits: int) -> Rows:
    table = Rows(**limits)
    for number in range(count):
        table.add(a_row(number))
    return table


def found(table: Rows, **wanted: Any) -> list[dict[str, Any]]:
    *_, last = table.select(Wanted(**wanted))
    assert last is not None
    return last


def numbers(table: Rows, **wanted: Any) -> list[int]:
    return [int(row["seq"]) for row in found(table, **wanted)]


def test_the_latest_are_given_in_their_order() -> None:
    assert numbers(filled(700), limit=3) == [698, 699, 700]


def test_a_cursor_leads_through_all_of_them_once() -> None:
    table, after, seen = filled(3 * CHUNK_ROWS + 5), 0, []
    while page := numbers(table, after=after, limit=100):
        seen += page
        after = page[-1]
    assert seen == list(range(1, 3 * CHUNK_ROWS + 6))


def test_rows_are_filtered_by_log_date_device_and_text() -> None:
    table = filled(600)
    table.add(a_row(600, payload="Pump OFF"))
    assert {row["log"] for row in found(table, log="conn", limit=500)} == {"conn"}
    assert numbers(table, since_ts=597.0) == [599, 600, 601]
    assert numbers(table, contains="pump off") == [601]
    assert numbers(table, addresses=frozenset({"10.20.9.9"})) == []
    assert len(numbers(table, addresses=frozenset({"10.20.1.10"}), limit=50)) == 50


def test_a_connection_that_began_long_ago_is_news_when_it_ends() -> None:
    table = filled(300)
    table.add(a_row(1, duration=400.0))
    assert known_s(a_row(1, duration=400.0)) == 401.0
    assert numbers(table, since_ts=350.0) == [301]


def test_beyond_its_bound_the_oldest_are_forgotten_and_counted() -> None:
    table = filled(40 * CHUNK_ROWS, limit_bytes=20_000)
    kept = numbers(table, after=0, limit=10**6)
    assert 0 < len(kept) < 40 * CHUNK_ROWS
    assert kept[-1] == 40 * CHUNK_ROWS
    assert table.dropped == kept[0] - 1


async def test_nothing_is_dissected_before_somebody_asks() -> None:
    record = EventRecord(LINE, 1 << 20)
    for number in range(50):
        record.append(Record(float(number), FLOW, Kind.FROM_CLIENT, request("0300000001", number)))
    assert record.table.count == 0
    rows = await record.select(Wanted(log="modbus_detailed"))
    assert [row["tid"] for row in rows] == list(range(50))


async def test_once_asked_it_follows_by_itself() -> None:
    record = EventRecord(LINE, 10_000)  # less than what comes
    record.follow()
    for number in range(2 * PENDING_MAX):
        record.append(Record(float(number), FLOW, Kind.FROM_CLIENT, request("0300000001", number)))
        await asyncio.sleep(0)
    assert record.table.count >= PENDING_MAX
    assert record.ring.dropped > 0
    rows = await record.select(Wanted(after=0, limit=5000))
    assert (len(rows), record.dropped) == (2 * PENDING_MAX, 0)
