"""What `lab compose` writes beside its file."""

import stat
from pathlib import Path

import msgspec
import pytest

from lab.catalog import find_line
from lab.cli.main import run
from lab.compose.beside import Machine, machine, write
from lab.compose.document import placed
from simulators.host.bus import TOKEN_VARIABLE, part_token
from simulators.host.plan import Plan, with_secrets
from simulators.model import load_line
from web.serve import secret_key

LINE = find_line("bottling")
POOL = "10.201.0.0/16"


def variables(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())


HERE = Machine(machine({}).owner, "/run/x.sock", 7, POOL, "mine")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "docker-compose.yml"
    write(LINE, made, HERE)
    return made


def test_secrets_are_their_owners_alone(file: Path) -> None:
    folder = file.parent / "docker-compose.d"
    found = [*folder.glob("*.env"), file.parent / ".env"]
    assert len(found) == len(LINE.devices) + 4
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_device_has_the_token_that_the_plant_knows_it_by(file: Path) -> None:
    folder = file.parent / "docker-compose.d"
    bare = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    assert (bare.token, bare.bus_secret) == ("", "")
    plan = with_secrets(bare, variables(folder / "plant.env"))
    assert len(plan.token) == len(plan.bus_secret) == 64
    for device in LINE.devices:
        assert variables(folder / f"{device.id}.env") == {
            TOKEN_VARIABLE: part_token(plan.bus_secret, device.id)
        }


def test_the_pages_know_the_databases_password(file: Path) -> None:
    folder = file.parent / "docker-compose.d"
    password = variables(folder / "database.env")["POSTGRES_PASSWORD"]
    assert f":{password}@database/" in variables(folder / "web.env")["USINE_DATABASE"]


def test_what_signs_the_pages_sessions_is_there_for_pages_that_may_only_read(file: Path) -> None:
    run = file.parent / "docker-compose.d" / "state" / "run"
    made = (run / "web.secret").read_text()
    assert stat.S_IMODE((run / "web.secret").stat().st_mode) == 0o600
    assert secret_key(run) == made
    write(LINE, file, HERE)
    assert (run / "web.secret").read_text() == made


def test_the_line_is_at_its_addresses_and_its_container_can_read_it(file: Path) -> None:
    folder = file.parent / "docker-compose.d" / "line"
    assert {d.id: d.interfaces for d in load_line(folder / "line.yaml").devices} == {
        d.id: d.interfaces for d in placed(LINE, POOL)[0].devices
    }
    for path in folder.rglob("*"):
        assert path.stat().st_mode & stat.S_IROTH, path


def test_written_again_secrets_stay_and_so_does_what_a_person_said(file: Path) -> None:
    folder = file.parent / "docker-compose.d"
    before = {path.name: path.read_text() for path in folder.glob("*.env")}
    environment = file.parent / ".env"
    environment.write_text("COMPOSE_PROFILES=line\nUSINE_PORT=9000\nUSINE_DOCKER_POOL=10.9.0.0/16\n")
    write(LINE, file, HERE)
    assert {path.name: path.read_text() for path in folder.glob("*.env")} == before
    said = variables(environment)
    assert (said["COMPOSE_PROFILES"], said["USINE_PORT"]) == ("line", "9000")
    assert said["USINE_DOCKER_POOL"] == POOL, "the file was written for it"
    assert said["USINE_POSTGRES_IMAGE"] == "mine-database:latest"


def test_the_engines_socket_is_that_of_the_environment(tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    found = machine({"DOCKER_HOST": f"unix://{socket}"})
    assert (found.socket, found.group) == (str(socket), socket.stat().st_gid)
    assert machine({"DOCKER_HOST": "tcp://192.0.2.1:2376"}).socket == "/var/run/docker.sock"


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_LANG", "en")
    assert run(["compose", "bottling", "-o", str(tmp_path / "file" / "c.yml")]) == 1
    assert "give another file with -o" in capsys.readouterr().err
