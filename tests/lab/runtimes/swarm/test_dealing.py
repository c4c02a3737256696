"""Which machine has which devices of a line that is spread."""

import msgspec

from lab.catalog import find_line
from lab.runtimes.swarm.dealing import dealt

LINE = find_line("bottling")
GIB = 1 << 30
OF_ZONE = {
    zone.id: {d.id for d in LINE.devices if d.zone == zone.id and d.kind != "gateway"} for zone in LINE.zones
}


def on(away: dict[str, str], machine: str) -> set[str]:
    return {device for device, where in away.items() if where == machine}


def test_plcs_and_gateway_stay_and_the_other_zones_go() -> None:
    assert on(dealt(LINE, {"b": GIB}, {}), "b") == OF_ZONE["iiot"] | OF_ZONE["supervision"]


def test_a_zone_stays_together_and_goes_where_most_memory_is_left() -> None:
    away = dealt(LINE, {"b": 8 * GIB, "c": 8 * GIB - 1}, {})
    assert (on(away, "b"), on(away, "c")) == (OF_ZONE["iiot"], OF_ZONE["supervision"])
    assert on(dealt(LINE, {"b": 8 * GIB, "c": GIB}, {}), "c") == set()


def test_a_zone_goes_where_it_was_if_that_machine_is_there() -> None:
    former = dict.fromkeys(OF_ZONE["iiot"], "c") | dict.fromkeys(OF_ZONE["supervision"], "gone")
    away = dealt(LINE, {"b": 8 * GIB, "c": 2 * GIB}, former)
    assert (on(away, "b"), on(away, "c")) == (OF_ZONE["supervision"], OF_ZONE["iiot"])


def test_a_line_of_one_zone_is_not_spread() -> None:
    devices = [d for d in LINE.devices if d.zone == "control" and d.kind != "gateway"]
    assert dealt(msgspec.structs.replace(LINE, devices=devices), {"b": GIB}, {}) == {}
