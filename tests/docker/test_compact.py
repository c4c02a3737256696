"""A line in one container: what differs from a container a device.

There the engine keeps zones apart; here the line does itself, in namespaces that it makes, so its container may make user and
network namespaces and no others. It has no network at all: not even a bridge that leads to a host. Devices share one container:
its limits are the lab's, and who takes over one device has taken over the line. There is no workstation and no terminal.
"""

from typing import Any

import pytest

from simulators.errors import ToolMissingError
from tests.docker.test_bombs import BURN, FORKS, MEMORY, undisturbed
from tests.docker.test_isolation import RULES, opened
from tests.docker.test_privileges import FORBIDDEN, MADE_BY_ENGINE, MASKED, SEEN
from tests.docker.yard import ONE, TWO, Yard
from tests.waiting import within

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(400)]

LINE, USER = "line", "10000"


def test_it_has_no_network_but_its_own(compact: Yard) -> None:
    seen = compact.seen()[LINE]
    assert seen["HostConfig"]["NetworkMode"] == "none"
    assert compact.try_one(LINE, "interfaces") == {}
    targets = [("1.1.1.1", 443), ("172.17.0.1", 22), ("169.254.169.254", 80)]
    targets += [(address, 502) for _zone, address in compact.addresses(TWO).values()]
    assert opened(compact.try_one(LINE, "tcp", targets)) == set()
    assert compact.try_one(LINE, "names", ["debian.org"]) == {"debian.org": None}


def test_a_zone_reaches_another_by_its_conduits_only(compact: Yard) -> None:
    compact.ask("configure", device="gateway", text=RULES)
    try:
        denied = compact.look("modbus.session", "enterprise", device="plc1")
        assert denied["observed"] in {"refused", "unreachable", "closed"}
        assert compact.look("modbus.session", "supervision", device="plc1")["observed"] == "accepted"
        assert compact.look("modbus.session", "control", device="plc1")["observed"] == "accepted"
    finally:
        compact.ask("factory", device="gateway")


def test_it_has_no_rights_and_two_kinds_of_namespaces(compact: Yard) -> None:
    compact.look("modbus.session", "control", device="plc1")
    ids = compact.seen()
    assert {LINE, "agent-control"} <= set(ids)
    for part in (LINE, "agent-control"):
        told = ids[part]["HostConfig"]
        # The first process of an agent is in the line's namespaces, of which the kernel's word would be another.
        first: dict[str, Any] = compact.try_one(part, "status", "self", user=USER)
        assert {int(first[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}, part
        assert (first["NoNewPrivs"], first["Seccomp"]) == ("1", "2"), part
        assert told["CapDrop"] == ["ALL"]
        assert not told["CapAdd"]
        assert told["ReadonlyRootfs"]
        assert not told["Privileged"]
        allowed = {"unshare user", "unshare net", "clone user", "clone net"}
        found = set(
            compact.try_one(part, "possible", sorted({*FORBIDDEN} - {"trace the first process"}), user=USER)
        )
        assert found <= allowed, part
        assert "unshare user" in found, "which is how it makes its zones"
        assert compact.try_one(part, "readable", MASKED, user=USER) == []
    # An agent sees the line's processes, for it enters its zones by them.
    assert ids["agent-control"]["HostConfig"]["PidMode"].startswith("container:")
    assert ids[LINE]["HostConfig"]["PidMode"] == ""


def test_the_host_is_seen_where_it_is_named_only(compact: Yard) -> None:
    for part, expected in ((LINE, SEEN["line"]), ("agent-control", SEEN["agent-"])):
        compact.look("modbus.session", "control", device="plc1")
        mounts = compact.try_one(part, "mounts")
        own = {place: open_ for place, kind, open_ in mounts if kind in {"ext4", "xfs", "btrfs"}}
        assert own == {**expected, **dict.fromkeys(MADE_BY_ENGINE, False)}, part


def test_nobody_works_there(compact: Yard) -> None:
    with pytest.raises(ToolMissingError):
        compact.labs.terminal(ONE, "control", 80, 24)


@pytest.mark.parametrize("bomb", [FORKS, BURN], ids=["forks", "burnt processor"])
def test_what_goes_wild_in_it_hurts_no_other(compact: Yard, bomb: str) -> None:
    for _time in undisturbed(compact):
        compact.run(LINE, ["python3", "-c", bomb], user=USER)


def test_a_memory_bomb_is_the_lines_own_end_at_most(compact: Yard) -> None:
    began = compact.seen(TWO)[LINE]["State"]["StartedAt"]
    compact.run(LINE, ["python3", "-c", MEMORY], user=USER, status=None)
    within(60, lambda: compact.ask("clock")["t_s"] > 0)
    before = compact.ask("clock", TWO)["t_s"]
    within(5, lambda: compact.ask("clock", TWO)["t_s"] > before)
    assert compact.seen(TWO)[LINE]["State"]["StartedAt"] == began
