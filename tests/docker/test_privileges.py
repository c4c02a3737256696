"""What each container may do: as its layout names it, and nothing more, by the kernel's own word."""

from typing import Any

import pytest

from lab.labs import Job
from tests.docker.yard import ONE, Yard

pytestmark = [pytest.mark.needs("docker"), pytest.mark.timeout(400)]

# <linux/capability.h>
BITS = {"SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_ADMIN": 12, "NET_RAW": 13}
ORDINARY, STUDENT = "10000", "10001"
# By the beginning of the part's name: what the container is given at its start, and what its first process keeps of it.
GIVEN = {
    "gateway": ({"NET_ADMIN", "NET_RAW", "SETGID", "SETUID", "SETPCAP"}, {"NET_ADMIN", "NET_RAW"}),
    "workstation-": ({"NET_RAW", "SETGID", "SETUID", "SETPCAP"}, {"NET_RAW"}),
    "host-": ({"NET_RAW", "SETGID", "SETUID", "SETPCAP"}, {"NET_RAW"}),
    "tap-": ({"NET_RAW", "SETGID", "SETUID", "SETPCAP"}, set()),
}
# The places of the host that a container sees, and whether it may write there.
SEEN = {
    "plant": {"/data": True, "/run/usine": True},
    "line": {"/data": True, "/run/usine": True},
    "gateway": {"/data/gateway": True, "/run/usine": True},
    "workstation-": {"/run/usine": True},
    "host-": {"/run/usine": True},
    "agent-": {"/run/usine": True},
    "tap-": {"/run/usine": False},
}
MADE_BY_ENGINE = {"/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
OWN_TMPFS = {"/tmp", "/run", "/dev", "/dev/shm", "/home/student"}
MASKED = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/latency_stats",
    "/dev/mem",
]
FORBIDDEN = [
    "mount", "mknod", "load module", "reboot", "set the time", "set the host's name", "trace the first process",
    "unshare user", "unshare net", "unshare user and mount", "unshare user and pid", "unshare user and uts",
    "unshare user and ipc", "unshare user and cgroup", "clone user", "clone net", "clone user and mount",
]  # fmt: skip


def of(table: dict[str, Any], part: str, otherwise: Any) -> Any:
    return next(
        (
            table[begin]
            for begin in table
            if part == begin or (begin.endswith("-") and part.startswith(begin))
        ),
        otherwise,
    )


def word(rights: set[str]) -> int:
    return sum(1 << BITS[right] for right in rights)


@pytest.fixture(scope="module")
def peopled(yard: Yard) -> Yard:
    """With one of each container that is there now and then."""
    yard.sit("control")
    yard.look("modbus.session", "control", device="plc1")
    yard.ask("record", zones=["control", "iiot"])
    stranger = next(z["subnet"] for z in yard.ask("describe")["zones"] if z["id"] == "control").replace(
        "0/24", "77"
    )
    yard.labs.run(
        Job(
            ONE, "attack", "rogue_master", "control", {"source": stranger, "target": "plc1", "count": 1}, 60.0
        )
    )
    parts = set(yard.ids())
    kinds = {
        next((kind for kind in ("workstation", "host", "agent", "tap") if part.startswith(f"{kind}-")), part)
        for part in parts
    }
    assert {"workstation", "host", "agent", "tap", "plant", "gateway", "plc1", "broker"} <= kinds
    return yard


