"""What is in the images that are built, and what never is."""

import contextlib
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.catalog import line_names
from lab.runtimes.docker.engine import API_VERSION, address
from lab.runtimes.docker.settings import settings

pytestmark = pytest.mark.needs("docker")

# Of whole Python installations and tools, which would make any word appear.
SYSTEM = ("usr/lib/", "usr/share/", "opt/venv/", "proc/", "sys/", "var/lib/dpkg/")
SECRETS = (".env", "web.secret", "supervisor.token", "usine-ecole.sqlite", "id_rsa", "authority.pem")
WORDS = (
    b"usine-ecole/exercise/v1",
    b"rogue_master",
    b"server_secret",
    b"BEGIN PRIVATE KEY",
    b"BEGIN RSA PRIVATE",
)
LIMIT_BYTES = 1 << 20


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    with contextlib.closing(docker.APIClient(base_url=address(), version=API_VERSION)) as made:
        yield made


def files(api: Any, stage: str) -> dict[str, bytes]:
    """Every file of ours in an image, with its beginning."""
    made = api.create_container(settings(Path("unused")).image(stage), ["check"])["Id"]
    try:
        with tempfile.TemporaryFile() as packed:
            for part in api.export(made):
                packed.write(part)
            packed.seek(0)
            with tarfile.open(fileobj=packed) as archive:
                found = {}
                for entry in archive:
                    if not entry.name.startswith(SYSTEM):
                        read = archive.extractfile(entry) if entry.isfile() else None
                        found[entry.name] = read.read(LIMIT_BYTES) if read else b""
                return found
    finally:
        api.remove_container(made, force=True)


@pytest.mark.parametrize("stage", ["device", "workstation"])
def test_a_labs_image_has_no_answer_no_exercise_and_no_secret(api: Any, stage: str) -> None:
    found = files(api, stage)
    assert "opt/usine/simulators/model.py" in found
    ours = {name.split("/")[2] for name in found if name.startswith("opt/usine/") and name.count("/") > 1}
    assert ours - {"opcua-base.bin", "st-tables.bin"} == {"simulators"}, "no lab, no scenarios, no web"
    names = {Path(name).name for name in found}
    assert not names & {"exercise.yaml", "brief.en.md", "brief.fr.md", "solutions", "scenarios", "exercises"}
    assert not names & set(SECRETS)
    for line in line_names():
        assert line not in names, "a line comes with its lab"
    for name, content in found.items():
        for word in WORDS:
            assert word not in content, f"{name}: {word!r}"


@pytest.mark.parametrize(
    ("stage", "user"),
    [("device", "usine"), ("workstation", "usine"), ("platform", "usine"), ("database", "postgres")],
)
def test_an_image_is_an_ordinary_users_and_says_what_it_is(api: Any, stage: str, user: str) -> None:
    config = api.inspect_image(settings(Path("unused")).image(stage))["Config"]
    assert config["User"] == user
    assert config["Labels"]["org.usine-ecole.role"] == "image"
    assert not any("SECRET" in word or "PASSWORD" in word for word in config["Env"])
    if stage in {"device", "database"}:
        assert config["Healthcheck"]["Test"][0] == "CMD"


def test_the_look_sees_what_is_there_to_be_seen(api: Any) -> None:
    found = files(api, "platform")
    assert {"exercise.yaml", "brief.fr.md", "bottling"} <= {Path(name).name for name in found}
    everything = b"".join(content for name, content in found.items() if name.startswith("opt/usine/"))
    assert all(word in everything for word in WORDS if b"PRIVATE" not in word)
