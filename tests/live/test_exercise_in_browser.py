"""A trainee follows the OPC UA hardening from the link to 100, in Chromium, in French on a desktop and in English on a phone."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from waitress import wasyncore

import hatch_build
from lab.connection import SupervisorClient
from lab.exercises.catalog import exercise
from lab.exercises.folder import file_text
from lab.labs import Connection
from lab.paths import Paths
from lab.training.contract import Person
from lab.training.service import Training, open_training
from tests.conftest import NAMES
from tests.live.conftest import within
from tests.web.test_browser import ARGUMENTS, DESKTOP, PHONE, SCREENSHOTS
from web.serve import make_server
from web.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.needs("namespaces")]
ROOT = Path(__file__).resolve().parents[2]
ID = "opcua-hardening"
FAST = 5.0
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class School:
    """The pages over a real database, real labs and the real engine."""

    origin: str
    training: Training


@pytest.fixture(scope="module")
def school(labs: SupervisorClient, home: Path) -> Iterator[School]:
    hatch_build.compile_catalogues(ROOT)
    training = open_training(Paths(home), labs)
    settings = Settings(
        labs, training.people, training.sittings, training.cohorts, training.classroom, "secret"
    )
    server = make_server(settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield School(f"http://127.0.0.1:{server.effective_port}", training)
    with suppress(OSError):
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(timeout=10)
    server.task_dispatcher.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    program = next(found for name in NAMES["chromium"] if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=program, args=ARGUMENTS, locale="en-GB"
        )
        context.set_default_timeout(20_000)
        yield context
        context.close()


@dataclass(frozen=True)
class Reader:
    """A person at a screen, and the words they read."""

    language: str
    size: tuple[int, int]
    words: dict[str, str]


FRENCH = Reader(
    "fr",
    DESKTOP,
    {
        "begin": "Commencer",
        "title": "Durcir le serveur OPC UA",
        "applied": "Appliqué",
        "hint": "Indice 1",
        "out": "sur 100",
    },
)
ENGLISH = Reader(
    "en",
    PHONE,
    {
        "begin": "Begin",
        "title": "Harden the OPC UA server",
        "applied": "Applied",
        "hint": "Hint 1",
        "out": "out of 100",
    },
)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("reader", [FRENCH, ENGLISH], ids=["fr-1280", "en-390"])
def test_from_the_link_to_one_hundred(
    school: School, labs: SupervisorClient, browser: BrowserContext, reader: Reader
) -> None:
    person = school.training.people.add(f"zoe-{reader.language}", "Zoé")
    failures: list[str] = []
    page = browser.new_page()
    page.set_viewport_size({"width": reader.size[0], "height": reader.size[1]})
    page.on("console", lambda m: failures.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: failures.append(str(error)))
    try:
        _choose_and_start(page, school, person, reader)
        (sitting,) = school.training.sittings.of(person)
        with labs.attach(sitting.lab) as lab:
            within(60, lambda: _warmed(school, sitting.id))
            lab.request("speed", speed=FAST)
            within(60, lambda: _hot(lab))
            _fail_first(page, reader)
            _take_a_hint(page, reader)
            _harden(page, reader, sitting.parameters)
            _reach_one_hundred(page, reader)
        _find_everything_again(page, reader)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= reader.size[0]
        _picture(page, reader, "100")
    finally:
        page.close()
        for mine in school.training.sittings.of(person):
            labs.stop(mine.lab)
    # The first refused check comes back as an answer that the browser notes.
    assert not failures


def _choose_and_start(page: Page, school: School, person: Person, reader: Reader) -> None:
    page.goto(f"{school.origin}/login/{school.training.people.link(person).token}?lang={reader.language}")
    card = page.locator(".card", has_text=reader.words["title"])
    card.get_by_role("button", name=reader.words["begin"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(reader.words["title"])
    expect(page.locator("#check")).to_be_disabled()
    page.locator("#start").click()
    expect(page.locator("#start-devices li", has_text="plc2")).to_be_visible()
    expect(page.locator("#panel-line")).to_be_visible(timeout=60_000)
    expect(page.locator("#banner")).to_be_hidden()


def _warmed(school: School, sitting_id: int) -> bool:
    """Whether the line's warm-up is over: nothing changes its speed any more."""
    events = school.training.sittings.timeline(sitting_id)
    return any(event.data.get("what") == "warmed" for event in events)


