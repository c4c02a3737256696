"""The exercise's page in Chromium, over fakes: by keyboard, at both widths, in both languages, nothing typed is lost."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Locator, Page, Route, expect

from simulators.model import Line
from tests.chromium import Complaints, chromium, held
from tests.waiting import soon
from tests.web.accessibility import violations
from tests.web.fake_training import ALICE, STRONG, FakeSittings, Work
from tests.web.serving import Served, serving
from tests.web.targets import small_targets
from tests.web.test_browser import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]
RULE = """\
title: Identification
logsource: {product: usine-ecole}
detection:
  selection:
    func: READ_DEVICE_ID
  condition: selection
level: high
"""
TABS = ["line", "trends", "configuration", "rules", "events", "monitor", "endpoints", "terminal", "lab"]


@pytest.fixture(scope="module")
def served(line: Line) -> Iterator[Served]:
    with serving(line, period_s=0.2, pause_s=0.05) as place:
        yield place


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for the module, in which Alice is signed in."""
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        context.pages[0].goto(f"{served.origin}/login/{served.people.link(ALICE).token}?lang=en")
        context.pages[0].goto("about:blank")
        yield context


@pytest.fixture
def work(served: Served) -> Work:
    """A new sitting of Alice's whose lab runs."""
    sittings: FakeSittings = served.sittings
    for work in sittings.work.values():
        sittings.stop_lab(work.sitting.id, ALICE)
    sittings.work.clear()
    number = sittings.open(ALICE, "opcua-fake").id
    sittings.start_lab(number, ALICE)
    return sittings.work[number]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: BrowserContext, served: Served, work: Work, complaints: Complaints) -> Iterator[Page]:
    """The exercise's page in English, its stores empty. Fails on a console error, an exception, a request elsewhere."""
    page = browser.new_page()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    complaints.hear(page, served.origin)
    page.goto(f"{served.origin}/login")
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    visit(page, served, "en")
    yield page
    page.close()
    assert not complaints.left


def visit(page: Page, served: Served, language: str) -> None:
    page.goto(f"{served.origin}/sittings/1?lang={language}")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#check")).to_be_enabled()
    expect(page.locator("#bench > [inert]")).to_have_count(0)


def check(page: Page, outcome: str) -> None:
    page.locator("#check").click()
    expect(page.locator("#check-progress")).to_be_hidden()
    expect(page.locator(f'.step[data-outcome="{outcome}"]')).to_have_count(2)


def write(page: Page, text: str) -> None:
    """In place of what the editor holds."""
    page.locator(".cm-content:visible, .editor textarea:visible").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text)


def test_from_the_catalogue_to_one_hundred(page: Page, served: Served, work: Work) -> None:
    served.sittings.stop_lab(1, ALICE)
    page.goto(f"{served.origin}/exercises")
    page.locator(".card", has_text="Harden the server").get_by_role("link", name="Continue").click()
    served.sittings.before = 3
    served.sittings.go.clear()
    page.locator("#start").click()
    expect(page.locator("#start-said")).to_have_text("In the queue: 3 labs before")
    served.sittings.go.set()
    expect(page.locator("#start-devices li").first).to_be_visible()
    expect(page.locator("#panel-line")).to_be_visible()
    check(page, "fail")
    expect(page.locator("#score")).to_have_text("0")
    evidence = page.locator('[data-step="anonymous"] .verdicts details')
    evidence.locator("summary").click()
    expect(evidence).to_contain_text("CreateSession <None>")
    page.locator("#hint-anonymous").click()
    expect(page.locator("#confirm-text")).to_contain_text("5 points off this step")
    page.locator("#confirm-yes").click()
    expect(page.locator(".clue")).to_contain_text("Look at")
    page.locator("#tab-configuration").click()
    write(page, STRONG)
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-state")).to_contain_text("Applied")
    check(page, "pass")
    expect(page.locator("#score")).to_have_text("95")
    expect(page.locator("#check-done")).to_contain_text("95 out of 100")
    page.reload()
    expect(page.locator("#score")).to_have_text("95")
    expect(page.locator(".clue")).to_be_visible()
    page.locator("#tab-timeline").click()
    expect(page.locator('.timeline li[data-kind="checked"]')).to_have_count(2)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_panel_is_accessible_and_fits(page: Page, served: Served, language: str) -> None:
    served.sittings.check(1, ALICE)
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        visit(page, served, language)
        for task, tabs in (
            ("brief", ["line", "configuration"]),
            ("steps", ["rules", "events", "monitor"]),
            ("timeline", ["endpoints", "lab"]),
        ):
            page.locator(f"#tab-{task}").click()
            for tab in tabs:
                page.locator(f"#tab-{tab}").click()
                settled(page, tab)
                assert small_targets(page) == [], f"{language}, {tab} at {width}"
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{language}, {tabs}: {wide} px wide at {width}"
            assert not (found := violations(page, colours=language == "fr")), found


