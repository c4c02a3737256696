"""A lab's containers and networks on an engine: made, found, removed; nobody else's are touched."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.catalog import find_line
from lab.runtimes.docker import objects as module
from lab.runtimes.docker.engine import HOME, LAB, PART, PLAN, ROLE, Engine, InUseError
from lab.runtimes.docker.layout import FIELD, PLANT, LabLayout, compact_layout, layout, workstation_layout
from lab.runtimes.docker.objects import LabObjects
from lab.runtimes.docker.settings import Settings
from simulators.addressing import Addressing
from simulators.errors import StartError
from tests.lab.runtimes.fake_engine import FakeEngine

SUBNETS = {
    "control": "10.201.0.0/24",
    "iiot": "10.201.1.0/24",
    "supervision": "10.201.2.0/24",
    "enterprise": "10.201.3.0/24",
}
MODEL = find_line("bottling")
LINE = Addressing({zone.id: zone.subnet for zone in MODEL.zones}, SUBNETS).line(MODEL)
WHOLE = layout(LINE, "10.201.7.0/24", "secret", "1000:1000")


@pytest.fixture
def objects(engine: Engine, chosen: Settings, tmp_path: Path) -> LabObjects:
    return LabObjects(engine, chosen, "demo", tmp_path / "labs" / "demo", tmp_path / "run")


@pytest.mark.parametrize("whole", [WHOLE, compact_layout("1000:1000")])
def test_whatever_of_this_machine_a_container_can_write_to_is_looked_at(
    fake: FakeEngine, objects: LabObjects, whole: LabLayout
) -> None:
    objects.make_networks(whole)
    for container in whole.containers:
        objects.make(whole, container)
    kept = objects.kept(whole)
    for made in fake.containers.values():
        binds = [bind.split(":") for bind in made["Body"]["HostConfig"]["Binds"]]
        for folder in (Path(here) for here, _there, mode in binds if mode == "rw"):
            of = [k for k in kept if made["Labels"][PART] in k.parts]
            assert any(folder == k.folder or k.folder in folder.parents for k in of), folder
    apart = [k.folder / name for k in kept for name in k.apart]
    assert all(any(folder == k.folder for k in kept) for folder in apart)


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def test_a_whole_lab_is_made_found_and_removed(
    fake: FakeEngine, objects: LabObjects, chosen: Settings
) -> None:
    objects.make_networks(WHOLE)
    for container in WHOLE.containers:
        objects.make(WHOLE, container, "the plan" if container.part == PLANT else "")
    assert objects.present("line").keys() == {container.part for container in WHOLE.containers}
    assert len(objects.networks()) == len(WHOLE.networks)
    plant = objects.present()[PLANT]
    assert plant.state == "running"
    assert plant.labels == {HOME: chosen.mark, LAB: "demo", PART: PLANT, ROLE: "line", PLAN: "the plan"}
    bridges = [n["Options"]["com.docker.network.bridge.name"] for n in fake.networks.values()]
    assert all(len(name) <= 15 and name.startswith(("usine-", "usinef")) for name in bridges), (
        "what the guard closes"
    )
    objects.remove()
    assert (fake.containers, fake.networks) == ({}, {})
    objects.remove()


def test_a_network_that_is_in_use_for_a_moment_longer_is_removed_too(
    fake: FakeEngine, objects: LabObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FREED_LIMIT_S", 2.0)
    objects.make_networks(WHOLE)
    fake.busy = dict.fromkeys(fake.networks, 2)
    objects.remove()
    assert fake.networks == {}


def test_a_network_with_somebody_elses_container_is_an_error_and_the_others_go(
    fake: FakeEngine, objects: LabObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FREED_LIMIT_S", 0.2)
    objects.make_networks(WHOLE)
    (name, *_) = fake.networks
    fake.busy, fake.attached = {name: 10_000}, {name: ["f00"]}
    with pytest.raises(InUseError, match=name):
        objects.remove()
    assert list(fake.networks) == [name]


def test_a_network_in_which_the_engine_lost_count_is_said_and_left_to_it(
    fake: FakeEngine, objects: LabObjects, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "FREED_LIMIT_S", 0.2)
    objects.make_networks(WHOLE)
    (name, *_) = fake.networks
    fake.busy = {name: 10_000}
    objects.remove()
    assert list(fake.networks) == [name]
    assert f"{name} still in use" in (said := capsys.readouterr().err)
    assert "restart the engine" in said


def test_a_lab_that_comes_back_on_other_subnets_meets_no_network_of_its_former_run(
    fake: FakeEngine, objects: LabObjects
) -> None:
    objects.make_networks(WHOLE)
    elsewhere = {zone: subnet.replace("10.201.", "10.202.") for zone, subnet in SUBNETS.items()}
    line = Addressing({zone.id: zone.subnet for zone in MODEL.zones}, elsewhere).line(MODEL)
    objects.make_networks(layout(line, "10.202.7.0/24", "secret", "1000:1000"))
    assert len(fake.networks) == 2 * len(WHOLE.networks)
    bridges = {n["Options"]["com.docker.network.bridge.name"] for n in fake.networks.values()}
    assert len(bridges) == len(fake.networks)


def test_each_device_sees_its_own_folder_and_the_plant_the_labs(
    fake: FakeEngine, objects: LabObjects, tmp_path: Path
) -> None:
    objects.make_networks(WHOLE)
    for part in (PLANT, "plc1"):
        objects.make(WHOLE, WHOLE.container(part))
    binds = {c["Labels"][PART]: c["Body"]["HostConfig"]["Binds"] for c in fake.containers.values()}
    folder = tmp_path / "labs" / "demo"
    assert binds["plc1"] == [f"{folder}/plc1:/data/plc1:rw"]
    assert binds[PLANT] == [f"{folder}:/data:rw", f"{tmp_path}/run:/run/usine:rw"]
    assert not any("docker.sock" in bind for every in binds.values() for bind in every)


def test_the_default_route_is_a_zones(fake: FakeEngine, objects: LabObjects) -> None:
    objects.make_networks(WHOLE)
    objects.make(WHOLE, WHOLE.container("plc1"))
    (made,) = fake.containers.values()
    assert made["Body"]["HostConfig"]["NetworkMode"].endswith("-0-control-10.201.0.0")
    names = [objects.network_name(n, network) for n, network in enumerate(WHOLE.networks)]
    assert names == sorted(names)
    assert names[-1].endswith(f"-{FIELD}-10.201.7.0")


def test_what_sits_beside_a_device_shares_its_network_and_its_processes(
    fake: FakeEngine, objects: LabObjects, tmp_path: Path
) -> None:
    objects.make_networks(WHOLE)
    seat = workstation_layout(LINE, "control", "1000:1000")
    objects.make_seat(WHOLE, seat, tmp_path, None, "abc")
    (made,) = fake.containers.values()
    host = made["Body"]["HostConfig"]
    assert host["PidMode"] == "container:abc"
    assert host["Binds"] == [f"{tmp_path}:/run/usine:rw"]
    assert "/home/student" in host["Tmpfs"]
    assert objects.present("line") == {}
    assert objects.present("seat").keys() == {"workstation-control"}


def test_a_subnet_that_was_taken_meanwhile_leaves_no_network(fake: FakeEngine, objects: LabObjects) -> None:
    fake.networks["other"] = {
        "Name": "other",
        "Labels": {},
        "IPAM": {"Config": [{"Subnet": "10.201.2.0/23"}]},
    }
    with pytest.raises(Exception, match="Pool overlaps"):
        objects.make_networks(WHOLE)
    assert list(fake.networks) == ["other"]


def test_why_no_network_is_made_is_told_also_where_one_of_a_former_run_stays(
    fake: FakeEngine, engine: Engine, objects: LabObjects
) -> None:
    engine.network("stays", "usine-x0", WHOLE.networks[0], {HOME: objects._settings.mark, LAB: "demo"})
    fake.busy = {"stays": 10_000}
    with pytest.raises(StartError, match="Pool overlaps"):
        objects.make_networks(WHOLE)
    assert list(fake.networks) == ["stays"]


def test_another_labs_and_another_homes_objects_stay(
    fake: FakeEngine, engine: Engine, objects: LabObjects, tmp_path: Path, workers: ThreadPoolExecutor
) -> None:
    mine = Settings(tmp_path / "elsewhere", "1:1")
    others = [
        LabObjects(engine, mine, "demo", tmp_path / "x", tmp_path),
        LabObjects(engine, Settings(tmp_path / "home", "1:1"), "demo-2", tmp_path / "y", tmp_path),
    ]
    for other in others:
        other.make_seat(WHOLE, workstation_layout(LINE, "control", "1:1"), None, "whose")
    objects.remove()
    objects.dismiss(workers)
    assert {c["State"] for c in fake.containers.values()} == {"running"}
    assert len(fake.containers) == 2
