"""What a line is made of in containers: addresses, rights, secrets; and what its images are made of."""

import ipaddress
import json
import tarfile
from pathlib import Path

import msgspec
import pytest

from lab.catalog import find_line
from lab.runtimes.docker import images
from lab.runtimes.docker.images import _context, source_mark
from lab.runtimes.docker.layout import (
    FEED,
    FIELD,
    PLANT,
    ROUTE_RIGHTS,
    ROUTER_HOST,
    ROUTER_RIGHTS,
    WORKSTATION_RIGHTS,
    LabLayout,
    bus_address,
    compact_layout,
    layout,
    tap_layout,
    ways_layout,
    with_route,
    workstation_layout,
)
from lab.runtimes.docker.seccomp import FORBIDDEN_NAMESPACES, profile
from lab.runtimes.docker.settings import settings
from simulators.errors import InputError
from simulators.host.bus import TOKEN_VARIABLE, part_token
from simulators.host.router import ROUTER_VARIABLE
from simulators.network import linux
from simulators.network.feed import FEED_VARIABLE, tap_token

LINE = find_line("bottling")
USER, SECRET, FIELD_SUBNET = "1000:1000", "a secret of the lab", "10.201.7.0/24"
LAB = layout(LINE, FIELD_SUBNET, SECRET, USER)


def test_there_is_a_container_for_the_plant_and_each_device_and_a_network_for_each_zone() -> None:
    assert [c.part for c in LAB.containers] == [PLANT, *(device.id for device in LINE.devices)]
    assert [n.key for n in LAB.networks] == [*(zone.id for zone in LINE.zones), FIELD], "zones first"
    assert {n.key: n.router for n in LAB.networks} == {**LINE.device("gateway").interfaces, FIELD: None}


def test_devices_have_the_lines_addresses_and_the_gateway_one_beside_them() -> None:
    for device in LINE.devices:
        networks = dict(LAB.container(device.id).networks)
        field = networks.pop(FIELD)
        assert ipaddress.IPv4Address(field) in ipaddress.IPv4Network(FIELD_SUBNET)
        if device.kind == "gateway":
            assert {a.rpartition(".")[2] for a in networks.values()} == {str(ROUTER_HOST)}
        else:
            assert networks == device.interfaces


def test_no_address_is_given_twice() -> None:
    extra = [workstation_layout(LINE, zone.id, USER) for zone in LINE.zones]
    ways = ways_layout(LINE)
    assert ways is not None
    given = [(key, a) for c in [*LAB.containers, *extra, ways] for key, a in c.networks.items()]
    given += [(n.key, n.bridge) for n in LAB.networks] + [(n.key, n.router) for n in LAB.networks if n.router]
    assert len(given) == len(set(given))


def test_only_the_gateway_begins_with_rights_and_each_container_is_limited() -> None:
    assert {c.part: c.rights for c in LAB.containers if c.rights} == {"gateway": ROUTER_RIGHTS}
    assert {c.part for c in LAB.containers if c.root} == {"gateway"}
    for container in (*LAB.containers, *compact_layout(USER).containers):
        assert 64 << 20 <= container.memory_bytes <= 256 << 20
        assert 0 < container.cpu_share <= 1
        assert 16 <= container.processes <= 64
    assert not any(c.own_namespaces for c in LAB.containers)


def test_each_part_has_its_own_token_and_nobody_the_secret() -> None:
    tokens = {c.part: c.environment[TOKEN_VARIABLE] for c in LAB.containers if c.part != PLANT}
    assert tokens == {part: part_token(SECRET, part) for part in tokens}
    assert len(set(tokens.values())) == len(tokens)
    assert SECRET not in repr(LAB)
    assert all(
        c.environment["USINE_BUS"] == bus_address(FIELD_SUBNET) for c in LAB.containers if c.part != PLANT
    )


def test_a_tap_knows_where_the_gateway_is_and_no_more_than_a_tap_may() -> None:
    tap = tap_layout(LINE, "iiot", "usine-bridge", SECRET, USER)
    assert tap is not None
    assert (tap.networks, tap.rights, tap.on_host, tap.feed) == ({}, WORKSTATION_RIGHTS, True, "ro")
    assert tap.environment["USINE_FEED"] == LAB.container("gateway").environment["USINE_FEED"] == FEED
    assert (tap.environment["USINE_ZONE"], tap.environment["USINE_BRIDGE"]) == ("iiot", "usine-bridge")
    assert tap.environment[TOKEN_VARIABLE] == tap_token(part_token(SECRET, "gateway"))
    bare = msgspec.structs.replace(LINE, devices=[d for d in LINE.devices if d.kind != "gateway"])
    assert tap_layout(bare, "iiot", "usine-bridge", SECRET, USER) is None


