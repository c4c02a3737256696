"""Each need of a class beside what there is: facts in, verdicts out."""

import dataclasses
import json
import subprocess
import time
from pathlib import Path

import pytest

from lab.bench.process import cpu_s
from lab.capacity import footprint as footprints
from lab.capacity.engine import EngineFacts, who_may
from lab.capacity.footprint import FOOTPRINTS, Footprint, footprint, measured
from lab.capacity.judge import RESERVE_MIB, Need, judge
from lab.capacity.machine import Machine, look
from lab.catalog import find_line
from lab.cli.main import run
from lab.labs import LabStatus
from simulators.errors import NotFoundError
from simulators.text import Text

LINE = find_line("bottling")
SOURCE = Text(fr="essai", en="trial")
TAKES = Footprint(memory_mib=100, cpu_pct=2, tasks=100, fixed_mib=200, source=SOURCE)
LARGE = Machine(memory_mib=64_000, cores=16, tasks=100_000, namespaces=100_000, neighbours=10_000)
IMAGES = tuple((f"usine-ecole-{stage}:latest", True, True) for stage in ("device", "workstation", "platform"))
ENGINE = EngineFacts(None, "20.10.24", "2", "overlay2", IMAGES, labs=64)


def judged(
    students: int = 30, runtime: str = "docker", machine: Machine = LARGE, engine: EngineFacts | None = ENGINE
) -> dict[str, Need]:
    return {need.subject: need for need in judge(students, runtime, LINE, TAKES, machine, engine)}


def lacking(needs: dict[str, Need]) -> set[str]:
    return {subject for subject, need in needs.items() if not need.enough}


def test_where_there_is_enough_of_everything_no_remedy_is_given() -> None:
    needs = judged()
    assert list(needs) == ["engine", "images", "subnets", "memory", "cpu", "processes", "neighbours"]
    assert lacking(needs) == set()
    assert all(not need.remedy.en and not need.remedy.fr for need in needs.values())
    assert (needs["memory"].needed, needs["memory"].source) == (200 + 30 * 100, SOURCE)


@pytest.mark.parametrize(
    ("changes", "subject", "remedy"),
    [
        ({"memory_mib": RESERVE_MIB + 200 + 12 * 100}, "memory", "room for 12 labs"),
        ({"cores": 0.5}, "cpu", "enough for 20 labs"),
        ({"tasks": 3_000}, "processes", "kernel.pid_max"),
        ({"neighbours": 1_024}, "neighbours", "net.ipv4.neigh.default.gc_thresh3=2048"),
    ],
)
def test_what_the_machine_lacks_is_named_with_its_remedy(
    changes: dict[str, float], subject: str, remedy: str
) -> None:
    needs = judged(machine=dataclasses.replace(LARGE, **changes))  # type: ignore[arg-type]
    assert lacking(needs) == {subject}
    assert remedy in needs[subject].remedy.en
    assert needs[subject].remedy.fr != needs[subject].remedy.en


@pytest.mark.parametrize(
    ("changes", "subject", "remedy"),
    [
        ({"labs": 29}, "subnets", "USINE_DOCKER_POOL"),
        (
            {"labs": 0, "pool_trouble": Text(fr="réserve", en="a pool of nothing")},
            "subnets",
            "a pool of nothing",
        ),
        (
            {"images": (*IMAGES[:2], ("usine-ecole-platform:latest", True, False))},
            "images",
            "usine-ecole-platform:latest",
        ),
    ],
)
def test_what_the_engine_lacks_is_named_with_its_remedy(
    changes: dict[str, object], subject: str, remedy: str
) -> None:
    needs = judged(engine=dataclasses.replace(ENGINE, **changes))  # type: ignore[arg-type]
    assert lacking(needs) == {subject}
    assert remedy in needs[subject].remedy.en


def test_an_engine_that_does_not_serve_is_all_that_is_said_of_it() -> None:
    needs = judged(engine=EngineFacts(trouble=Text(fr="trop ancien", en="too old")))
    assert lacking(needs) == {"engine"}
    assert needs["engine"].remedy.en == "too old"
    assert not {"images", "subnets"} & needs.keys()


def test_one_container_a_lab_takes_no_subnet_and_no_container_takes_namespaces() -> None:
    assert "subnets" not in judged(runtime="docker-compact", engine=dataclasses.replace(ENGINE, labs=0))
    needs = judged(runtime="local", engine=None, machine=dataclasses.replace(LARGE, namespaces=100))
    assert lacking(needs) == {"namespaces"}
    assert needs["namespaces"].needed == 30 * (len(LINE.zones) + 1)
    assert "engine" not in needs


def test_every_runtime_has_its_figures_and_another_is_unknown() -> None:
    assert set(FOOTPRINTS) == {"local", "docker", "docker-compact"}
    assert all("lab bench" in takes.source.en for takes in FOOTPRINTS.values())
    with pytest.raises(NotFoundError, match=r"podman.*local"):
        footprint("podman")