def settled(page: Page, tab: str) -> None:
    """The panel shows what it asked the server for."""
    shown = {
        "configuration": "#configuration-editor .cm-line, #configuration-editor textarea",
        "rules": "#rules-editor .cm-line, #rules-editor textarea",
        "events": "table.events tbody tr",
        "monitor": "#monitor-list figure",
    }
    expect(page.locator(f"#panel-{tab}")).to_be_visible()
    if tab in shown:
        expect(page.locator(shown[tab]).first).to_be_visible()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_catalogue_login_and_account_are_accessible_and_fit(
    page: Page, served: Served, language: str
) -> None:
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for path in ("/exercises", "/account"):
            page.goto(f"{served.origin}{path}?lang={language}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert small_targets(page) == [], path
            assert not (found := violations(page, colours=language == "fr")), found


def test_tabs_by_keyboard(page: Page) -> None:
    page.locator("#tab-line").focus()
    for tab in TABS[1:]:
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#tab-{tab}")).to_be_focused()
        expect(page.locator(f"#panel-{tab}")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-line")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#panel-lab")).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    expect(page.locator("#panel-line")).to_be_focused()
    page.locator("#tab-events").click()
    page.reload()
    expect(page.locator("#panel-events")).to_be_visible()


def test_the_order_of_the_keyboard_is_that_of_the_page(page: Page) -> None:
    expect(page.locator("#check")).to_be_enabled()
    page.locator("body").press("Tab")
    reached = []
    for _ in range(22):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    wanted = ["check", "tab-brief", "panel-brief", "tab-line", "panel-line"]
    positions = [reached.index(name) for name in wanted]
    assert positions == sorted(positions), reached


def test_the_editor_is_left_by_keyboard(page: Page) -> None:
    page.locator("#tab-configuration").click()
    page.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()


def test_what_is_wrong_is_said_while_it_is_typed_and_the_draft_stays(page: Page) -> None:
    page.locator("#tab-configuration").click()
    write(page, "identities:\n  anonymous: maybe\n")
    expect(page.locator("#configuration-problem")).to_contain_text("anonymous")
    expect(page.locator(".cm-lintRange-error, .cm-lint-marker-error").first).to_be_visible()
    expect(page.locator("#configuration-state")).to_contain_text("draft")
    page.reload()
    expect(page.locator("#configuration-editor")).to_contain_text("anonymous: maybe")
    page.locator("#configuration-discard").click()
    expect(page.locator("#configuration-editor")).to_contain_text("anonymous: engineer")
    expect(page.locator("#configuration-problem")).to_be_hidden()


@pytest.mark.parametrize(
    ("tab", "text", "marked"),
    [
        ("configuration", "audit: true\n\nidentities:\n  anonymous: maybe\n", 4),
        ("configuration", "trust_list:\n  trusted:\n    - missing.pem\n", 3),
        ("rules", RULE + "---\ntitle: Other\nlevel: high\n", 9),
    ],
)
def test_the_margin_marks_the_line_that_the_words_name(page: Page, tab: str, text: str, marked: int) -> None:
    page.locator(f"#tab-{tab}").click()
    write(page, text)
    expect(page.locator(f"#{tab}-problem")).to_contain_text(str(marked))
    marks = page.locator(f"#panel-{tab} .cm-lint-marker-error")
    expect(marks).to_have_count(1)
    wanted = page.locator(f"#panel-{tab} .cm-line").nth(marked - 1).bounding_box()
    mark = marks.bounding_box()
    assert wanted
    assert mark
    assert wanted["y"] <= mark["y"] + mark["height"] / 2 <= wanted["y"] + wanted["height"]


