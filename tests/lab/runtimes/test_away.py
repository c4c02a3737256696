"""The devices of a spread lab that one machine carries: made, mended, kept, removed; its networks are not its own."""

import asyncio
from pathlib import Path

import pytest

from lab.catalog import line_path
from lab.runtimes.docker import mender
from lab.runtimes.docker.away import AwayPart
from lab.runtimes.docker.engine import LAB, PART, PLAN, Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.settings import Settings
from simulators.errors import StartError
from simulators.host.plan import Places, Plan
from simulators.host.router import ROUTER_VARIABLE
from simulators.model import load_line
from tests.lab.runtimes.fake_engine import FakeEngine
from tests.waiting import eventually

HERE = {"scada", "historian"}


@pytest.fixture
def part(engine: Engine, chosen: Settings, gate: Gate, fake: FakeEngine, tmp_path: Path) -> AwayPart:
    """Of `demo`, the devices in `HERE`; another machine has the broker."""
    subnets = Pool(chosen.pool).take(load_line(line_path("bottling")), [])
    networks = {key: f"over-{key}" for key in subnets}
    for key, name in networks.items():
        fake.networks[name] = {
            "Name": name,
            "Labels": {LAB: "demo"},
            "IPAM": {"Config": [{"Subnet": subnets[key]}]},
        }
    places = Places(networks, subnets, {**dict.fromkeys(HERE, "here"), "broker": "there"})
    plan = Plan(
        name="demo", line=str(line_path("bottling")), seed=1, folder=str(tmp_path / "labs" / "demo"),
        control=str(tmp_path / "r" / "control.sock"), token="t", bus_secret="b", spread=True, places=places,
    )  # fmt: skip
    return AwayPart(engine, chosen, gate, plan, "here")


def running(fake: FakeEngine) -> set[str]:
    return {c["Labels"][PART] for c in fake.containers.values() if c["State"] == "running"}


async def test_its_devices_are_made_on_networks_that_are_there(fake: FakeEngine, part: AwayPart) -> None:
    before = dict(fake.networks)
    await part.start(again=False)
    assert running(fake) == HERE
    for container in fake.containers.values():
        assert container["Body"]["HostConfig"]["NetworkMode"] == "over-supervision"
        assert f"{ROUTER_VARIABLE}=10.201.2.1" in container["Body"]["Env"]
        assert PLAN in container["Labels"]
    connected = [path for verb, path, _body in fake.asked if verb == "POST" and path.endswith("/connect")]
    assert connected == ["/networks/over-field/connect"] * 2
    await part.end()
    assert fake.containers == {}
    assert fake.networks == before
    assert part.lost.is_set()


async def test_another_steward_keeps_those_that_are_there_and_makes_the_others(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, part: AwayPart
) -> None:
    await part.start(again=False)
    kept, gone = fake.containers
    del fake.containers[gone]
    other = AwayPart(engine, chosen, gate, part.plan, "here")
    await other.start(again=True)
    assert kept in fake.containers
    assert running(fake) == HERE
    for one in (part, other):
        await one.end(graceful=False)


async def test_one_that_cannot_be_made_leaves_none(fake: FakeEngine, part: AwayPart) -> None:
    fake.containers["f00"] = {
        "Id": "f00", "Name": part.objects.container_name("scada"), "Labels": {}, "State": "running", "Body": {}, "Said": "",
    }  # fmt: skip
    with pytest.raises(StartError, match="docker rm -f"):
        await part.start(again=False)
    assert list(fake.containers) == ["f00"]


async def test_one_that_ends_is_started_again_also_where_its_address_is_let_go_of_late(
    fake: FakeEngine, part: AwayPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mender, "MENDED_AFTER_S", 0.01)
    await part.start(again=False)
    scada = next(c for c in fake.containers.values() if c["Labels"][PART] == "scada")
    start = ("POST", f"/containers/{scada['Id']}/start")
    scada["State"], fake.refusing[start] = "exited", "Address already in use"
    asked = len(fake.asked)
    part.died("scada", 1)
    await eventually(lambda: any((verb, path) == start for verb, path, _body in fake.asked[asked:]))
    del fake.refusing[start]
    await eventually(lambda: running(fake) == HERE)
    await part.end(graceful=False)
    part.died("scada", 0)
    await asyncio.sleep(0.05)
    assert fake.containers == {}


async def test_who_fills_the_disk_is_ended_and_what_is_small_stays(
    fake: FakeEngine, part: AwayPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mender, "TRIMMED_BYTES", 1 << 20)
    await part.start(again=False)
    folders = {kept.parts: kept for kept in part.kept()}
    own = folders[("historian",)].folder
    (own / "configuration.yaml").write_text("retention_h: 1\n")
    (own / "bomb").write_bytes(b"x" * (2 << 20))
    await part.shrink(folders[("historian",)], 2 << 20)
    assert running(fake) == HERE - {"historian"}
    assert [path.name for path in own.iterdir()] == ["configuration.yaml"]
    journal = (part.folder / "steward.jsonl").read_text()
    assert '"event":"storage_exceeded","of":"historian","bytes":2097152' in journal
    await part.end(graceful=False)
