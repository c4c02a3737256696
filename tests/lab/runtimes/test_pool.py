"""Blocks of addresses for labs."""

import ipaddress
import itertools

import pytest

from lab.catalog import find_line
from lab.runtimes.docker.pool import DEFAULT_POOL, Pool
from simulators.errors import InputError, StartError

LINE = find_line("bottling")
KEYS = {*(zone.id for zone in LINE.zones), "field"}


def test_labs_get_subnets_that_overlap_nobodys() -> None:
    pool = Pool("10.201.0.0/18")
    taken = [pool.take(LINE, ["10.201.8.0/24"]) for _ in range(7)]
    assert all(subnets.keys() == KEYS for subnets in taken)
    every = [ipaddress.IPv4Network(s) for subnets in taken for s in subnets.values()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(every, 2))
    assert not any(s.overlaps(ipaddress.IPv4Network("10.201.8.0/21")) for s in every)
    assert all(s.subnet_of(ipaddress.IPv4Network("10.201.0.0/18")) for s in every)


def test_a_pool_without_a_free_block_is_said_with_what_to_do_and_blocks_come_back() -> None:
    pool = Pool("10.201.0.0/21")
    subnets = pool.take(LINE, [])
    with pytest.raises(StartError) as error:
        pool.take(LINE, [])
    assert "lab stop" in error.value.text.fr
    assert "USINE_DOCKER_POOL=10.128.0.0/9" in error.value.text.en
    pool.release(subnets.values())
    assert pool.take(LINE, []) == subnets


def test_a_lab_has_its_former_block_again_where_it_is_free() -> None:
    pool = Pool("10.201.0.0/16")
    former = Pool("10.201.0.0/16").last(LINE)
    assert pool.take(LINE, [], former) == former
    pool.release(former.values())
    assert pool.take(LINE, [former["field"]], former) != former
    assert pool.take(LINE, [], {"control": "192.168.5.0/24"})["control"].startswith("10.201.")


@pytest.mark.parametrize("pool", ["", "10.0.0.0/33", "10.0.0.1/8", "8.8.8.0/24", "here"])
def test_what_is_no_private_network_is_refused(pool: str) -> None:
    with pytest.raises(InputError) as error:
        Pool(pool)
    assert f"USINE_DOCKER_POOL={pool}" in error.value.text.fr
    assert DEFAULT_POOL in error.value.text.en


def test_a_pool_smaller_than_a_block_is_refused() -> None:
    with pytest.raises(InputError, match="/21"):
        Pool("10.201.0.0/24").take(LINE, [])
    with pytest.raises(InputError, match="/21"):
        Pool("10.201.0.0/24").last(LINE)
    assert Pool("10.201.0.0/24").capacity(LINE, []) == 0


def test_how_many_labs_fit() -> None:
    assert Pool("10.201.0.0/16").capacity(LINE, []) == 32
    assert Pool("10.201.0.0/16").capacity(LINE, ["10.201.0.0/24", "10.201.1.0/24", "172.17.0.0/16"]) == 31
    assert Pool(DEFAULT_POOL).capacity(LINE, []) == 1024