def test_a_refused_configuration_stays_in_the_editor(page: Page, complaints: Complaints) -> None:
    complaints.provoke("400")
    page.locator("#tab-configuration").click()
    write(page, "nonsense: 1\n")
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-problem")).to_contain_text("nonsense")
    expect(page.locator("#configuration-editor")).to_contain_text("nonsense: 1")
    expect(page.locator("#configuration-apply")).to_be_enabled()


def test_completion_from_the_schema(page: Page) -> None:
    page.locator("#tab-configuration").click()
    write(page, "identities:\n  anonymous: ")
    page.keyboard.press("Control+Space")
    options = page.locator(".cm-tooltip-autocomplete li")
    expect(options).to_have_count(2)
    expect(options.first).to_have_text("denied")
    write(page, "")
    page.keyboard.type("trust")
    expect(page.locator(".cm-tooltip-autocomplete li").first).to_contain_text("trust_list")


def test_versions_are_compared_and_put_back(page: Page, work: Work) -> None:
    page.locator("#tab-configuration").click()
    write(page, STRONG)
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-state")).to_contain_text("Applied")
    page.locator("#configuration-version").select_option(label="Beginning of the exercise")
    expect(page.locator(".difference .gone").first).to_contain_text("anonymous: engineer")
    expect(page.locator(".difference .new").first).to_contain_text("anonymous: denied")
    page.locator("#configuration-revert").click()
    expect(page.locator("#configuration-editor")).to_contain_text("anonymous: engineer")
    assert len(work.texts["plc2"]) == 3


def test_rules_are_tried_and_saved(page: Page, work: Work) -> None:
    page.locator("#tab-rules").click()
    write(page, RULE)
    page.locator("#rules-try").click()
    expect(page.locator("#rules-found")).to_contain_text("Alerts: 5, from 1 rules over 40 events.")
    expect(page.locator("#rules-found tbody tr")).to_have_count(1)
    page.locator("#rules-save").click()
    expect(page.locator("#rules-state")).to_contain_text("Saved")
    assert "READ_DEVICE_ID" in work.rules
    write(page, "title: x\n")
    expect(page.locator("#rules-problem")).to_be_visible()


def test_events_are_filtered_chosen_and_downloaded(page: Page) -> None:
    page.locator("#tab-events").click()
    expect(page.locator("#events-count")).to_have_text("Events shown: 40")
    page.locator('#events-filter input[type="search"]').fill("DEVICE_ID")
    expect(page.locator("table.events tbody tr")).to_have_count(5)
    page.locator(".columns summary").click()
    page.get_by_label("uid").check()
    expect(page.locator("table.events thead")).to_contain_text("uid")
    for name in ("#events-csv", "a[href$='events.pcap']"):
        with page.expect_download() as started:
            page.locator(name).click()
        assert started.value.path().stat().st_size > 3
    page.get_by_role("button", name="PLC identification").click()
    expect(page.locator("#practice-said")).to_have_text("Done.")
    page.locator('#events-filter input[type="search"]').fill("")
    page.locator('#events-filter select[name="log"]').select_option(
        "conn"
    )  # also while none is among the latest rows
    expect(page.locator("#events-empty")).to_be_visible()
    page.locator('#events-filter select[name="log"]').select_option("modbus_detailed")
    expect(page.locator("#events-count")).to_have_text("Events shown: 40")
    page.locator('#events-filter input[type="search"]').fill("nobody says this")
    expect(page.locator("#events-empty")).to_be_visible()


def test_the_monitor_has_charts_and_their_table(page: Page) -> None:
    page.locator("#tab-monitor").click()
    expect(page.locator("#monitor-list figure")).to_have_count(4)
    expect(page.locator("#monitor-state")).to_contain_text("alarm is on")
    page.locator("#monitor-table summary").click()
    expect(page.locator("#monitor-table tbody tr")).to_have_count(60)
    page.locator("#monitor-asset").select_option("conveyor")
    expect(page.locator("#monitor-list figure")).to_have_count(4)


