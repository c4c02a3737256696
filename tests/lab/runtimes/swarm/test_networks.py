"""The networks of spread labs: on subnets that nobody has, removed when nobody is in them."""

import ipaddress
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.catalog import find_line
from lab.runtimes.docker.cluster import Cluster
from lab.runtimes.docker.engine import InUseError
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.settings import Settings
from lab.runtimes.swarm.networks import SwarmNetworks
from simulators.errors import StartError
from tests.lab.runtimes.fake_engine import FakeEngine, serving

LINE = find_line("bottling")
# moby/swarmkit, manager/controlapi/common.go
DNS_LABEL = re.compile(r"^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_]*[a-zA-Z0-9])?$")


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def networks(fake: FakeEngine, tmp_path: Path) -> Iterator[SwarmNetworks]:
    gate, chosen = Gate(2), Settings(tmp_path / "home", "1000:1000", "10.201.0.0/16")
    with serving(fake, tmp_path / "e.sock") as url, closing(Cluster(url)) as cluster:
        yield SwarmNetworks(cluster, gate, chosen, encrypted=True)
    gate.close()


async def test_each_zone_and_the_field_has_one_that_is_closed_and_encrypted(
    fake: FakeEngine, networks: SwarmNetworks
) -> None:
    names, subnets = await networks.make("a-lab-with-a-name-that-is-rather-long", LINE, [])
    assert set(names) == set(subnets) == {*(zone.id for zone in LINE.zones), "field"}
    for key, name in names.items():
        assert DNS_LABEL.match(name)
        assert len(name) <= 63
        made = fake.networks[name]
        assert (made["Driver"], made["Internal"], made["Attachable"]) == ("overlay", True, True)
        assert "encrypted" in made["Options"]
        (pool,) = made["IPAM"]["Config"]
        assert pool["Subnet"] == subnets[key]
        own = ipaddress.IPv4Network(pool["IPRange"])
        assert not any(ipaddress.IPv4Address(pool["Gateway"]) == host for host in own)
        used = {int(a.rpartition(".")[2]) for d in LINE.devices for a in d.interfaces.values()} | {
            250,
            252,
            253,
            254,
        }
        assert not used & {int(str(host).rpartition(".")[2]) for host in own}


async def test_labs_have_subnets_of_their_own_and_only_theirs_go(
    fake: FakeEngine, networks: SwarmNetworks
) -> None:
    _names, one = await networks.make("one", LINE, ["10.201.7.0/24"])
    assert not any(subnet.startswith("10.201.7.") for subnet in one.values())
    names, two = await networks.make("two", LINE, [])
    assert not set(one.values()) & set(two.values())
    await networks.clear("one")
    assert set(fake.networks) == set(names.values())


async def test_one_in_use_is_waited_for_and_then_left_for_later(
    fake: FakeEngine, networks: SwarmNetworks
) -> None:
    names, _subnets = await networks.make("one", LINE, [])
    fake.busy[names["iiot"]] = 1
    await networks.clear("one")
    assert fake.networks == {}
    names, _subnets = await networks.make("one", LINE, [])
    fake.busy[names["iiot"]] = 2  # by its removal, and by one sweep
    with pytest.raises(InUseError, match=names["iiot"]):
        await networks.clear("one", 0.0)
    assert list(fake.networks) == [names["iiot"]]
    for left in ([names["iiot"]], []):
        await networks.sweep()
        assert list(fake.networks) == left


async def test_none_stays_of_a_lab_that_cannot_have_all(fake: FakeEngine, networks: SwarmNetworks) -> None:
    fake.refusing["POST", "/networks/create"] = "the swarm has no leader"
    with pytest.raises(StartError, match="no leader"):
        await networks.make("one", LINE, [])
    assert fake.networks == {}
