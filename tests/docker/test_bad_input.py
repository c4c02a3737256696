"""What goes wrong with a real engine is said with a remedy, and leaves nothing on it."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.connection import SupervisorClient
from lab.paths import Paths
from lab.runtimes.docker.engine import API_VERSION, HOME, SOURCE, Engine, address
from lab.runtimes.docker.images import source_mark
from lab.runtimes.docker.settings import Settings, settings
from simulators.errors import UsineError
from tests.docker.left import networks_left
from tests.docker.short_line import short_line
from tests.lab.runtimes.fake_engine import FakeEngine, serving
from tests.waiting import within

pytestmark = pytest.mark.needs("docker")

DEAD = "usine-test-dead"


class Site:
    """A supervisor of its own, in an environment that is wrong in one thing."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(folder)
        self.process: subprocess.Popen[bytes] | None = None
        self._line = short_line(folder)

    @property
    def settings(self) -> Settings:
        return settings(self.paths.home)

    def refused(self, runtime: str = "docker", **environment: str) -> UsineError:
        """How a start is refused there."""
        self.paths.prepare()
        with self.paths.supervisor_log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab.supervisor"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "USINE_HOME": str(self.paths.home), **environment},
            )  # fmt: skip
        labs = SupervisorClient(self.paths)
        within(30, labs.running)
        with pytest.raises(UsineError) as error:
            labs.start(self._line, "bad", seed=1, runtime=runtime)
        assert [lab.name for lab in labs.list()] == []
        return error.value

    def left(self) -> list[str]:
        with Engine() as engine:
            labels = {HOME: self.settings.mark}
            return [seen.name for seen in engine.containers(labels)] + networks_left(engine, labels)

    def close(self) -> None:
        if self.process is not None:
            with contextlib.suppress(UsineError):
                SupervisorClient(self.paths).shutdown(labs=True)
            self.process.wait(60)


# A pool with room for one lab, outside of that of the labs that other tests start meanwhile.
ONE_BLOCK = "10.246.0.0/21"


@pytest.fixture
def site() -> Iterator[Site]:
    # Short, for a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ub") as folder:
        made = Site(Path(folder))
        yield made
        made.close()
        assert made.left() == []


@pytest.fixture
def api() -> Iterator[Any]:
    with contextlib.closing(docker.APIClient(base_url=address(), version=API_VERSION)) as made:
        yield made


@pytest.mark.parametrize("runtime", ["docker", "docker-compact"])
def test_no_engine(site: Site, runtime: str) -> None:
    error = site.refused(runtime, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert "le moteur de conteneurs ne répond pas sur unix:///nonexistent/docker.sock" in error.text.fr
    assert "start Docker, or check your rights on its socket; see 'lab doctor'" in error.text.en


def test_an_address_that_is_none(site: Site) -> None:
    error = site.refused(DOCKER_HOST="nonsense://x")
    assert "does not answer at nonsense://x" in error.text.en


def test_an_engine_that_is_too_old(site: Site) -> None:
    fake = FakeEngine()
    fake.version, fake.api = "19.03.15", "1.40"
    with serving(fake, site.paths.home / "e.sock") as url:
        error = site.refused(DOCKER_HOST=url)
        site.close()
    assert "19.03.15 is too old; Docker 20.10 or newer is needed" in error.text.en


def test_no_image(site: Site) -> None:
    error = site.refused(USINE_DOCKER_IMAGES="usine-never-built")
    assert "image usine-never-built-platform:latest is not there; build it: 'lab image'" in error.text.en


@pytest.fixture
def dead(api: Any) -> Iterator[Callable[[str], None]]:
    """Images of this version, but for the device's, which the function builds upon the true one."""
    real = settings(Path("unused"))
    for stage in ("platform", "workstation"):
        api.tag(real.image(stage), f"{DEAD}-{stage}", "latest")

    def build(lines: str) -> None:
        text = f"FROM {real.image('device')}\n{lines}\n"
        steps = list(
            api.build(fileobj=io.BytesIO(text.encode()), tag=f"{DEAD}-device:latest", decode=True, rm=True)
        )
        assert not any("error" in step for step in steps), steps

    yield build
    for stage in ("device", "platform", "workstation"):
        with contextlib.suppress(docker.errors.ImageNotFound):
            api.remove_image(f"{DEAD}-{stage}:latest", force=True)


def test_an_image_of_another_version(site: Site, dead: Callable[[str], None]) -> None:
    dead(f"LABEL {SOURCE}=0123456789abcdef")
    error = site.refused(USINE_DOCKER_IMAGES=DEAD)
    assert f"image {DEAD}-device:latest is of another version (0123456789abcdef)" in error.text.en
    assert "lab image" in error.text.fr


@pytest.mark.parametrize("runtime", ["docker", "docker-compact"])
def test_a_container_that_dies_at_its_start(site: Site, dead: Callable[[str], None], runtime: str) -> None:
    dead(
        f'LABEL {SOURCE}={source_mark("device")}\nENTRYPOINT ["sh", "-c", "echo the disk is on fire; exit 3"]'
    )
    error = site.refused(runtime, USINE_DOCKER_IMAGES=DEAD)
    assert "bad: the main container ends as soon as it starts: the disk is on fire" in error.text.en
    assert "s'arrête dès son démarrage" in error.text.fr


@pytest.mark.parametrize(
    ("pool", "en"),
    [("8.8.8.0/24", "not private"), ("here", "give a private IPv4 network"), ("10.9.0.0/24", "is too small")],
)
def test_a_pool_that_cannot_be(site: Site, pool: str, en: str) -> None:
    error = site.refused(USINE_DOCKER_POOL=pool)
    assert f"USINE_DOCKER_POOL={pool}" in error.text.fr
    assert en in error.text.en


def test_a_pool_that_is_exhausted(site: Site, api: Any) -> None:
    taken = docker.types.IPAMConfig(
        pool_configs=[docker.types.IPAMPool(subnet=ONE_BLOCK.replace("/21", "/24"))]
    )
    network = api.create_network("usine-test-taken", internal=True, ipam=taken)["Id"]
    try:
        error = site.refused(USINE_DOCKER_POOL=ONE_BLOCK)
    finally:
        api.remove_network(network)
    assert f"plus de sous-réseau libre dans {ONE_BLOCK} ; arrêtez des labos" in error.text.fr
    assert f"no free subnet left in {ONE_BLOCK}; stop labs" in error.text.en


def test_a_container_name_that_is_taken_by_another(site: Site, api: Any) -> None:
    name = f"usine-{site.settings.mark}-bad-scada"
    other = api.create_container(site.settings.image("device"), ["check"], name=name)["Id"]
    try:
        error = site.refused()
        assert api.inspect_container(other)["Name"] == f"/{name}", "it stays"
    finally:
        api.remove_container(other, force=True)
    assert f"{name} exists already on the container engine" in error.text.en
    assert f"docker rm -f {name}" in error.text.fr
