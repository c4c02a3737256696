"""What is drawn for hidden runs: complete, bounded, never the same for two seeds, the same for one."""

import ipaddress
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from lab.attacks.engine import attacks
from lab.detection.confounders import confounders
from lab.detection.hidden import edition
from lab.detection.score import GRACE_S
from lab.detection.script import ATTACK_MAX_S, CLASSES, LABS, SLOTS, Assault, Script, scripts
from lab.probes.place import Zoned
from scenarios.attacks.rogue_master import polled
from simulators.devices.scada.registers import blocks_of
from simulators.model import load_line
from simulators.network.addresses import workstation

LINE = load_line(Path("scenarios/lines/bottling/line.yaml"))
SEEDS = range(12)


def assaults(pool: list[Script]) -> list[Assault]:
    return [assault for script in pool for assault in script.assaults]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_class_comes_five_times_in_an_hour_of_benign_time(seed: int) -> None:
    pool = scripts(LINE, seed)
    found = assaults(pool)
    assert len(pool) == LABS
    assert {name: sum(a.attack == name for a in found) for name in CLASSES} == dict.fromkeys(CLASSES, SLOTS)
    at_war_s = sum(a.arguments["count"] / a.arguments["rate_per_s"] for a in found)
    assert sum(script.length_s for script in pool) - at_war_s > 3600


@pytest.mark.parametrize("seed", SEEDS)
def test_attacks_stay_apart_and_can_be_run(seed: int) -> None:
    for script in scripts(LINE, seed):
        for first, second in pairwise(script.assaults):
            ended_s = first.at_s + first.arguments["count"] / first.arguments["rate_per_s"]
            assert second.at_s - ended_s > 60.0
        for assault in script.assaults:
            msgspec.convert(assault.arguments, attacks()[assault.attack].arguments)
            source = ipaddress.ip_address(assault.arguments["source"])
            assert source in ipaddress.ip_network(LINE.zone(assault.zone).subnet)
            assert Zoned(LINE, assault.zone).check(str(source))
            assert assault.arguments["count"] / assault.arguments["rate_per_s"] <= ATTACK_MAX_S + 5


def test_what_cuts_connections_stays_out_of_attacks() -> None:
    for seed in SEEDS:
        for script in scripts(LINE, seed):
            for errand in script.errands:
                if errand.confounder != "reconnect_storm":
                    continue
                ends_s = errand.at_s + confounders()["reconnect_storm"].lasts_s
                for assault in script.assaults:
                    over_s = assault.at_s + ATTACK_MAX_S
                    assert over_s < errand.at_s or ends_s < assault.at_s + 30


@pytest.mark.parametrize("seed", SEEDS)
def test_an_address_says_nothing_by_itself(seed: int) -> None:
    """Each class comes from the two machines that may talk to the PLCs, and strangers pass by in peace as well."""
    pool = scripts(LINE, seed)
    scada, engineering = LINE.device("scada").address, workstation(LINE, "supervision")
    for name in CLASSES:
        sources = [a.arguments["source"] for a in assaults(pool) if a.attack == name]
        assert {scada, engineering} < set(sources)
        assert len(set(sources)) >= 4
    visits = [visit for script in pool for visit in script.visits]
    assert len(visits) == len(assaults(pool))
    assert all(confounders()[visit.confounder].passes_by for visit in visits)
    for script in pool:
        for visit in script.visits:
            ends_s = visit.at_s + confounders()[visit.confounder].lasts_s
            for assault in script.assaults:
                over_s = assault.at_s + assault.arguments["count"] / assault.arguments["rate_per_s"]
                assert over_s + GRACE_S < visit.at_s or ends_s < assault.at_s


def test_in_scadas_name_another_program_asks_other_blocks() -> None:
    scada = LINE.device("scada").address
    blocks = {block.request for block in blocks_of(LINE.tags_of("plc1"))}
    for seed in SEEDS:
        for assault in assaults(scripts(LINE, seed)):
            if assault.attack != "rogue_master":
                continue
            asked = polled(blocks_of(LINE.tags_of("plc1")), assault.arguments.get("registers", 0))
            assert (set(asked) == blocks) == (assault.arguments["source"] != scada)


def test_a_seed_gives_the_same_and_another_seed_other_sources() -> None:
    assert scripts(LINE, 3) == scripts(LINE, 3)
    sources = [frozenset(a.arguments["source"] for a in assaults(scripts(LINE, seed))) for seed in SEEDS]
    assert len(set(sources)) == len(sources)
    strangers = [
        a.arguments["source"] for seed in SEEDS for a in assaults(scripts(LINE, seed)) if a.zone == "control"
    ]
    assert len(set(strangers)) > 20


def test_all_daily_life_is_in_a_pool() -> None:
    for seed in SEEDS:
        played = {errand.confounder for script in scripts(LINE, seed) for errand in script.life}
        assert played == set(confounders())


def test_runs_of_other_code_are_not_taken_for_these() -> None:
    assert len(edition()) == 12