def test_the_monitor_speaks_in_units_that_a_reader_knows(page: Page, served: Served) -> None:
    visit(page, served, "fr")
    page.locator("#tab-monitor").click()
    share = page.locator('[data-monitor="index"]')
    expect(share.locator("strong")).to_have_text("Part du niveau d'alarme")
    expect(share.locator("output")).to_have_text("1 %")
    expect(share.locator("small")).to_have_text("100 % : alarme", use_inner_text=True)
    rms = page.locator('[data-monitor="rms_g"]')
    expect(rms.locator("strong")).to_have_text("Accélération efficace")
    expect(rms.locator("code")).to_have_text("rms_g")
    expect(rms.locator("output")).to_have_text(re.compile(r"^\d,\d{3} g$"))
    marks = page.evaluate(
        "async () => { const { mark } = await import('/static/js/format.mjs');"
        " return [[0, 10, 20].map((at) => mark(at, 10)), [0, 120].map((at) => mark(at, 120))]; }"
    )
    assert [len(set(row)) for row in marks] == [3, 2], "no mark is written twice"
    assert {len(text) for text in marks[0]} == {8}
    assert {len(text) for text in marks[1]} == {5}


@pytest.mark.parametrize(
    ("language", "says"), [("fr", "d'avance sur l'heure réelle"), ("en", "ahead of the real clock")]
)
def test_simulated_time_is_said_to_be_so_wherever_it_stands(
    page: Page, served: Served, language: str, says: str
) -> None:
    visit(page, served, language)
    for tab in ("line", "trends", "events", "monitor"):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator("#clock-gap")).to_contain_text(says)
        expect(page.locator(f"#panel-{tab} .line-time")).to_be_visible()
    page.locator("#tab-timeline").click()
    expect(page.locator("#panel-timeline .line-time")).to_have_count(0)


def test_the_three_resets_ask_first(page: Page, served: Served) -> None:
    page.locator("#tab-lab").click()
    page.locator('[data-reset="lab"]').click()
    page.locator("#confirm-dialog").get_by_role("button", name="Cancel").click()
    assert [event.kind for event in served.sittings.timeline(1)][-1] == "lab_started"
    page.locator("#checkpoint").click()
    expect(page.locator("#reset-said")).to_have_text("Checkpoint kept.")
    for what in ("device", "checkpoint"):
        page.locator(f'[data-reset="{what}"]').click()
        page.locator("#confirm-yes").click()
        soon(partial(last_is, served, what), what)
        expect(page.locator("#reset-said")).to_have_text("Done: it is as it was.")


def last_is(served: Served, what: str) -> bool:
    return bool(served.sittings.timeline(1)[-1].data.get("what") == what)


def test_a_check_goes_on_across_a_reload(page: Page, served: Served) -> None:
    served.sittings.go.clear()
    try:
        page.locator("#check").click()
        expect(page.locator("#check-said")).to_contain_text("Observing")
        page.reload()
        expect(page.locator("#check-progress")).to_be_visible()
        expect(page.locator("#check")).to_be_disabled()
    finally:
        served.sittings.go.set()
    expect(page.locator("#check-progress")).to_be_hidden()
    expect(page.locator('.step[data-outcome="fail"]')).to_have_count(2)
    assert served.sittings.standing(1).attempts == 1


def test_attempts_run_out(page: Page) -> None:
    for _ in range(3):
        check(page, "fail")
    expect(page.locator("#check-note")).to_contain_text("No attempt is left")
    expect(page.locator("#check")).to_be_disabled()


def test_without_the_bundle_a_text_area_edits_and_svg_draws(
    page: Page, served: Served, complaints: Complaints, work: Work
) -> None:
    complaints.provoke("ERR_FAILED", "/vendor/")
    page.route("**/vendor/*.mjs", lambda route: route.abort())
    visit(page, served, "en")
    page.locator("#tab-configuration").click()
    expect(page.locator("#configuration-editor textarea")).to_be_visible()
    write(page, STRONG)
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-state")).to_contain_text("Applied")
    assert work.texts["plc2"][-1] == STRONG
    page.locator("#tab-monitor").click()
    expect(page.locator("#monitor-list path.line").first).to_be_attached()


def test_a_device_chosen_while_another_is_loading_is_the_one_that_is_edited(page: Page) -> None:
    def slowly(route: Route) -> None:
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/configurations/plc2", slowly)
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("broker")
    editor = page.locator("#configuration-editor")
    expect(editor).to_contain_text("listener 1883")
    page.wait_for_timeout(600)
    expect(editor.locator(".cm-content")).to_have_count(1)
    expect(editor).to_contain_text("listener 1883")


def broker_drafted(page: Page) -> Locator:
    """The editor, with a draft of the broker's configuration: port 1884 in place of 1883."""
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("broker")
    editor = page.locator("#configuration-editor")
    expect(editor).to_contain_text("listener 1883")
    write(page, "listener 1884\n")
    return editor


