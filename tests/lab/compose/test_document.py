"""The compose file of the bottling line: what is in it, what never is."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from lab.catalog import find_line
from lab.cli.main import run
from lab.compose import line as of_line
from lab.compose.beside import beside_name
from lab.compose.document import document, placed, text
from lab.compose.service import USER
from lab.runtimes.docker.layout import layout
from lab.runtimes.docker.pool import DEFAULT_POOL
from simulators.errors import InputError

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
LINE = find_line("bottling")
POOL = DEFAULT_POOL
# Of a service, in docker-compose 1.29 (its compose_spec.json) and in the Compose Specification alike.
SERVICE_KEYS = {
    "<<", "cap_add", "cap_drop", "command", "cpus", "depends_on", "dns", "env_file", "environment", "group_add",
    "healthcheck", "hostname", "image", "logging", "mem_limit", "memswap_limit", "network_mode", "networks",
    "pids_limit", "ports", "profiles", "read_only", "restart", "security_opt", "shm_size", "stop_grace_period", "sysctls",
    "tmpfs", "ulimits", "user", "volumes",
}  # fmt: skip


def read() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(LINE, POOL, beside_name(FILE)))
    return found


SERVICES: dict[str, dict[str, Any]] = read()["services"]
LASTING = {name: service for name, service in SERVICES.items() if name != "guard"}


def test_the_file_of_the_project_is_what_the_command_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == text(LINE, POOL, beside_name(FILE)), (
        "write it again: lab compose bottling"
    )


def test_it_is_shown_without_writing_anything(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("USINE_DOCKER_POOL", raising=False)
    assert run(["compose", "bottling", "-o", "-"]) == 0
    assert capsys.readouterr().out == FILE.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == []


def test_each_device_and_the_plant_are_a_service_as_the_docker_runtime_has_them() -> None:
    here, subnets = placed(LINE, POOL)
    lab = layout(here, subnets["field"], "a secret", USER)
    networks = read()["networks"]
    for container in lab.containers:
        service = SERVICES[container.part]
        addresses = {name.partition("-")[2]: end["ipv4_address"] for name, end in service["networks"].items()}
        assert addresses == dict(container.networks)
        assert service["pids_limit"] == container.processes
        assert service["cpus"] == container.cpu_share
        assert service.get("cap_add", []) == list(container.rights)
    for number, network in enumerate(lab.networks):
        found = networks[of_line.network_name(number, network.key)]
        assert found["internal"] is True
        assert found["ipam"]["config"][0]["subnet"] == network.subnet
    names = [
        found["driver_opts"]["com.docker.network.bridge.name"]
        for found in networks.values()
        if "ipam" in found
    ]
    assert len(set(names)) == len(lab.networks)
    assert all(len(name) <= 15 for name in names), "the kernel takes no longer ones"


def test_the_gateway_alone_stands_in_several_zones_beside_what_leads_ports_in() -> None:
    zones = {
        name: len([n for n in s.get("networks", []) if n[0].isdigit() and n != "4-field"])
        for name, s in SERVICES.items()
    }
    assert {name for name, count in zones.items() if count > 1} == {"gateway", "ways"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == service["memswap_limit"]
    assert service["pids_limit"] > 0
    assert service["cpus"] > 0
    assert service["profiles"]
    assert service.keys() <= SERVICE_KEYS
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", LASTING)
def test_every_service_that_lasts_is_asked_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_the_supervisor_alone_has_the_engines_socket() -> None:
    with_it = {name for name, service in SERVICES.items() if "docker.sock" in str(service)}
    assert with_it == {"supervisor"}
    assert {name for name, s in SERVICES.items() if s.get("network_mode") == "host"} == {
        "supervisor",
        "guard",
    }


def test_the_pages_may_only_read_what_the_supervisor_believes() -> None:
    (state,) = SERVICES["web"]["volumes"]
    assert state.endswith(":ro")
    assert "/var/run" not in state


def test_no_secret_is_in_the_file() -> None:
    written = text(LINE, POOL, "./b")
    assert not re.search(r"[0-9a-f]{32}", written)
    assert "USINE_TOKEN" not in written
    assert "POSTGRES_PASSWORD" not in written
    assert set(re.findall(r"\./b/(\w+)\.env", written)) == {
        "database",
        "web",
        "plant",
        *(d.id for d in LINE.devices),
    }


def test_the_line_keeps_out_of_the_way_of_labs() -> None:
    _here, subnets = placed(LINE, "10.201.0.0/16")
    assert subnets["control"] == "10.201.248.0/24"
    assert subnets["field"] == "10.201.255.0/24"


def test_a_pool_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match=r"10\.201\.0\.0/24"):
        text(LINE, "10.201.0.0/24", "./b")


def test_a_device_that_is_called_like_a_service_of_the_platform_is_refused() -> None:
    devices = [msgspec.structs.replace(d, id="web" if d.id == "hall_sensor" else d.id) for d in LINE.devices]
    with pytest.raises(InputError, match="web"):
        document(msgspec.structs.replace(LINE, devices=devices), POOL, "./b")
