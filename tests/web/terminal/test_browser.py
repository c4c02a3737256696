"""A terminal in Chromium, over a real shell: typed into, resized, dropped and found again, left by keyboard, accessible."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Response, Route, expect

from simulators.model import Line
from tests.chromium import Complaints, chromium, held
from tests.waiting import soon
from tests.web.accessibility import violations
from tests.web.fake_training import ALICE
from tests.web.serving import Served, serving
from tests.web.targets import small_targets
from tests.web.terminal.workstation import shells
from tests.web.test_browser import DESKTOP, PHONE
from web import terminal
from web.terminals import Terminals

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]
SCREENSHOTS = os.environ.get("USINE_SCREENSHOTS")


@pytest.fixture(scope="module")
def served(line: Line) -> Iterator[Served]:
    with shells() as opened, serving(line, period_s=0.2) as place:
        place.labs.shells, place.labs.runtime = opened, "docker"
        number = place.sittings.open(ALICE, "opcua-fake").id
        place.sittings.start_lab(number, ALICE)
        yield place


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for the module, in which Alice is signed in."""
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        context.pages[0].goto(f"{served.origin}/login/{served.people.link(ALICE).token}?lang=en")
        context.pages[0].goto("about:blank")
        yield context


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: BrowserContext, served: Served, complaints: Complaints) -> Iterator[Page]:
    """Alice's exercise, its terminal panel shown. Fails on what the console complains of: the policy too."""
    page = browser.new_page()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    complaints.hear(page, served.origin)
    visit(page, served, "en")
    yield page
    page.close()
    for one in list(served.terminals._known.values()):
        one.close()
    soon(lambda: not served.terminals._places, "all are closed")
    assert not complaints.left


def visit(page: Page, served: Served, language: str) -> None:
    page.goto(f"{served.origin}/sittings/1?lang={language}")
    expect(page.locator("#bench > [inert]")).to_have_count(0)
    page.locator("#tab-terminal").click()


def opened(page: Page) -> None:
    page.locator("#terminal-open").click()
    expect(page.locator("#terminal-state")).to_have_text(re.compile("Open on the workstation|Ouvert sur"))
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile("[#$]"))


def run(page: Page, command: str, shows: str) -> None:
    page.locator(".xterm-screen").click()
    page.keyboard.type(command)
    page.keyboard.press("Enter")
    expect(page.locator(".xterm-rows")).to_contain_text(shows)


def test_a_trainee_types_and_sees(page: Page) -> None:
    opened(page)
    expect(page.locator(".xterm-helper-textarea")).to_be_focused()
    run(page, "echo x$((6*7))x", "x42x")
    run(
        page,
        r"printf '\033[38;2;200;40;40mred\033[0m \033[1;44mbold\033[0m \303\251\342\202\254\n'",
        "red bold é€",
    )
    colour = page.locator(".xterm-rows span", has_text="red").last.evaluate(
        "one => getComputedStyle(one).color"
    )
    assert colour != page.locator(".xterm-rows").evaluate("one => getComputedStyle(one).color")


def test_the_shell_knows_the_size_of_its_window(page: Page) -> None:
    opened(page)
    run(page, "stty size | tr ' ' x | sed s/^/w/", "w")
    wide = sizes(page)[-1]
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.wait_for_function("n => document.querySelector('.xterm-screen').clientWidth < n", arg=PHONE[0])
    run(page, "clear; stty size | tr ' ' x | sed s/^/n/", "n")
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile(r"n\d+x\d+"))
    narrow = sizes(page)[-1]
    assert wide[1] > 60 > narrow[1] > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def sizes(page: Page) -> list[tuple[int, int]]:
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile(r"[wn]\d+x\d+"))
    text = page.locator(".xterm-rows").inner_text()
    return [(int(rows), int(columns)) for rows, columns in re.findall(r"[wn](\d+)x(\d+)", text)]


