"""The live page in Chromium: it moves, obeys, is reachable, and asks nothing of anybody else."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from simulators.model import Line
from tests.chromium import Complaints, chromium, held
from tests.waiting import soon
from tests.web.accessibility import violations
from tests.web.fake_training import OWNER
from tests.web.serving import Served, serving
from tests.web.targets import small_targets

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

DESKTOP, PHONE = (1280, 900), (390, 844)
PERIOD_S = 0.2
SCREENSHOTS = os.environ.get("USINE_SCREENSHOTS")


@pytest.fixture(scope="module")
def served(line: Line) -> Iterator[Served]:
    with serving(line, PERIOD_S) as place:
        yield place


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for the module, signed in."""
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        context.pages[0].goto(f"{served.origin}/login/{served.people.link(OWNER).token}")
        context.pages[0].goto("about:blank")  # or its stream would stay open
        yield context


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: BrowserContext, served: Served, complaints: Complaints) -> Iterator[Page]:
    """A live page in English. Fails on a console error, an exception, or a request to anybody else."""
    served.lab.restore()
    page = browser.new_page()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    complaints.hear(page, served.origin)
    visit(page, served, "en")
    yield page
    page.close()
    assert not complaints.left


def visit(page: Page, served: Served, language: str) -> None:
    page.goto(f"{served.origin}/labs/one?lang={language}")
    expect(page.locator("#banner")).to_be_hidden()
    expect(row(page, "Pump.Flow").locator(".value")).not_to_have_text("—")


def row(page: Page, tag: str) -> Locator:
    return page.locator(f'tr[data-row="{tag}"]')


def test_values_move(page: Page) -> None:
    watched = [
        row(page, "RawTank.Level").locator(".value"),
        page.locator('.mimic g[data-kind="value"][data-tag="BufferTank.Level"] text'),
        page.locator('[data-kpi="bottles_per_min"]'),
        page.locator("#clock"),
    ]
    before = [element.text_content() or "" for element in watched]
    bottle = page.locator(".mimic .bottle").first
    place = bottle.get_attribute("transform") or ""
    for text, element in zip(before, watched, strict=True):
        expect(element).not_to_have_text(text)
    expect(bottle).not_to_have_attribute("transform", place)


def test_bottles_move_smoothly_for_who_did_not_ask_for_less_motion(page: Page) -> None:
    # How often bottles move by themselves, and not with an update, while the clock moves three times.
    alone = """() => new Promise((resolve) => {
        const clock = document.querySelector("#clock");
        let [alone, times, last] = [0, 0, clock.textContent];
        const watch = new MutationObserver((records) => {
            const moved = records.some((r) => r.type === "attributes" && r.target.matches(".bottle"));
            alone += moved && !records.some((r) => r.type === "characterData" || r.target.matches(".value")) ? 1 : 0;
            if (clock.textContent === last) return;
            [times, last] = [times + 1, clock.textContent];
            if (times === 3) { watch.disconnect(); resolve(alone); }
        });
        const all = { childList: true, characterData: true, attributes: true, attributeFilter: ["transform"], subtree: true };
        watch.observe(document.body, all);
    })"""
    assert page.evaluate(alone) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(alone) > 3
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(alone) <= 1


def test_the_drawing_shows_states_and_alarms(page: Page, served: Served) -> None:
    pump = page.locator('.mimic g[data-kind="running"][data-tag="Pump.Running"]')
    expect(pump.locator(".word")).to_have_text("Running")
    air = page.locator('.mimic [data-kind="pointer"][data-tag="Air.Pressure"] > g')
    expect(air).to_have_attribute("data-priority", "2")
    expect(air.locator("use")).to_have_attribute("href", "#priority-2")
    served.lab.written["Pump.Running"] = False
    served.lab.bad["Pump.Flow"] = "bad"
    expect(pump.locator(".word")).to_have_text("Stopped")
    expect(pump).to_have_class("is-off")
    expect(page.locator('.mimic g[data-tag="Pump.Flow"] text')).to_contain_text("?")
    expect(row(page, "Pump.Flow").locator(".quality")).to_have_text("Bad")


def test_trends_begin_with_their_history(page: Page) -> None:
    trend = page.locator('figure[data-trend="RawTank.Level"]')
    page.wait_for_function("f => Number(f.dataset.points) >= 290", arg=trend.element_handle())
    expect(trend.locator("canvas, path.line").first).to_be_visible()
    page.locator("#trend-table summary").click()
    cells = page.locator("#trend-table tbody tr").first.locator("td")
    expect(cells).to_have_count(4)
    expect(cells.first).not_to_have_text("—")
    row(page, "Energy.Power").locator("button.trend").click()
    expect(page.locator('figure[data-trend="Energy.Power"]')).to_be_visible()
    page.locator('figure[data-trend="RawTank.Level"] .remove').click()
    expect(trend).to_have_count(0)


