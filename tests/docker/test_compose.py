"""The compose file on a real engine, with docker-compose 1.29: the platform with one line, from nothing and back to nothing."""

import contextlib
import json
import os
import re
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.catalog import find_line
from lab.cli.main import run
from lab.runtimes.docker.engine import API_VERSION, HOME, Engine, address
from lab.runtimes.docker.layout import short
from tests.docker.left import networks_left
from tests.waiting import within

pytestmark = [pytest.mark.needs("docker", "docker-compose"), pytest.mark.timeout(400)]

PROJECT = "usinetest"
HEALTHY_S, LAB = 150.0, "first"
READ_SET_POINT = bytes.fromhex("0001 0000 0006 01 03 0800 0002")
DEVICES = {device.id for device in find_line("bottling").devices}
LINE = DEVICES | {"plant", "ways"}
PLATFORM = {"database", "supervisor", "web"}
WORKSTATIONS = {f"workstation-{zone.id}" for zone in find_line("bottling").zones}
ALL = ("--profile", "platform", "--profile", "line", "--profile", "workstation")
PORTS = ("USINE_PORT", "USINE_PORT_PLC1", "USINE_PORT_PLC2", "USINE_PORT_BROKER")


class Site:
    """A folder with a compose file, and what the engine has of it."""

    def __init__(self, folder: Path, api: Any) -> None:
        self.folder, self._api = folder, api
        self.ports: dict[str, int] = {}

    def compose(self, *words: str, limit_s: float = 240) -> str:
        """Run docker-compose there; what it printed."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
        if "down" in words:
            # Engines lose count of a network's ends when many containers go at once (moby 42119).
            environment["COMPOSE_PARALLEL_LIMIT"] = "2"
        ran = subprocess.run(
            ["docker-compose", "--project-name", PROJECT, *words], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=limit_s, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout

    def containers(self) -> dict[str, Any]:
        """Their descriptions, by service."""
        found = self._api.containers(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"})
        described = [self._api.inspect_container(container["Id"]) for container in found]
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in described}

    def healthy(self) -> set[str]:
        return {
            name
            for name, one in self.containers().items()
            if one["State"].get("Health", {}).get("Status") == "healthy"
        }

    def until_healthy(self, wanted: set[str]) -> None:
        """Those and no others are well within the time; else with what the others say."""
        try:
            within(HEALTHY_S, lambda: self.healthy() == wanted, every_s=1)
        except AssertionError as error:
            missing = sorted(wanted - self.healthy())
            said = self.compose("logs", "--no-color", "--tail", "15", *missing) if missing else ""
            raise AssertionError(f"{sorted(self.healthy())}, without {missing}: {said}") from error

    def left(self) -> list[str]:
        """Everything that the engine still has of it."""
        label = {"label": f"com.docker.compose.project={PROJECT}"}
        found = [c["Names"][0] for c in self._api.containers(all=True, filters=label)]
        found += [n["Name"] for n in self._api.networks(filters=label)]
        found += [v["Name"] for v in self._api.volumes(filters=label)["Volumes"] or []]
        with Engine() as engine:
            labels = {HOME: short(str(self.state))}
            return [
                *found,
                *(seen.name for seen in engine.containers(labels)),
                *networks_left(engine, labels),
            ]

    @property
    def state(self) -> Path:
        return self.folder / "docker-compose.d" / "state"

    def lab(self, *words: str) -> Any:
        """A command in the supervisor's container, as JSON."""
        return json.loads(self.compose("exec", "-T", "supervisor", "lab", *words, "--json"))


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Short, for a Unix socket's path has 107 characters at most.
    with (
        tempfile.TemporaryDirectory(prefix="uc") as name,
        contextlib.closing(docker.APIClient(base_url=address(), version=API_VERSION)) as api,
    ):
        made = Site(Path(name), api)
        assert run(["compose", "bottling", "-o", str(made.folder / "docker-compose.yml")]) == 0
        made.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        with (made.folder / ".env").open("a") as environment:
            environment.writelines(f"{key}={port}\n" for key, port in made.ports.items())
        try:
            made.compose("--profile", "line", "up", "-d")
            yield made
        finally:
            made.compose(*ALL, "down", "-v")


def test_a_line_comes_alone(site: Site) -> None:
    site.until_healthy(LINE)


def test_everything_becomes_healthy_and_the_guard_has_ended_well(site: Site) -> None:
    site.compose("up", "-d")
    site.until_healthy(LINE | PLATFORM)
    assert site.containers()["guard"]["State"]["ExitCode"] == 0
    assert site.containers().keys() == LINE | PLATFORM | {"guard"}


def test_an_ordinary_modbus_client_reads_through_the_published_port(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.ports["USINE_PORT_PLC1"]), 10) as client:
        client.settimeout(10)
        client.sendall(READ_SET_POINT)
        assert client.recv(260)[7:9] == b"\x03\x04"
    with socket.create_connection(("127.0.0.1", site.ports["USINE_PORT_BROKER"]), 10) as client:
        client.sendall(bytes.fromhex("100e 0004 4d515454 04 02 000a 0002 7473"))
        assert client.recv(4) == b"\x20\x02\x00\x00"