def _hot(lab: Connection) -> bool:
    """Whether the plant itself has reached its production, however busy this machine is."""
    return bool(lab.request("snapshot")["t_s"] > exercise(ID).setup.warm_up_s)


def _fail_first(page: Page, reader: Reader) -> None:
    _check(page)
    expect(page.locator(".step").first).to_have_attribute("data-outcome", "fail")
    expect(page.locator("#score")).to_have_text("0")
    first = page.locator(".step").first.locator(".verdicts > li[data-outcome='fail']").first
    first.locator("summary").click()
    expect(first.locator(".evidence").first).to_contain_text("opcua.")
    _picture(page, reader, "failing")


def _take_a_hint(page: Page, reader: Reader) -> None:
    page.locator("#hint-channel").click()
    page.locator("#confirm-yes").click()
    expect(page.locator('[data-step="channel"] .clue')).to_contain_text(reader.words["hint"])


def _harden(page: Page, reader: Reader, parameters: dict[str, object]) -> None:
    known = exercise(ID)
    page.locator("#tab-configuration").click()
    _apply(page, reader, "scada", file_text(known, "solutions/scada.yaml", parameters))
    page.locator("#tab-lab").click()
    detail = page.locator('[data-device="scada"] .detail')
    expect(detail).to_contain_text("sha256:", timeout=30_000)
    found = FINGERPRINT.search(detail.text_content() or "")
    assert found
    text = file_text(known, "solutions/plc2.yaml", parameters).replace("SCADA-FINGERPRINT", f'"{found[0]}"')
    page.locator("#tab-configuration").click()
    _type(page, "plc2", text.replace("anonymous: denied", "anonymous: maybe"))
    expect(page.locator("#configuration-problem")).to_contain_text("anonymous")
    _apply(page, reader, "plc2", text)
    page.locator("#tab-lab").click()
    expect(page.locator('[data-device="scada"]')).to_have_attribute("data-health", "ok", timeout=30_000)


def _type(page: Page, device: str, text: str) -> None:
    page.locator("#configuration-device").select_option(device)
    expect(page.locator("#configuration-editor:not([inert])")).to_be_visible()
    content = page.locator("#configuration-editor .cm-content, #configuration-editor textarea")
    content.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def _apply(page: Page, reader: Reader, device: str, text: str) -> None:
    if (
        page.locator("#configuration-device").input_value() == device
        and page.locator("#configuration-discard").is_visible()
    ):
        page.locator("#configuration-discard").click()
        expect(page.locator("#configuration-discard")).to_be_hidden()
    _type(page, device, text)
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-state")).to_contain_text(reader.words["applied"])


def _reach_one_hundred(page: Page, reader: Reader) -> None:
    _check(page)
    expect(page.locator("#score")).to_have_text("100")
    expect(page.locator('.step[data-outcome="pass"]')).to_have_count(6)
    expect(page.locator("#check-done")).to_contain_text(reader.words["out"])


def _check(page: Page) -> None:
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


def _find_everything_again(page: Page, reader: Reader) -> None:
    page.reload()
    expect(page.locator("#score")).to_have_text("100")
    page.locator("#tab-steps").click()
    expect(page.locator('[data-step="channel"] .clue')).to_be_visible()
    page.locator("#tab-timeline").click()
    expect(page.locator('.timeline li[data-kind="checked"]')).to_have_count(2)
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("plc2")
    expect(page.locator("#configuration-editor")).to_contain_text("Basic256Sha256_SignAndEncrypt")


def _picture(page: Page, reader: Reader, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(
            path=Path(SCREENSHOTS) / f"{ID}-{name}-{reader.language}-{reader.size[0]}.png", full_page=True
        )