def test_what_is_chosen_while_a_configuration_is_applied_keeps_its_draft(page: Page, work: Work) -> None:
    editor = broker_drafted(page)
    page.locator("#configuration-device").select_option("plc2")
    expect(editor).to_contain_text("anonymous: engineer")
    write(page, STRONG)
    waiting: list[Route] = []
    page.route(
        "**/configurations/plc2",
        lambda route: waiting.append(route) if route.request.method == "POST" else route.continue_(),
    )
    page.locator("#configuration-apply").click()
    expect(page.locator("#configuration-editor[inert]")).to_be_visible()
    page.locator("#configuration-device").select_option("broker")
    expect(editor).to_contain_text("listener 1884")
    waiting.pop().continue_()
    expect(page.locator("#toast")).to_contain_text("plc2: Applied")
    assert work.texts["plc2"][-1] == STRONG
    expect(page.locator("#configuration-state")).to_contain_text("draft")
    page.reload()
    expect(editor).to_contain_text("anonymous: denied")
    page.locator("#configuration-device").select_option("broker")
    expect(editor).to_contain_text("listener 1884")


def test_a_device_that_is_reset_leaves_the_draft_of_another(page: Page, served: Served) -> None:
    editor = broker_drafted(page)
    for device, holds in (("plc2", "listener 1884"), ("broker", "listener 1883")):
        page.locator("#tab-lab").click()
        page.locator("#reset-device").select_option(device)
        page.locator('[data-reset="device"]').click()
        with page.expect_response("**/configurations/broker"):
            page.locator("#confirm-yes").click()
        expect(page.locator("#reset-said")).to_have_text("Done: it is as it was.")
        page.locator("#tab-configuration").click()
        expect(page.locator("#configuration-editor:not([inert])")).to_be_visible()
        expect(editor).to_contain_text(holds)


@pytest.mark.parametrize(
    ("tab", "address", "holds"),
    [
        ("rules", "**/rules", "READ_DEVICE_ID"),
        ("configuration", "**/configurations/plc2", "anonymous: engineer"),
    ],
)
def test_what_does_not_arrive_is_asked_for_again_and_not_overwritten(
    page: Page, work: Work, complaints: Complaints, tab: str, address: str, holds: str
) -> None:
    complaints.provoke("ERR_FAILED", address.strip("*"))
    work.rules = RULE
    page.route(address, lambda route: route.abort())
    page.locator(f"#tab-{tab}").click()
    expect(page.locator(f"#{tab}-problem")).to_contain_text("does not answer")
    expect(page.locator(f"#panel-{tab} button.primary")).to_be_disabled()
    page.unroute(address)
    expect(page.locator(f"#{tab}-editor")).to_contain_text(holds)
    expect(page.locator(f"#{tab}-problem")).to_be_hidden()
    write(page, "title: x\n")
    expect(page.locator(f"#panel-{tab} button.primary")).to_be_enabled()


def test_a_monitor_that_is_looked_at_twice_while_its_charts_come_draws_each_once(
    page: Page, served: Served
) -> None:
    with held(page, "uplot.mjs"):
        visit(page, served, "en")
        page.locator("#tab-monitor").click()
        expect(page.locator("#monitor-list figure")).not_to_have_count(0)
        page.locator("#tab-lab").click()
        page.locator("#tab-monitor").click()
        page.locator("#monitor-asset").select_option("conveyor")
        page.locator("#tab-monitor").click()
    expect(page.locator("#monitor-list .u-over")).to_have_count(4)
    expect(page.locator("#monitor-list figure")).to_have_count(4)


def test_parts_that_come_late_do_not_replace_newer_ones(page: Page) -> None:
    late: list[tuple[Route, APIResponse]] = []

    def first_late(route: Route) -> None:
        if late:
            route.continue_()
        else:
            late.append((route, route.fetch()))

    page.route("**/sittings/1/work", first_late)
    with page.expect_request("**/sittings/1/work"):
        page.evaluate("import('/static/js/sitting/work.mjs').then((work) => void work.refresh())")
    check(page, "fail")
    (route, answer) = late.pop()
    with page.expect_response("**/sittings/1/work") as arrived:
        route.fulfill(response=answer)
    arrived.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    expect(page.locator('.step[data-outcome="fail"]')).to_have_count(2)
    page.unroute("**/sittings/1/work")