def test_an_alarm_is_acknowledged_by_keyboard(page: Page, served: Served) -> None:
    first = page.locator("#alarm-list li").first
    expect(first).to_contain_text("Pasteurisation: product too cold, diverted")
    expect(first.get_by_role("img", name="Priority 1")).to_be_visible()
    first.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-alarm-row^="Pasteuriser"]')).to_have_class("acknowledged")
    page.get_by_role("button", name="Acknowledge all").click()
    expect(page.locator("#alarm-list button")).to_have_count(0)
    served.lab.alarms = []
    expect(page.locator("#no-alarm")).to_be_visible()


def test_the_language_changes_in_place(page: Page) -> None:
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("heading", name="Alarmes")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(row(page, "Filler.Volume")).to_contain_text("Dernier volume rempli")
    expect(row(page, "Air.Pressure").locator(".value")).to_contain_text(",")


def test_the_first_page_shows_that_the_line_runs_without_a_click(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/?lang=en")
    line = page.locator('.line[data-line="one"]')
    clock = line.locator("time")
    expect(line).to_contain_text("Running")
    before = clock.text_content() or ""
    line.get_by_role("link", name="Open the live page").focus()
    expect(clock).not_to_have_text(before, timeout=10_000)
    expect(line.get_by_role("link", name="Open the live page")).to_be_focused()
    served.lab.paused = True
    expect(line).to_contain_text("Paused", timeout=10_000)
    served.lab.paused = False
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served.origin}/labs/one")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_first_page_is_accessible_and_fits(page: Page, served: Served, language: str) -> None:
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{served.origin}/?lang={language}")
        expect(page.locator(".line")).to_have_count(1)
        assert not (found := violations(page, colours=language == "fr")), found
        assert small_targets(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_accessibility_violation(page: Page, served: Served, language: str) -> None:
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        visit(page, served, language)
        page.evaluate("document.getElementById('trend-table').open = true")
        page.locator("#tag-filter").fill("rawtank")  # a hundred rows alike would only take time
        assert not (found := violations(page, colours=language == "fr")), found
        assert small_targets(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{language}: the page is {wide} px wide at {width}"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_header_is_one_line_on_a_desktop(page: Page, served: Served, language: str) -> None:
    visit(page, served, language)
    expect(page.locator("#alarm-summary")).not_to_be_empty()
    # As long as that of the lab of `make lab`.
    page.locator("header.top h1 small").evaluate("name => { name.textContent = 'bottling'; }")
    one_line = page.locator("header.top .brand").evaluate("brand => 2 * brand.clientHeight")
    assert page.locator("header.top").evaluate("header => header.clientHeight") < one_line


def test_every_control_is_reached_by_keyboard(page: Page) -> None:
    page.locator("body").press("Tab")
    reached: list[str] = []
    for _ in range(34):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
    wanted = [
        "Français",
        "Sign out",
        "speed",
        "pause",
        "reset",
        "capture",
        "Trends",
        "add-trend",
        "tag-filter",
    ]
    positions = [reached.index(name) for name in wanted]
    assert positions == sorted(positions), reached
    for name in ("fault-asset", "fault-mode", "fault-severity", "show-truth"):
        page.locator(f"#{name}").focus()
        expect(page.locator(f"#{name}")).to_be_focused()


def test_a_hidden_page_closes_its_stream(page: Page, served: Served) -> None:
    soon(lambda: served.lab.streams == 1, "one stream a page")
    hide(page, hidden=True)
    soon(lambda: served.lab.streams == 0, "hidden: closed")
    hide(page, hidden=False)
    soon(lambda: served.lab.streams == 1, "shown again: open")


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_lab_that_breaks_is_said_and_comes_back(page: Page, served: Served, complaints: Complaints) -> None:
    # The page asks for its trends once it is open; whether the lab still answers then is chance.
    complaints.provoke("503", "/labs/one/")
    served.lab.broken.set()
    expect(page.locator("#banner")).to_contain_text("The lab is restarting")
    served.lab.broken.clear()
    expect(page.locator("#banner")).to_be_hidden()


def test_what_is_below_the_trends_stays_in_its_place_when_they_come(page: Page, served: Served) -> None:
    place = "() => document.querySelector('#tags').getBoundingClientRect().top - document.querySelector('#trends').getBoundingClientRect().top"
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        with held(page, "page.mjs"):
            page.goto(f"{served.origin}/labs/one?lang=en", wait_until="commit")
            expect(page.locator("#instructor")).to_be_attached()
            expect(page.locator("#trend-list")).to_have_css("display", "grid")
            before = page.evaluate(place)
        expect(page.locator("#trend-list figure .u-over")).to_have_count(4)
        assert page.evaluate(place) == pytest.approx(before, abs=1), f"at {width}"


def test_what_is_done_before_the_scripts_are_there_is_done_once_they_are(page: Page, served: Served) -> None:
    with held(page, "page.mjs"):
        page.goto(f"{served.origin}/labs/one?lang=en", wait_until="commit")
        page.locator("#pause").click()
        page.locator("#speed").select_option("10")
        page.locator("#tag-filter").fill("pasteurisation set")
    expect(page.locator("#run-state")).to_have_text("Paused")
    expect(page.locator("tbody tr[data-row]:visible")).to_have_count(1)
    soon(lambda: served.lab.speed == 10, "ten times faster")
    once = {"pause": 1, "speed": 1}
    assert Counter(verb for verb, _ in served.lab.asked if verb in {*once, "resume"}) == once


def test_zones_that_are_not_enforced_are_said(page: Page, served: Served) -> None:
    expect(page.locator("#flat")).to_be_hidden()
    served.lab.enforces_zones = False
    expect(page.locator("#flat")).to_contain_text("not enforced")


def test_commands(page: Page, served: Served) -> None:
    page.locator("#pause").click()
    expect(page.locator("#run-state")).to_have_text("Paused")
    page.locator("#pause").click()
    expect(page.locator("#run-state")).to_have_text("Running")
    page.locator("#speed").select_option("10")
    soon(lambda: served.lab.speed == 10, "ten times faster")
    page.locator("#reset").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Cancel").click()
    assert ("reset", {}) not in served.lab.asked
    page.locator("#reset").click()
    page.locator("#confirm-yes").click()
    soon(lambda: ("reset", {}) in served.lab.asked, "reset")


def test_an_operator_writes_within_the_range(page: Page, served: Served) -> None:
    page.locator("#tag-filter").fill("pasteurisation set")
    expect(page.locator("tbody tr[data-row]:visible")).to_have_count(1)
    page.get_by_role("button", name="Write Pasteuriser.SetPoint").click()
    expect(page.locator("#write-about")).to_contain_text("60 to 85 °C")
    page.locator("#write-value").fill("200")
    page.get_by_role("button", name="Send the command").click()
    expect(page.locator("#write-dialog")).to_be_visible()
    page.locator("#write-value").fill("75")
    page.get_by_role("button", name="Send the command").click()
    expect(row(page, "Pasteuriser.SetPoint").locator(".value")).to_have_text("75.0")
    assert served.lab.written["Pasteuriser.SetPoint"] == 75


def test_an_instructor_sees_the_truth_and_injects_a_fault(page: Page, served: Served) -> None:
    truth = row(page, "RawTank.Level").locator("td.truth")
    expect(truth).to_be_hidden()
    page.locator("#show-truth").check()
    expect(truth).to_have_text("12.5")
    page.locator("#fault-mode").select_option("wear")
    page.get_by_role("button", name="Inject the fault").click()
    expect(page.locator("#fault-list")).to_contain_text("Feed pump: Wear")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#fault-list li")).to_have_count(0)
    assert served.lab.faults == {}
    page.locator("#show-truth").uncheck()
    expect(truth).to_be_hidden()


def test_an_undo_stays_for_who_is_about_to_press_it(page: Page, served: Served) -> None:
    page.clock.install()
    visit(page, served, "en")
    page.locator("#show-truth").check()
    for reach in ("hover", "focus"):
        page.get_by_role("button", name="Inject the fault").click()
        undo = page.get_by_role("button", name="Undo")
        getattr(undo, reach)()
        page.clock.run_for(20_000)
        expect(undo).to_be_visible()
        page.locator("#show-truth").hover()
        page.locator("#show-truth").focus()
        page.clock.run_for(2_000)
        expect(page.locator("#toast")).to_be_hidden()
    page.locator("#show-truth").uncheck()


def test_a_capture_is_downloaded(page: Page) -> None:
    page.locator("#capture").click()
    expect(page.locator("#capture")).to_have_text("Stop and download")
    with page.expect_download() as started:
        page.locator("#capture").click()
    assert Path(started.value.path()).read_bytes() == b"\xd4\xc3\xb2\xa1"


def test_a_second_press_before_the_first_is_answered_is_none(page: Page, served: Served) -> None:
    served.lab.asked.clear()
    with held(page, "capture_start"):
        page.locator("#capture").click()
        page.locator("#capture").click()
    expect(page.locator("#capture")).to_have_text("Stop and download")
    page.locator("#capture").click()
    expect(page.locator("#capture")).to_have_text("Capture")
    asked = [verb for verb, _ in served.lab.asked if verb.startswith("capture")]
    assert asked == ["capture_start", "capture_stop"]


def test_without_the_bundle_the_page_draws_its_own_charts(
    page: Page, served: Served, complaints: Complaints
) -> None:
    complaints.provoke("ERR_FAILED", "/vendor/")
    page.route("**/vendor/*", lambda route: route.abort())
    visit(page, served, "en")
    page.wait_for_selector("figure[data-trend] path.line[d]", state="attached")


def test_ready_commands_are_copied(page: Page, browser: BrowserContext, served: Served) -> None:
    browser.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.origin)
    page.locator("[data-copy]").first.click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "mbpoll -a 1 -t 3 -r 1 -c 6 -p 40502 127.0.0.1"


@pytest.mark.skipif(SCREENSHOTS is None, reason="pictures for a person: set USINE_SCREENSHOTS to a folder")
def test_screenshots(page: Page, served: Served) -> None:
    folder = Path(SCREENSHOTS or ".")
    for language in ("fr", "en"):
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            visit(page, served, language)
            page.screenshot(path=folder / f"live-{language}-{width}.png")
