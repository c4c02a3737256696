"""A terminal on a real workstation: through the page of a trainee whose lab is in containers, and with `lab shell`."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Request, expect

from lab.cli.background import ensure_supervisor
from lab.connection import SupervisorClient
from lab.paths import Paths
from lab.training.contract import Person, Sitting
from simulators.errors import UsineError
from tests.chromium import Complaints, chromium
from tests.live.school import School, open_school
from tests.web.test_browser import DESKTOP, SCREENSHOTS

# What Chromium says of what it was loading when the machine's networks changed, as containers that start and end do. Pages
# ask again by themselves, or say it.
CUT = "net::ERR_NETWORK_CHANGED"
NEEDED = {"document", "script", "stylesheet"}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.needs("docker", "chromium"),
    pytest.mark.timeout(400),
]


@dataclass(frozen=True)
class Site:
    """A school whose labs are in containers, with one that runs."""

    paths: Paths
    labs: SupervisorClient
    school: School
    person: Person
    sitting: Sitting

    def address(self, device: str) -> str:
        """Of the device in its zone: each lab in containers has its own subnets."""
        with self.labs.attach(self.sitting.lab) as lab:
            devices = lab.request("describe")["devices"]
        return str(next(next(iter(d["interfaces"].values())) for d in devices if d["id"] == device))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Short, for a Unix socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="ue") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("USINE_RUNTIME", "docker")
        paths = Paths(Path(folder))
        process = ensure_supervisor(paths)
        assert process is not None
        labs = SupervisorClient(paths)
        try:
            with open_school(labs, paths.home) as school:
                person = school.training.people.add("zoe", "Zoé")
                opened = school.training.sittings.open(person, "opcua-hardening")
                sitting = school.training.sittings.start_lab(opened.id, person)
                yield Site(paths, labs, school, person, sitting)
        finally:
            with contextlib.suppress(UsineError):
                labs.shutdown(labs=True)
            process.wait(60)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext, site: Site) -> Iterator[Page]:
    """Zoé's exercise, its terminal panel shown; fails on what the console complains of."""
    complaints = Complaints()
    page = browser.new_page()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    complaints.provoke(CUT)
    complaints.hear(page, site.school.origin)
    origin, people = site.school.origin, site.school.training.people
    uncut(page, lambda: page.goto(f"{origin}/login/{people.link(site.person).token}?lang=en"))
    uncut(page, lambda: page.goto(f"{origin}/sittings/{site.sitting.id}?lang=en"))
    expect(page.locator("#bench > [inert]")).to_have_count(0)
    page.locator("#tab-terminal").click()
    yield page
    page.close()
    assert not complaints.left


def uncut(page: Page, load: Callable[[], object]) -> None:
    """Load, again where the machine's networks changed meanwhile: of the page's own modules nobody asks a second time."""
    for _ in range(20):
        cut: list[str] = []

        def failed(request: Request, cut: list[str] = cut) -> None:
            if CUT in (request.failure or "") and request.resource_type in NEEDED:
                cut.append(request.url)

        page.on("requestfailed", failed)
        try:
            load()
        except Error as error:
            if CUT not in str(error):
                raise
            cut.append(str(error))
        page.remove_listener("requestfailed", failed)
        if not cut:
            return
    raise AssertionError(f"the machine's networks changed at each of twenty loads: {cut}")


def opened(page: Page) -> None:
    page.locator("#terminal-open").click()
    expect(page.locator("#terminal-state")).to_contain_text("Open on the workstation", timeout=90_000)
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile("[#$]"), timeout=30_000)


def run(page: Page, command: str, shows: str) -> None:
    page.locator(".xterm-screen").click()
    page.keyboard.type(command)
    page.keyboard.press("Enter")
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile(shows), timeout=60_000)


def test_a_trainee_works_on_the_workstation_of_their_lab(page: Page, site: Site) -> None:
    assert site.sitting.runtime == "docker"
    opened(page)
    run(page, "echo x$((6*7))x", "x42x")
    run(page, "clear; stty size | tr ' ' x | sed s/^/w/", r"w\d+x\d+")
    run(page, "clear; echo uid$(id -u)", r"uid[1-9]\d*")
    plc1 = site.address("plc1")
    run(page, f"clear; nmap -Pn -sT -p 502 {plc1} | grep -o '502/tcp *open'", r"502/tcp +open(?!')")
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / "terminal-docker.png")
    uncut(page, page.reload)
    expect(page.locator(".xterm-rows")).to_contain_text("502/tcp")
    run(page, "clear; exit", "exit")
    expect(page.locator("#terminal-state")).to_contain_text("The shell has ended")


def test_the_same_with_lab_shell(site: Site) -> None:
    def shell(*more: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        code = "import sys; from lab.cli.main import run; sys.exit(run(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", code, "shell", site.sitting.lab, *more], input=typed, capture_output=True, text=True,
            timeout=120, env={**os.environ, "USINE_HOME": str(site.paths.home), "LAB_LANG": "en"},
        )  # fmt: skip

    done = shell("--zone", "supervision", typed="echo a$((6*7)); ip -4 addr\n")
    assert done.returncode == 0, done.stderr
    assert "a42" in done.stdout
    assert site.address("scada").rpartition(".")[0] in done.stdout
    assert "zone supervision" in done.stdout
    refused = shell("-c", "id")
    assert refused.returncode == 1
    assert "standard input" in refused.stderr
    nowhere = shell("--zone", "moon")
    assert nowhere.returncode != 0
    assert "moon" in nowhere.stderr


def test_a_workstation_that_dies_and_a_lab_that_is_stopped_are_said(page: Page, site: Site) -> None:
    from lab.runtimes.docker.settings import settings

    opened(page)
    _kill(f"usine-{settings(site.paths.home).mark}-{site.sitting.lab}-workstation-control")
    expect(page.locator("#terminal-state")).to_contain_text("The workstation has ended", timeout=30_000)
    page.locator("#terminal-screen").click()
    expect(page.locator("#terminal-state")).to_contain_text("Open on the workstation", timeout=90_000)
    run(page, "echo ba''ck", "back")
    site.labs.stop(site.sitting.lab)
    expect(page.locator("#terminal-state")).to_contain_text("The lab has been stopped", timeout=90_000)


def _kill(container: str) -> None:
    import docker

    from lab.runtimes.docker.engine import address

    with contextlib.closing(docker.APIClient(base_url=address())) as engine:
        engine.kill(container)
