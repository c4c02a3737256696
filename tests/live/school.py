"""The pages over real labs and the real engine, and a person at a screen who works on an exercise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect
from waitress import wasyncore

import hatch_build
from lab.connection import SupervisorClient
from lab.exercises.catalog import exercise
from lab.labs import Connection
from lab.paths import Paths
from lab.training.contract import Person, Sitting
from lab.training.service import Training, open_training
from tests.chromium import Complaints
from tests.waiting import within
from tests.web.slowness import slowed
from tests.web.test_browser import SCREENSHOTS
from web.app import create_app
from web.serve import make_server
from web.settings import Settings

ROOT = Path(__file__).resolve().parents[2]

# A quick lab is there, and the list of what starts gone, before anybody looks: the page keeps what it listed.
STARTED = """addEventListener("DOMContentLoaded", () => {
  const list = document.getElementById("start-devices");
  if (list) new MutationObserver(() => sessionStorage.setItem("started", list.textContent)).observe(list, { childList: true, subtree: true });
});"""


@dataclass(frozen=True)
class School:
    """Where the pages are, and what is behind them."""

    origin: str
    training: Training


@contextmanager
def open_school(labs: SupervisorClient, home: Path) -> Iterator[School]:
    """Serve until the block ends."""
    hatch_build.compile_catalogues(ROOT)
    training = open_training(Paths(home), labs)
    settings = Settings(
        labs, training.people, training.sittings, training.cohorts, training.classroom, "secret"
    )
    server = make_server(slowed(create_app(settings)), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield School(f"http://127.0.0.1:{server.effective_port}", training)
    finally:
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(timeout=10)
        server.task_dispatcher.shutdown()


@dataclass(frozen=True)
class Reader:
    """A person at a screen, and the words they read."""

    language: str
    size: tuple[int, int]
    words: dict[str, str]


@contextmanager
def seated(
    school: School, labs: SupervisorClient, browser: BrowserContext, name: str, reader: Reader
) -> Iterator[tuple[Page, Person]]:
    """A page for a new person; fails on a console error. Their labs end with it."""
    person = school.training.people.add(f"{name}-{reader.language}", name.title())
    complaints = Complaints()
    page = browser.new_page()
    page.set_viewport_size({"width": reader.size[0], "height": reader.size[1]})
    complaints.hear(page, school.origin)
    try:
        yield page, person
        assert page.evaluate("document.documentElement.scrollWidth") <= reader.size[0]
    finally:
        page.close()
        for mine in school.training.sittings.of(person):
            labs.stop(mine.lab)
    assert not complaints.left


def choose_and_start(page: Page, school: School, person: Person, reader: Reader, device: str) -> Sitting:
    """From the link to the lab that runs; `device` is one of those that were seen to start."""
    page.add_init_script(STARTED)
    page.goto(f"{school.origin}/login/{school.training.people.link(person).token}?lang={reader.language}")
    card = page.locator(".card", has_text=reader.words["title"])
    card.get_by_role("button", name=reader.words["begin"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(reader.words["title"])
    expect(page.locator("#check")).to_be_disabled()
    page.locator("#start").click()
    expect(page.locator("#panel-line")).to_be_visible(timeout=60_000)
    assert device in page.evaluate("sessionStorage.getItem('started') ?? ''")
    expect(page.locator("#banner")).to_be_hidden()
    (sitting,) = school.training.sittings.of(person)
    return sitting


def hurry(school: School, sitting: Sitting, lab: Connection, speed: float) -> None:
    """Once the line is warm, and nothing changes its speed any more: its time passes at `speed`."""
    within(60, lambda: _warmed(school, sitting.id))
    lab.request("speed", speed=speed)
    warm_up_s = exercise(sitting.exercise).setup.warm_up_s
    # The plant itself has reached its production, however busy this machine is.
    within(60, lambda: bool(lab.request("snapshot")["t_s"] > warm_up_s))


def _warmed(school: School, sitting_id: int) -> bool:
    events = school.training.sittings.timeline(sitting_id)
    return any(event.data.get("what") == "warmed" for event in events)


def write(page: Page, editor: str, text: str) -> None:
    """In place of what the editor (`rules`, `configuration`) holds."""
    expect(page.locator(f"#{editor}-editor:not([inert])")).to_be_visible()
    content = page.locator(f"#{editor}-editor .cm-content, #{editor}-editor textarea")
    content.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def configure(page: Page, reader: Reader, device: str, text: str) -> None:
    """Write and apply, on the tab of configurations."""
    chooser = page.locator("#configuration-device")
    if chooser.input_value() == device and page.locator("#configuration-discard").is_visible():
        page.locator("#configuration-discard").click()
        expect(page.locator("#configuration-discard")).to_be_hidden()
    chooser.select_option(device)
    write(page, "configuration", text)
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-state")).to_contain_text(reader.words["applied"])


def check(page: Page) -> None:
    """Ask until the line is warm and the cool-down over."""
    button: Locator = page.locator("#check")
    for _ in range(20):
        expect(button).to_be_enabled(timeout=60_000)
        button.click()
        expect(page.locator("#check-progress")).to_be_hidden(timeout=150_000)
        if not page.locator("#check-problem").is_visible():
            return
        page.wait_for_timeout(1000)
    raise AssertionError(page.locator("#check-problem").text_content())


def picture(page: Page, reader: Reader, name: str) -> None:
    """For a person to look at, where a folder is given for it."""
    if SCREENSHOTS:
        page.screenshot(
            path=Path(SCREENSHOTS) / f"{name}-{reader.language}-{reader.size[0]}.png", full_page=True
        )
