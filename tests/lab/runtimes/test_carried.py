"""A lab's start in containers that fails: why is said, and nothing half-made stays."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.catalog import find_line, line_path
from lab.labs import Job
from lab.runtimes.docker import mender
from lab.runtimes.docker.carried import CarriedLab
from lab.runtimes.docker.engine import HOME, LAB, Engine
from lab.runtimes.docker.gate import Gate
from lab.runtimes.docker.layout import NetworkLayout
from lab.runtimes.docker.objects import LabObjects
from lab.runtimes.docker.orders import Orders, Refusing
from lab.runtimes.docker.pool import Pool
from lab.runtimes.docker.settings import Settings
from lab.runtimes.docker.shapes import Compact, PerDevice, Shape
from lab.runtimes.docker.steward import Steward
from simulators.errors import InputError, NotFoundError, StartError, ToolMissingError, UsineError
from simulators.host.plan import Plan
from simulators.host.refusal import refused
from tests.lab.runtimes.fake_engine import FakeEngine
from tests.waiting import HANG_S, eventually

Said = list[dict[str, Any]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    folder = tmp_path / "labs" / "demo"
    folder.mkdir(parents=True)
    return Plan(
        name="demo", line=str(line_path("bottling")), seed=1, folder=str(folder),
        control=str(tmp_path / "r" / "control.sock"), token="t", bus_secret="b",
    )  # fmt: skip


def a_lab(
    engine: Engine, chosen: Settings, gate: Gate, plan: Plan, shape: Shape, pool: str = ""
) -> CarriedLab:
    return CarriedLab(engine, chosen, gate, Pool(pool or chosen.pool), shape, plan)


class FakeWays:
    """Leads nowhere (seats.Ways)."""

    enforces_zones = True

    async def connect(self, zone: str, source: str, address: str, port: int) -> socket.socket:
        raise OSError("nowhere")

    async def terminal(self, zone: str, columns: int, rows: int) -> socket.socket:
        raise StartError("nulle part", "nowhere")

    async def agent(self, job: Job) -> socket.socket:
        raise StartError("nulle part", "nowhere")

    async def close(self) -> None:
        """Nothing is open."""


def left(fake: FakeEngine) -> list[str]:
    """What bears the labels of this lab."""
    everything = [*fake.containers.values(), *fake.networks.values()]
    return [one["Name"] for one in everything if one["Labels"].get(LAB) == "demo"]


async def failing(lab: CarriedLab, error: type[UsineError]) -> UsineError:
    said: Said = []
    with pytest.raises(error) as raised:
        await asyncio.wait_for(lab.start(said.append), 20)
    return raised.value


@pytest.mark.parametrize("shape", [PerDevice(), Compact()])
async def test_without_its_image_nothing_is_made(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan, shape: Shape
) -> None:
    fake.images.clear()
    error = await failing(a_lab(engine, chosen, gate, plan, shape), ToolMissingError)
    assert "lab image" in error.text.en
    assert not any(verb == "POST" for verb, _path, _body in fake.asked)


async def test_without_a_free_block_nothing_is_made(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    fake.networks["other"] = {
        "Name": "other", "Labels": {}, "IPAM": {"Config": [{"Subnet": "10.201.3.0/24"}]},
    }  # fmt: skip
    error = await failing(a_lab(engine, chosen, gate, plan, PerDevice(), "10.201.0.0/21"), StartError)
    assert "no free subnet left in 10.201.0.0/21; stop labs" in error.text.en
    assert list(fake.networks) == ["other"]


async def test_a_pool_that_is_too_small_is_said(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    error = await failing(a_lab(engine, chosen, gate, plan, PerDevice(), "10.201.0.0/28"), InputError)
    assert "est trop petit" in error.text.fr
    assert left(fake) == []


@pytest.mark.parametrize("part", ["plant", "scada"])
async def test_a_container_of_somebody_elses_with_the_name_stays_and_the_rest_is_removed(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan, part: str
) -> None:
    lab = a_lab(engine, chosen, gate, plan, PerDevice())
    name = lab.objects.container_name(part)
    fake.containers["f00"] = {
        "Id": "f00",
        "Name": name,
        "Labels": {},
        "State": "running",
        "Body": {},
        "Said": "",
    }
    error = await failing(lab, StartError)
    assert f"docker rm -f {name}" in error.text.fr
    assert list(fake.containers) == ["f00"]
    assert left(fake) == []


async def test_a_network_of_somebody_elses_with_the_name_stays_and_the_rest_is_removed(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    lab = a_lab(engine, chosen, gate, plan, PerDevice())
    layout = NetworkLayout(
        "supervision", Pool(chosen.pool).take(find_line("bottling"), [])["supervision"], None
    )
    name = lab.objects.network_name(2, layout)
    fake.networks[name] = {"Name": name, "Labels": {}, "IPAM": {"Config": []}}
    error = await failing(lab, StartError)
    assert f"docker network rm {name}" in error.text.en
    assert list(fake.networks) == [name]


async def test_an_engine_that_refuses_midway_leaves_nothing(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    fake.refusing["POST", "/networks/usine"] = "the disk is full"
    error = await failing(a_lab(engine, chosen, gate, plan, PerDevice()), StartError)
    assert "the disk is full" in error.text.fr
    assert left(fake) == []


@pytest.mark.parametrize("shape", [PerDevice(), Compact()])
async def test_a_main_container_that_dies_at_start_is_said_with_its_last_words(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan, shape: Shape,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mender, "MENDED_AFTER_S", 0.0)
    fake.dying[shape.main] = "cannot read the plan"
    lab, said = a_lab(engine, chosen, gate, plan, shape), Said()
    starting = asyncio.create_task(lab.start(said.append))
    await eventually(lambda: any(c["State"] == "exited" for c in fake.containers.values()))
    for _ in range(mender.DEATHS_AT_START):
        lab.died(shape.main, 3)
        await asyncio.sleep(0.01)
    await asyncio.wait_for(starting, 20)
    assert "cannot read the plan" in said[-1]["error"]["en"]
    assert "s'arrête dès son démarrage" in said[-1]["error"]["fr"]
    assert left(fake) == []


async def test_a_lab_is_not_adopted_where_its_main_container_does_not_run(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    with pytest.raises(NotFoundError, match="demo"):
        await a_lab(engine, chosen, gate, plan, PerDevice()).adopt()


async def test_ending_twice_is_harmless_and_touches_its_own_only(
    fake: FakeEngine, engine: Engine, chosen: Settings, gate: Gate, plan: Plan, tmp_path: Path
) -> None:
    lab = a_lab(engine, chosen, gate, plan, PerDevice())
    other = LabObjects(engine, chosen, "other", tmp_path, tmp_path)
    labels = {HOME: chosen.mark, LAB: "other"}
    fake.containers["f00"] = {
        "Id": "f00",
        "Name": other.container_name("plant"),
        "Labels": labels,
        "State": "running",
        "Body": {},
        "Said": "",
    }
    await lab.end()
    await lab.end()
    assert list(fake.containers) == ["f00"]
    assert lab.lost.is_set()


async def test_where_no_steward_can_be_who_asks_is_told_why_and_labs_that_run_are_kept() -> None:
    why = InputError("réserve refusée", "pool refused")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    refusing = Refusing(Orders(theirs), why)
    refusing.listen()
    news, news_end = socket.socketpair()
    life, life_end = socket.socketpair()
    kept, kept_end = socket.socketpair()
    loop = asyncio.get_running_loop()
    for order, ends in (("launch", (news_end, life_end)), ("adopt", (kept_end,)), ("end", ())):
        socket.send_fds(ours, [msgspec.json.encode({"do": order})], [end.fileno() for end in ends])
        for end in ends:
            end.close()
    for end in (news, life, kept):
        end.setblocking(False)
    answer = msgspec.json.decode(await loop.sock_recv(news, 1000))
    assert refused(answer["error"]).text.fr == "réserve refusée"
    assert await loop.sock_recv(life, 10) == b"", "the lab that was to be launched has ended"
    with pytest.raises(BlockingIOError):
        kept.recv(1)
    ours.close()
    await asyncio.wait_for(refusing.orders.gone.wait(), HANG_S)
    for end in (news, life, kept, theirs):
        end.close()


async def test_a_job_waits_for_a_lab_that_is_being_adopted_and_not_for_one_that_there_is_not(
    engine: Engine, chosen: Settings, gate: Gate, plan: Plan
) -> None:
    orders, other = socket.socketpair()
    steward, lab = Steward(engine, chosen, Orders(orders)), a_lab(engine, chosen, gate, plan, PerDevice())
    with pytest.raises(NotFoundError, match="demo"):
        await steward._lab("demo")
    steward._labs["demo"] = lab
    asked = asyncio.create_task(steward._lab("demo"))
    await asyncio.sleep(0.1)
    assert not asked.done()
    lab.ways = FakeWays()
    assert await asyncio.wait_for(asked, HANG_S) is lab
    lab.lost.set()
    with pytest.raises(NotFoundError, match="demo"):
        await steward._lab("demo")
    steward._gate.close()
    orders.close()
    other.close()