def test_a_machine_half_as_fast_carries_half_as_many() -> None:
    found = judge(1000, "local", LINE, TAKES.at(0.5), dataclasses.replace(LARGE, cores=1), None)
    (cpu,) = [need for need in found if need.subject == "cpu"]
    assert cpu.needed == 1000 * 2 * TAKES.cpu_pct / 100
    assert "enough for 20 labs" in cpu.remedy.en
    assert cpu.source == Text(
        fr="essai ; cette machine va 0,5 fois aussi vite", en="trial; this machine is 0.5 times as fast"
    )
    assert TAKES.at(0.5).memory_mib == TAKES.memory_mib


def test_how_fast_the_machine_is_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = iter([100.0, 348.0, 200.0])
    monkeypatch.setattr(footprints, "twin_speed", lambda _line, _hours: next(slow))
    assert footprints.speed() == 348.0 / footprints.BENCHED_SPEED_X
    monkeypatch.undo()
    monkeypatch.setattr(footprints, "SPEED_TRIES", 1)
    assert 0.02 < footprints.speed() < 20


def test_the_command_minds_how_fast_the_machine_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.setitem(footprints.FOOTPRINTS, "local", dataclasses.replace(TAKES, memory_mib=1))
    for times, enough in ((1.0, True), (0.001, False)):
        monkeypatch.setattr(footprints, "twin_speed", lambda _l, _h, x=times: x * footprints.BENCHED_SPEED_X)
        assert run(["capacity", "--students", "5", "--json"]) == (0 if enough else 1)
        needs = {need["subject"]: need for need in json.loads(capsys.readouterr().out)["needs"]}
        assert needs["cpu"]["enough"] is enough


def a_proc(folder: Path) -> Path:
    (folder / "sys" / "kernel").mkdir(parents=True)
    (folder / "sys" / "user").mkdir()
    (folder / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2097152 kB\n")
    (folder / "loadavg").write_text("0.1 0.2 0.3 1/250 4242\n")
    (folder / "sys/kernel/pid_max").write_text("32768\n")
    (folder / "sys/kernel/threads-max").write_text("10250\n")
    (folder / "sys/user/max_user_namespaces").write_text("500\n")
    (folder / "sys/net/ipv4/neigh/default").mkdir(parents=True)
    (folder / "sys/net/ipv4/neigh/default/gc_thresh3").write_text("1024\n")
    (folder / "net/stat").mkdir(parents=True)
    (folder / "net/stat/arp_cache").write_text("entries  allocs\n00000018  000009c3\n00000018  0000087f\n")
    return folder


def test_the_machine_is_read_from_the_kernel(tmp_path: Path) -> None:
    found = look(a_proc(tmp_path))
    assert (found.memory_mib, found.tasks, found.namespaces) == (2048, 10_000, 500)
    assert found.neighbours == 1000
    assert found.cores >= 1


def test_without_labs_nothing_is_measured(tmp_path: Path) -> None:
    assert measured("local", [], tmp_path) is None


def test_a_process_that_does_nothing_takes_something(tmp_path: Path) -> None:
    def status(pid: int) -> LabStatus:
        return LabStatus("demo", "bottling", "local", "running", pid, 1, 0.0, 0)

    with subprocess.Popen(["sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE) as idle:
        assert idle.stdout is not None
        idle.stdout.readline()
        # What it took to begin counts not.
        used = -1.0
        while used != (used := cpu_s(idle.pid)):
            time.sleep(0.2)
        found = measured("local", [status(idle.pid)], tmp_path, 0.05)
        idle.kill()
    assert found is not None
    assert (found.memory_mib, found.cpu_pct) == (1.0, 0.1)
    assert found.source == Text(fr="mesuré ici sur 1 labo", en="measured here on 1 lab")
    assert measured("local", [status(idle.pid)], tmp_path, 0.05) is None, "it has ended meanwhile"
    assert all(need.enough for need in judge(1, "local", LINE, found, LARGE, None))


def test_who_may_reach_the_engine_is_told_by_its_socket(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    socket.chmod(0o600)
    assert "*" not in who_may(socket)
    socket.chmod(0o666)
    assert who_may(socket)[-1] == "*"


def test_the_command_says_so_and_its_status_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.setitem(footprints.FOOTPRINTS, "local", dataclasses.replace(TAKES, memory_mib=1))
    assert run(["capacity", "--students", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["enough"] is True
    assert {need["subject"] for need in said["needs"]} >= {"memory", "cpu"}
    monkeypatch.setitem(footprints.FOOTPRINTS, "local", dataclasses.replace(TAKES, memory_mib=1e9))
    for language, words in (("fr", "Pas assez pour 2 labos"), ("en", "Not enough for 2 labs")):
        monkeypatch.setenv("LAB_LANG", language)
        assert run(["capacity", "--students", "2"]) == 1
        assert words in capsys.readouterr().out


def test_an_engine_that_is_not_there_is_said_before_class(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("USINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("LAB_LANG", "en")
    assert run(["capacity", "--runtime", "docker", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    (engine,) = [need for need in said["needs"] if need["subject"] == "engine"]
    assert engine["enough"] is False
    assert "start Docker" in engine["remedy"]["en"]
    assert "lancez Docker" in engine["remedy"]["fr"]
    run(["doctor"])
    assert "without it, no labs in containers" in " ".join(capsys.readouterr().out.split())