def test_a_dropped_connection_is_said_and_nothing_is_lost(
    page: Page, browser: BrowserContext, served: Served, complaints: Complaints
) -> None:
    complaints.provoke("ERR_INTERNET_DISCONNECTED")
    complaints.provoke("ERR_INCOMPLETE_CHUNKED_ENCODING")
    opened(page)
    run(page, "echo be''fore; (sleep 1; echo mean''while) &", "before")
    browser.set_offline(True)
    # What is open stays open while offline: the server lets go of it, as a proxy would.
    served.drop()
    expect(page.locator("#terminal-state")).to_contain_text("Connection lost")
    browser.set_offline(False)
    expect(page.locator("#terminal-state")).to_contain_text("Open on the workstation", timeout=15_000)
    expect(page.locator(".xterm-rows")).to_contain_text("meanwhile")
    assert page.locator(".xterm-rows").inner_text().count("before") == 1
    run(page, "echo af''ter", "after")


def test_a_page_that_is_loaded_again_shows_the_recent_output(page: Page) -> None:
    opened(page)
    run(page, "echo kep''t", "kept")
    with held(page, "xterm.mjs"):
        page.reload(wait_until="commit")
        # What a click opened now would take the place of the one that is on its way.
        expect(page.locator("#terminal-screen")).to_be_visible()
        expect(page.locator("#terminal-open")).to_be_disabled()
        page.locator("#tab-terminal").click()
    expect(page.locator(".xterm-rows")).to_contain_text("kept")
    expect(page.locator("#terminal-open")).to_be_hidden()
    expect(page.locator("#terminal-close")).to_be_enabled()
    run(page, "echo go''es on", "goes on")


def test_a_second_tab_takes_it_and_a_click_takes_it_back(
    page: Page, served: Served, browser: BrowserContext
) -> None:
    opened(page)
    run(page, "echo min''e", "mine")
    kept = page.evaluate("({...sessionStorage})")
    other = browser.new_page()
    other.goto(f"{served.origin}/login")
    other.evaluate(
        "kept => Object.entries(kept).forEach(([key, value]) => sessionStorage.setItem(key, value))", kept
    )
    visit(other, served, "en")
    expect(other.locator(".xterm-rows")).to_contain_text("mine")
    expect(page.locator("#terminal-state")).to_contain_text("Another page shows this terminal")
    page.bring_to_front()
    page.locator("#terminal-screen").click()
    expect(page.locator(".xterm-rows")).to_contain_text("mine")
    run(page, "echo ba''ck", "back")
    other.close()


def test_the_shell_ends_and_a_click_opens_another(page: Page) -> None:
    opened(page)
    run(page, "exit", "exit")
    expect(page.locator("#terminal-state")).to_contain_text("The shell has ended")
    page.locator("#terminal-screen").click()
    expect(page.locator("#terminal-state")).to_contain_text("Open on the workstation")
    run(page, "echo n''ew", "new")


def test_idleness_is_said_before_and_after(page: Page, served: Served) -> None:
    opened(page)
    terminals = served.terminals
    waiting(terminals, 870)
    expect(page.locator("#terminal-state")).to_contain_text(re.compile(r"closes in \d+ s unless you type"))
    run(page, "echo he''re", "here")
    expect(page.locator("#terminal-state")).to_have_text("The terminal stays open.")
    waiting(terminals, 901)
    expect(page.locator("#terminal-state")).to_contain_text("nothing was typed for 15 minutes")
    opened(page)
    run(page, "echo aga''in", "again")


def waiting(terminals: Terminals, seconds: float) -> None:
    """As if nothing had been typed for so long."""
    for one in terminals._known.values():
        one._typed_s -= seconds


def test_it_is_left_by_keyboard(page: Page) -> None:
    opened(page)
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator(".xterm-helper-textarea")).to_be_focused()
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#terminal-close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#terminal-state")).to_contain_text("Closed")
    expect(page.locator("#terminal-open")).to_be_focused()


def test_it_closes_once_what_was_typed_has_arrived(page: Page) -> None:
    """Else the shell is over before it, and it is said to be refused."""
    said: list[str] = []
    address = re.compile(r"/terminals/[^/]+$")

    def asked(request: Request) -> None:
        if address.search(request.url):
            said.append((request.post_data_json or {}).get("typed") or "…")

    def answered(response: Response) -> None:
        if address.search(response.url):
            said.append(str(response.status))

    def late(route: Route) -> None:
        if said[-1] == "x":
            page.locator("#terminal-close").click()
        route.continue_()

    opened(page)
    page.on("request", asked)
    page.on("response", answered)
    page.route(address, late)
    page.locator(".xterm-screen").click()
    page.keyboard.press("x")
    expect(page.locator("#terminal-state")).to_contain_text("Closed")
    assert said[said.index("x") :] == ["x", "200", "…", "200"]
    page.unroute(address)


