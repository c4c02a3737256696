"""The host's packet filter, by a stand-in for its command that keeps chains in a file."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from lab.runtimes.docker import guard
from lab.runtimes.docker.layout import BRIDGE_PREFIX, BUS_PORT, FIELD_BRIDGE_PREFIX

TOOL = """#!{python}
import json, sys
path = {state!r}
chains = json.load(open(path))
words = sys.argv[1:]
assert words[:2] == ["-w", "5"], words
verb, chain, *rule = words[2:]
if chain not in chains:
    sys.exit(1)
if verb == "-C":
    sys.exit(0 if rule in chains[chain] else 1)
if verb == "-D":
    if rule not in chains[chain]:
        sys.exit(1)
    chains[chain].remove(rule)
elif verb == "-I":
    chains[chain].insert(int(rule[0]) - 1, rule[1:])
json.dump(chains, open(path, "w"))
"""


class Filter:
    """Chains by name, in a file."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "chains.json"
        self._folder = folder

    def install(self, chains: str, *names: str) -> None:
        self._state.write_text(chains)
        for name in names:
            tool = self._folder / name
            tool.write_text(TOOL.format(python=sys.executable, state=str(self._state)))
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

    def chains(self) -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = json.loads(self._state.read_text())
        return found


@pytest.fixture
def filter_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Filter:
    """Of a kernel without IPv6."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(guard, "IPV6", tmp_path / "no-ipv6")
    return Filter(tmp_path)


def test_the_host_is_closed_to_the_bridges_of_labs_before_anything_else(filter_: Filter) -> None:
    filter_.install('{"INPUT": [["-j", "ACCEPT"]], "DOCKER-USER": [["-j", "RETURN"]]}', "iptables")
    done = guard.close_host()
    chains = filter_.chains()
    assert chains["INPUT"] == [*(list(rule) for rule in guard.TO_HOST), ["-j", "ACCEPT"]]
    assert chains["DOCKER-USER"] == [*(list(rule) for rule in guard.FORWARDED), ["-j", "RETURN"]]
    assert len(done) == len(guard.TO_HOST) + len(guard.FORWARDED)
    assert (f"{BRIDGE_PREFIX}+", f"{FIELD_BRIDGE_PREFIX}+") == (guard.BRIDGES, guard.FIELD_BRIDGES)
    assert [rule[-1] for rule in guard.TO_HOST] == ["DROP", "DROP"]
    assert [rule[-1] for rule in guard.FORWARDED] == ["ACCEPT"] * 3 + ["DROP"] * 4
    let_through = guard.FORWARDED[:3]
    assert all("--physdev-is-bridged" in rule for rule in let_through), "only what stays on its bridge"
    assert all(str(BUS_PORT) in rule for rule in let_through if guard.FIELD_BRIDGES in rule), "only the bus"
    assert {rule[1] for rule in guard.FORWARDED if rule[-1] == "DROP"} == {guard.BRIDGES, guard.FIELD_BRIDGES}


def test_no_ipv6_passes_where_the_kernel_has_it(filter_: Filter, tmp_path: Path) -> None:
    filter_.install('{"INPUT": [], "DOCKER-USER": []}', "iptables")
    guard.IPV6.touch()
    with pytest.raises(OSError, match="ip6tables"):
        guard.close_host()
    (tmp_path / "six").mkdir()
    six = Filter(tmp_path / "six")
    six.install('{"INPUT": [], "FORWARD": [["-j", "ACCEPT"]]}', "ip6tables")
    os.environ["PATH"] += f":{tmp_path / 'six'}"
    guard.close_host()
    assert six.chains()["INPUT"] == [list(rule) for rule in guard.TO_HOST]
    assert six.chains()["FORWARD"] == [*(list(rule) for rule in guard.FORWARDED_SIX), ["-j", "ACCEPT"]]
    assert {rule[-1] for rule in guard.FORWARDED_SIX} == {"DROP"}


def test_twice_is_harmless_and_rules_that_slipped_are_put_back_in_order(filter_: Filter) -> None:
    filter_.install('{"INPUT": [], "DOCKER-USER": []}', "iptables")
    guard.close_host()
    before = filter_.chains()
    assert guard.close_host() == []
    half = {**before, "DOCKER-USER": before["DOCKER-USER"][1:]}
    filter_.install(json.dumps(half), "iptables")
    assert guard.close_host() != []
    assert filter_.chains() == before


def test_without_the_engines_chain_it_refuses_and_changes_nothing(
    filter_: Filter, capsys: pytest.CaptureFixture[str]
) -> None:
    filter_.install('{"INPUT": []}', "iptables")
    assert guard.main() == 1
    assert guard.ENGINE_CHAIN in capsys.readouterr().err
    assert filter_.chains() == {"INPUT": []}


def test_the_variant_that_the_engine_uses_is_taken(filter_: Filter, tmp_path: Path) -> None:
    filter_.install('{"INPUT": [], "DOCKER-USER": []}', "iptables-legacy")
    other = tmp_path / "iptables"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    os.environ["PATH"] += ":/bin:/usr/bin"
    assert all(command.startswith("iptables-legacy ") for command in guard.close_host())