def test_rights_are_those_that_are_named(peopled: Yard) -> None:
    for part, seen in peopled.seen().items():
        given, kept = of(GIVEN, part, (set(), set()))
        first = peopled.try_one(part, "status", 1)
        user = STUDENT if part.startswith(("workstation-", "host-")) else ORDINARY
        assert first["Uid"].split() == [user] * 4, part
        # Whoever came in anew, as root, would have what the container was given; its first process has bound itself.
        anew = peopled.try_one(part, "status", "self")
        assert int(anew["CapBnd"], 16) == word(given), part
        assert {int(first[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {word(kept)}, part
        assert (first["NoNewPrivs"], first["Seccomp"]) == ("1", "2"), part
        assert sorted(right.removeprefix("CAP_") for right in seen["HostConfig"]["CapAdd"] or []) == sorted(
            given
        ), part


def test_every_container_is_closed_and_bounded(peopled: Yard) -> None:
    for part, seen in peopled.seen().items():
        told = seen["HostConfig"]
        assert told["CapDrop"] == ["ALL"], part
        assert told["ReadonlyRootfs"] is True, part
        assert told["Privileged"] is False, part
        assert "no-new-privileges" in told["SecurityOpt"], part
        assert 0 < told["Memory"] == told["MemorySwap"] <= 512 << 20, part
        assert 0 < told["NanoCpus"] <= 1e9, part
        assert 0 < told["PidsLimit"] <= 128, part
        assert told["PidMode"] == told["UTSMode"] == told["UsernsMode"] == "", part
        assert told["IpcMode"] in {"private", ""}, part
        assert not told["Devices"], part
        assert not told["PortBindings"], part
        assert {limit["Name"] for limit in told["Ulimits"]} == {"core", "nofile", "fsize"}, part
        # A tap hears one bridge of the host's; everybody else has a network of its own or of a container of the lab.
        assert (told["NetworkMode"] == "host") == part.startswith("tap-"), part
        assert told["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "1"}, part


def test_the_host_is_seen_where_it_is_named_only(peopled: Yard) -> None:
    for part, seen in peopled.seen().items():
        expected = of(SEEN, part, {f"/data/{part}": True})
        assert {mount["Destination"]: mount["RW"] for mount in seen["Mounts"]} == expected, part
        mounts = peopled.try_one(part, "mounts")
        own = {
            place: open_
            for place, kind, open_ in mounts
            if kind not in {"proc", "sysfs", "cgroup", "cgroup2", "tmpfs", "devpts", "mqueue", "overlay"}
        }
        assert own == {**expected, **dict.fromkeys(MADE_BY_ENGINE, False)}, part
        # What is masked in /proc is so by an empty file of /dev's; /sys/fs/cgroup is tried below.
        open_tmpfs = {place for place, kind, open_ in mounts if kind == "tmpfs" and open_}
        open_tmpfs -= {place for place in open_tmpfs if place.startswith(("/proc/", "/sys/fs/cgroup"))}
        assert open_tmpfs <= OWN_TMPFS, part
        assert not any(
            open_ for place, kind, open_ in mounts if kind in {"overlay", "sysfs", "cgroup", "cgroup2"}
        ), part
        system = [
            "/",
            "/etc",
            "/opt/usine",
            "/usr/bin",
            "/proc/sys/kernel/core_pattern",
            "/proc/sysrq-trigger",
            "/sys/fs/cgroup",
        ]
        assert peopled.try_one(part, "writable", system) == [], part
        assert peopled.try_one(part, "readable", MASKED) == [], part


@pytest.mark.parametrize("user", ["0", ORDINARY])
def test_the_kernel_does_nothing_for_who_is_in_a_container(peopled: Yard, user: str) -> None:
    forbidden = [name for name in FORBIDDEN if user == "0" or name != "trace the first process"]
    for part in ("workstation-control", "plc1", "gateway", "plant", "agent-control", "tap-control"):
        assert peopled.try_one(part, "possible", forbidden, user=user) == [], part


def test_a_container_sees_its_own_processes(peopled: Yard) -> None:
    for part in ("workstation-control", "plc1", "agent-control", "tap-control"):
        running = peopled.try_one(part, "processes")
        assert set(running) >= {"1"}, part
        assert len(running) <= 8, running
        assert all("python3" in words or "mosquitto" in words or not words for words in running.values()), (
            running
        )


def test_a_student_writes_nowhere_on_the_host(peopled: Yard) -> None:
    """The folder of the workstation's own socket is the host's."""
    places = ["/run/usine", "/run", "/tmp", "/home/student", "/dev/shm", "/data", "/dev", "/etc"]
    found = peopled.try_one("workstation-control", "writable", places, user=STUDENT)
    assert sorted(found) == ["/dev/shm", "/home/student", "/tmp"]