def test_ports_are_on_loopback_only(site: Site) -> None:
    published = [
        binding["HostIp"]
        for one in site.containers().values()
        for bindings in (one["NetworkSettings"]["Ports"] or {}).values()
        for binding in bindings or []
    ]
    assert len(published) == len(PORTS)
    assert set(published) == {"127.0.0.1"}


def test_a_device_reaches_its_own_zone_and_neither_the_world_nor_the_host(site: Site) -> None:
    look = (
        "import socket,sys\n"
        "try:\n  socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()\n"
        "except OSError: print('no')\n"
        "else: print('yes')\n"
    )
    with socket.create_server(("0.0.0.0", 0)) as service:
        bridge = site.containers()["web"]["NetworkSettings"]["Networks"][f"{PROJECT}_pages"]["Gateway"]

        def reaches(host: str, port: int) -> bool:
            said = site.compose("exec", "-T", "hall_sensor", "python3", "-c", look, host, str(port))
            return said.strip() == "yes"

        broker = site.containers()["broker"]["NetworkSettings"]["Networks"][f"{PROJECT}_1-iiot"]["IPAddress"]
        assert reaches(broker, 1883)
        assert not reaches(bridge, service.getsockname()[1])
        assert not reaches("192.0.2.1", 80)


def test_the_pages_answer_on_loopback_and_the_first_link_opens_them(site: Site) -> None:
    url = f"http://127.0.0.1:{site.ports['USINE_PORT']}"
    with urllib.request.urlopen(f"{url}/login", timeout=10) as page:
        assert page.status == 200
    said = site.compose("logs", "--no-color", "web")
    link = re.search(rf"{url}/login/(\S+)", said)
    assert link is not None, said
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(link[0], timeout=10) as page:
        assert page.status == 200
        assert "/login" not in page.url
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{url}/login/not-a-link", timeout=10)
    site.compose("restart", "web")
    within(60, lambda: "web" in site.healthy(), every_s=1)
    again = re.findall(rf"{url}/login/\S+", site.compose("logs", "--no-color", "web"))
    assert again == [link[0]], "once there is an instructor, no further link is printed"


def test_the_supervisor_alone_reaches_the_engine(site: Site) -> None:
    for name, one in site.containers().items():
        sources = {mount["Destination"] for mount in one["Mounts"]}
        assert ("/var/run/docker.sock" in sources) is (name == "supervisor"), name
    found = site.compose(
        "exec", "-T", "web", "sh", "-c", "ls /var/run/docker.sock /run/docker.sock 2>&1 || true"
    )
    assert found.count("No such file") == 2


def test_the_pages_cannot_write_what_the_supervisor_believes_of_its_labs(site: Site) -> None:
    path = site.state / "run" / "mine.json"
    said = site.compose("exec", "-T", "web", "sh", "-c", f"touch {path} 2>&1 || true")
    assert "Read-only" in said
    assert not path.exists()


def test_what_is_written_nowhere_is_in_no_image_and_nothing_runs_as_root_but_what_drops_it(
    site: Site,
) -> None:
    roots = {name for name, one in site.containers().items() if one["Config"]["User"] in {"", "0", "root"}}
    assert roots == {"gateway", "guard"}
    for name in ("plc1", "supervisor", "web", "database"):
        said = site.compose("exec", "-T", name, "sh", "-c", "touch /here 2>&1 || true")
        assert "Read-only" in said, name


def test_a_lab_that_the_contained_supervisor_starts_becomes_green(site: Site) -> None:
    started = site.lab("start", "bottling", "--name", LAB, "--runtime", "docker-compact", "--seed", "3")
    assert (started["state"], started["runtime"]) == ("running", "docker-compact")

    def green() -> bool:
        seen = site.lab("status", LAB)
        return all(device["health"]["state"] == "ok" for device in seen["devices"])

    within(60, green, every_s=1)
    assert site.lab("status", LAB)["enforces_zones"] is True
    port = next(end["port"] for end in site.lab("endpoints", LAB) if end["device"] == "plc1")
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(10)
        client.sendall(READ_SET_POINT)
        assert client.recv(260)[7:9] == b"\x03\x04"


def test_a_device_keeps_what_it_was_told_over_its_container(site: Site) -> None:
    kept = "/data/plc1/kept"
    site.compose("exec", "-T", "plc1", "sh", "-c", f"echo yes > {kept}")
    site.compose("up", "-d", "--force-recreate", "--no-deps", "plc1")
    within(HEALTHY_S, lambda: "plc1" in site.healthy(), every_s=1)
    assert site.compose("exec", "-T", "plc1", "cat", kept).strip() == "yes"


def test_workstations_come_beside_the_rest(site: Site) -> None:
    site.compose("--profile", "workstation", "up", "-d")
    site.until_healthy(LINE | PLATFORM | WORKSTATIONS)
    said = site.compose("exec", "-T", "workstation-control", "nmap", "-sn", "-n", "127.0.0.1")
    assert "1 host up" in said


def test_down_removes_everything_the_labs_of_its_supervisor_too(site: Site) -> None:
    assert any(LAB in name for name in site.left())
    site.compose(*ALL, "down", "-v")
    assert site.left() == []
