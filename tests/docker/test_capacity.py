"""The preflight and the doctor on a real engine."""

import json
from pathlib import Path

import pytest

from lab.capacity.engine import LAB_STAGES, look
from lab.catalog import find_line
from lab.cli.main import run
from lab.runtimes.docker.settings import settings

pytestmark = pytest.mark.needs("docker")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USINE_HOME", str(tmp_path))
    monkeypatch.setenv("LAB_LANG", "en")


def test_the_engine_is_described(tmp_path: Path) -> None:
    facts = look(settings(tmp_path), find_line("bottling"))
    assert facts.trouble is None
    assert facts.cgroups in {"1", "2"}
    assert len(facts.images) == len(LAB_STAGES)
    assert all(current for _name, _there, current in facts.images)
    assert facts.labs > 0


def test_a_few_labs_fit_and_a_pool_for_one_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["capacity", "--students", "1", "--runtime", "docker", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["enough"] is True
    monkeypatch.setenv("USINE_DOCKER_POOL", "10.245.0.0/21")
    assert run(["capacity", "--students", "2", "--runtime", "docker", "--json"]) == 1
    (subnets,) = [n for n in json.loads(capsys.readouterr().out)["needs"] if n["subject"] == "subnets"]
    assert (subnets["needed"], subnets["there"], subnets["enough"]) == (2, 1, False)


def test_an_image_of_another_name_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USINE_DOCKER_IMAGES", "usine-never-built")
    assert run(["capacity", "--students", "1", "--runtime", "docker-compact", "--json"]) == 1
    (images,) = [n for n in json.loads(capsys.readouterr().out)["needs"] if n["subject"] == "images"]
    assert images["there"] == 0
    assert "usine-never-built-device:latest" in images["remedy"]["en"]


def test_the_doctor_tells_of_engine_images_and_pool(capsys: pytest.CaptureFixture[str]) -> None:
    run(["doctor", "--json"])
    said = {row["subject"]: row for row in json.loads(capsys.readouterr().out)}
    assert said["engine"]["text"]["en"].startswith("Docker ")
    assert said["images"]["level"] == "ok"
    assert "room for" in said["subnets"]["text"]["en"]