def test_hosts_on_overlays_set_their_route_and_the_gateway_has_the_routers_address() -> None:
    spread = layout(LINE, FIELD_SUBNET, "secret", "1000:1000", spread=True)
    whole = layout(LINE, FIELD_SUBNET, "secret", "1000:1000")
    assert [c.part for c in spread.containers] == [c.part for c in whole.containers]
    gateway = spread.container("gateway")
    assert {zone: gateway.networks[zone] for zone in LINE.device("gateway").interfaces} == LINE.device(
        "gateway"
    ).interfaces
    assert not gateway.feed
    assert FEED_VARIABLE not in gateway.environment
    for device in LINE.devices:
        container = spread.container(device.id)
        assert container.networks[FIELD] == whole.container(device.id).networks[FIELD]
        if device.kind != "gateway":
            router = LINE.device("gateway").interfaces[device.zone]
            assert container.environment[ROUTER_VARIABLE] == router
            assert (container.root, container.rights) == (True, ROUTE_RIGHTS)
    assert spread.container(PLANT) == whole.container(PLANT)


def test_a_workstation_on_an_overlay_keeps_its_own_rights_beside() -> None:
    spread = layout(LINE, FIELD_SUBNET, "secret", "1000:1000", spread=True)
    made = with_route(workstation_layout(LINE, "iiot", "1000:1000"), spread)
    assert set(made.rights) == {*WORKSTATION_RIGHTS, *ROUTE_RIGHTS}
    assert made.environment[ROUTER_VARIABLE] == LINE.device("gateway").interfaces["iiot"]


def test_ways_lead_each_port_to_its_device() -> None:
    ways = ways_layout(LINE)
    assert ways is not None
    assert ways.environment == {"USINE_WAYS": "502=10.20.1.10:502 4840=10.20.1.11:4840 1883=10.20.2.10:1883"}
    assert ways.networks == {"control": "10.20.1.252", "iiot": "10.20.2.252"}
    twice = [msgspec.structs.replace(d, port=502 if d.port else None) for d in LINE.devices]
    more = ways_layout(msgspec.structs.replace(LINE, devices=twice))
    assert more is not None
    assert more.environment["USINE_WAYS"].startswith("502=10.20.1.10:502 503=10.20.1.11:502 504=")
    none = [msgspec.structs.replace(d, port=None) for d in LINE.devices]
    assert ways_layout(msgspec.structs.replace(LINE, devices=none)) is None


def test_a_line_in_one_container_has_no_network_and_may_make_its_own() -> None:
    lab: LabLayout = compact_layout(USER)
    (line,) = lab.containers
    assert (lab.networks, line.networks, line.rights, line.root) == ((), {}, (), False)
    assert line.own_namespaces


def test_the_filter_of_system_calls_allows_user_and_network_namespaces_and_no_other_way_to_more() -> None:
    rules = json.loads(profile())["syscalls"]
    refused = {name for rule in rules if rule["action"] == "SCMP_ACT_ERRNO" for name in rule["names"]}
    assert {"mount", "ptrace", "bpf", "clone3", "open_by_handle_at", "init_module", "keyctl"} <= refused
    for call in ("unshare", "setns"):
        kinds = {
            rule["args"][0]["value"]
            for rule in rules
            if rule["names"] == [call] and rule["action"] == "SCMP_ACT_ERRNO"
        }
        assert kinds - {0} == set(FORBIDDEN_NAMESPACES)
        assert not kinds & {linux.NEWUSER, linux.NEWNET}


def test_settings_come_from_the_environment_or_are_refused(tmp_path: Path) -> None:
    chosen = settings(tmp_path, {"USINE_DOCKER_IMAGES": "mine", "USINE_DOCKER_WORKERS": "8"})
    assert (chosen.image("device"), chosen.workers) == ("mine-device:latest", 8)
    assert chosen.mark != settings(tmp_path / "other", {}).mark
    assert not chosen.user.startswith("0:"), "never root"
    for workers in ("0", "33", "many", "-1"):
        with pytest.raises(InputError, match="USINE_DOCKER_WORKERS"):
            settings(tmp_path, {"USINE_DOCKER_WORKERS": workers})


def test_a_build_is_given_named_files_and_sources_alike_for_everybody(tmp_path: Path) -> None:
    folder = images.project_folder()
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    with tarfile.open(fileobj=_context(folder, bundle)) as archive:
        entries = {entry.name: entry for entry in archive}
    assert {"Dockerfile", "authority.pem", "lab/compose/database.sh", "simulators/model.py"} <= entries.keys()
    tops = {name.partition("/")[0] for name in entries}
    assert not tops & {".git", ".venv", ".env", "docker-compose.d", "tests", "docs"}
    assert not any(
        name.endswith(".pyc") or "__pycache__" in name or "node_modules" in name for name in entries
    )
    ours = [entry for name, entry in entries.items() if name.startswith("simulators/")]
    assert {(entry.uid, entry.gid, entry.mtime) for entry in ours} == {(0, 0, 0)}
    with pytest.raises(InputError) as error:
        _context(folder, tmp_path / "none.pem")
    assert "none.pem" in error.value.text.fr


def test_an_images_mark_is_that_of_the_code_in_it() -> None:
    marks = {stage: source_mark(stage) for stage in images.STAGES}
    assert marks["device"] == marks["workstation"] != marks["platform"]
    assert all(len(mark) == 16 for mark in marks.values())