def test_copy_and_paste(page: Page, browser: BrowserContext, served: Served) -> None:
    browser.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.origin)
    opened(page)
    page.evaluate("navigator.clipboard.writeText('echo p\\'\\'asted')")
    page.locator("#terminal-paste").click()
    expect(page.locator(".xterm-rows")).to_contain_text("asted")
    page.keyboard.press("Enter")
    expect(page.locator(".xterm-rows")).to_contain_text(re.compile(r"(^|[^'])pasted"))
    box = page.locator(".xterm-rows > div", has_text=re.compile("^pasted")).first.bounding_box()
    assert box
    page.mouse.dblclick(box["x"] + 10, box["y"] + box["height"] / 2)
    page.keyboard.press("Control+Shift+C")
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "pasted"


def test_a_flood_stays_in_its_bounds_and_can_be_stopped(page: Page, served: Served) -> None:
    opened(page)
    run(page, "yes flood", "flood")
    page.keyboard.press("Control+C")
    run(page, "echo sto''pped", "stopped")


def test_a_request_that_is_cut_is_made_again_unless_it_types(
    page: Page, served: Served, complaints: Complaints
) -> None:
    """As a browser cuts them on a machine whose networks change, when a container starts."""
    complaints.provoke("ERR_CONNECTION_RESET", "/terminals")
    cut: list[str] = []
    to_cut = ["open", "seen"]

    def once(route: Route) -> None:
        asked = route.request.post_data_json or {}
        kind = "typed" if asked.get("typed") else "seen" if "seen" in asked else "open"
        if route.request.method != "POST" or kind not in to_cut:
            return route.continue_()
        to_cut.remove(kind)
        cut.append(kind)
        return route.abort("connectionreset")

    page.route("**/terminals**", once)
    opened(page)
    run(page, "seq 30000 && echo cou''nted", "counted")
    assert cut == ["open", "seen"]
    expect(page.locator("#toast.failed")).to_have_count(0)
    to_cut.append("typed")
    page.keyboard.type("x")
    expect(page.locator("#toast")).to_contain_text("The server does not answer")
    assert cut == ["open", "seen", "typed"]
    page.unroute("**/terminals**")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_is_accessible_and_fits(page: Page, served: Served, language: str) -> None:
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        visit(page, served, language)
        if width == DESKTOP[0]:
            opened(page)
        run(page, "ls --color=always -la /", "usr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator(".terminal-addresses summary").click()
        assert small_targets(page) == []
        assert not (found := violations(page, colours=language == "fr")), found
        if SCREENSHOTS:
            page.screenshot(path=Path(SCREENSHOTS) / f"terminal-{language}-{width}.png")
    page.locator("#terminal-close").click()
    expect(page.locator("#terminal-open")).to_be_visible()
    assert not (found := violations(page, colours=language == "fr")), found


def test_a_closed_page_is_noticed(page: Page, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "QUIET_LOOKS", 1)
    opened(page)
    (mine,) = [one for one in served.terminals._known.values() if one.why is None]
    assert mine._left_s is None
    page.close()
    soon(lambda: mine._left_s is not None, "nobody looks")


def test_the_live_page_has_one_too(page: Page, served: Served) -> None:
    lab = served.sittings.sitting(1).lab
    page.goto(f"{served.origin}/labs/{lab}?lang=en")
    # What the first values make wider moves what is below, from under the pointer.
    expect(page.locator("#clock")).not_to_be_empty()
    opened(page)
    run(page, "echo li''ve", "live")
    assert not (found := violations(page)), found
    if SCREENSHOTS:
        page.locator("#terminal").screenshot(path=Path(SCREENSHOTS) / "terminal-live.png")


def test_a_stopped_lab_is_said(page: Page, served: Served, complaints: Complaints) -> None:
    opened(page)
    # The page may still be asking that lab when it is stopped.
    complaints.provoke("404", f"{served.origin}/labs/")
    served.sittings.stop_lab(1, ALICE)
    for one in served.terminals._known.values():
        if one.why is None:
            one._end.shutdown(socket.SHUT_RDWR)
    expect(page.locator("#terminal-state")).to_contain_text("The lab has been stopped")
    served.sittings.start_lab(1, ALICE)
