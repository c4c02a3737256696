"""The instructor's pages in Chromium: a class from its roster to its grades, by mouse and by keyboard."""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from lab.training.contract import Classroom, Cohorts, Inject, Mend, Pause
from simulators.model import Line
from tests.chromium import Complaints, chromium, held
from tests.waiting import soon
from tests.web.accessibility import violations
from tests.web.fake_training import OWNER, STRONG, FakePeople, FakeSittings, words
from tests.web.instructor.conftest import EXERCISE, ROSTER
from tests.web.instructor.fake_class import FakeClass, FakeClassroom
from tests.web.serving import Served, serving
from tests.web.targets import small_targets
from tests.web.test_browser import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium")]

SCREENSHOTS = os.environ.get("USINE_SCREENSHOTS")
ALERT = "Yasmine <script>alert(1)</script>"


def of_class(people: FakePeople, sittings: FakeSittings) -> tuple[Cohorts, Classroom]:
    cohorts = FakeClass(people, sittings)
    return cohorts, FakeClassroom(sittings, cohorts)


@pytest.fixture(scope="module")
def served(line: Line) -> Iterator[Served]:
    with serving(line, 0.2, of_class=of_class) as place:
        yield place


@pytest.fixture(scope="module")
def browser(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """One Chromium for the module; the instructor is signed in."""
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        name, _, value = served.cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": served.origin}])
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.origin)
        yield context


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: BrowserContext, served: Served, complaints: Complaints) -> Iterator[Page]:
    """Fails on a console error, an exception, or a request to anybody else."""
    page = browser.new_page()
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    complaints.hear(page, served.origin)
    yield page
    page.close()
    assert not complaints.left


@pytest.fixture
def cohorts(served: Served) -> FakeClass:
    given = served.settings.cohorts
    assert isinstance(given, FakeClass)
    given.failing, given.paused = set(), set()
    return given


@pytest.fixture
def classroom(served: Served) -> FakeClassroom:
    given = served.settings.classroom
    assert isinstance(given, FakeClassroom)
    given.asked.clear()
    return given


@pytest.fixture
def matrix(page: Page, served: Served, cohorts: FakeClass) -> str:
    """The address of a matrix of three, launched, not checked; the page is on it."""
    number = len(cohorts.known) + 1
    made, _ = cohorts.create(f"Group {number}", ROSTER)
    cohorts.launch(made.id, EXERCISE, OWNER)
    here = f"{served.origin}/instructor/cohorts/{made.id}/exercises/{EXERCISE}"
    page.goto(f"{here}?lang=en")
    expect(page.locator("#matrix tbody tr")).to_have_count(3)
    return here


def cell(page: Page, row: int, step: int) -> Locator:
    return page.locator("#matrix tbody tr").nth(row).locator("td.step a").nth(step)


def sitting_of(page: Page, row: int) -> int:
    link = page.locator("#matrix tbody tr").nth(row).locator("a.who-name").get_attribute("href")
    return int((link or "").rpartition("/")[2])


def test_a_link_is_copied_by_a_press_that_came_before_the_scripts(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/instructor/cohorts/new?lang=en")
    page.get_by_label("Name of the cohort").fill("Early class")
    page.get_by_label("Trainees, a line each").fill("Omar Diallo")
    with held(page, "links.mjs"):
        page.get_by_role("button", name="Make the cohort and its links").click(no_wait_after=True)
        page.get_by_role("button", name="Copy the link of Omar Diallo").click()
        expect(page.locator("#toast")).to_be_empty()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("code.address").text_content()


def test_a_class_from_its_roster_to_its_matrix(
    page: Page, served: Served, cohorts: FakeClass, complaints: Complaints
) -> None:
    page.goto(f"{served.origin}/instructor?lang=en")
    page.get_by_role("link", name="cohort").first.click()
    page.get_by_label("Name of the cohort").fill("Evening class")
    complaints.provoke("400 (BAD REQUEST)", "/cohorts")
    page.get_by_label("Trainees, a line each").fill(f"{ALERT}\nOmar Diallo;nowhere")
    page.get_by_role("button", name="Make the cohort and its links").click()
    expect(page.get_by_role("alert")).to_contain_text("Lines to correct: 1")
    expect(page.locator(".to-correct li")).to_contain_text("email refused: nowhere")
    page.get_by_role("button", name="Line 2").click()
    roster = page.get_by_label("Trainees, a line each")
    expect(roster).to_be_focused()
    chosen = roster.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen == "Omar Diallo;nowhere"
    page.get_by_label("Trainees, a line each").fill(f"{ALERT}\nOmar Diallo;omar@example.org")
    page.get_by_role("button", name="Make the cohort and its links").click()
    expect(page.locator("code.address")).to_have_count(2)
    expect(page.get_by_role("rowheader", name=ALERT)).to_be_visible()

    page.get_by_role("button", name="Copy the link of Omar Diallo").click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("code.address").nth(1).text_content()
    page.get_by_role("button", name="Copy all").click()
    expect(page.locator("#toast")).to_contain_text("2 links copied")
    assert page.evaluate("navigator.clipboard.readText()").splitlines()[1] == f"Omar Diallo\t{copied}"
    page.emulate_media(media="print")
    expect(page.locator(".slip")).to_have_count(2)
    expect(page.locator(".slip code").nth(1)).to_have_text(copied)
    expect(page.get_by_role("button", name="Copy all")).to_be_hidden()
    page.emulate_media(media="screen")

    page.get_by_role("link", name="Go to the cohort").click()
    page.get_by_role("button", name="Go on…").click()
    expect(page.locator(".facts")).to_contain_text("50 MiB")
    cohorts.failing = {cohorts.all()[0].people[1].id}
    page.get_by_role("button", name="Launch for the whole cohort").click()
    expect(page.locator("#launch-state")).to_contain_text("Launched: 1 of 2 green in")
    expect(page.locator("#failure-list")).to_contain_text("Omar Diallo plc1: port 502 silent")
    cohorts.failing = set()
    cohorts.sittings.before = 3
    cohorts.sittings.go.clear()
    page.get_by_role("button", name="Try those again").click()
    expect(page.locator("#launch-list li", has_text="Omar Diallo")).to_contain_text(
        "In the queue: 3 labs before"
    )
    cohorts.sittings.go.set()
    expect(page.locator("#launch-state")).to_contain_text("Launched: 2 of 2 green in")
    expect(page.locator("#failures")).to_be_hidden()
    page.get_by_role("link", name="Live progress").click()
    expect(page.locator("#matrix .labstate .word").first).to_have_text("Running")
    expect(page.locator("#matrix td.lab .runtime").first).to_have_text("docker")
    expect(page.locator("#counts")).to_contain_text("running: 2, failed: 0")


def test_the_matrix_turns_without_losing_the_focus(page: Page, served: Served, matrix: str) -> None:
    assert matrix
    watched = cell(page, 1, 0)
    expect(watched.locator(".sr")).to_contain_text("step 1: Not checked yet")
    watched.focus()
    number = sitting_of(page, 1)
    work = served.sittings.work[number]
    served.sittings.take_hint(number, work.sitting.person, "anonymous")
    work.texts["plc2"].append(STRONG.replace("enforced", "accept_any"))
    served.sittings.check(number, work.sitting.person)
    expect(watched.locator(".mark")).to_have_text("✓")
    expect(watched.locator(".hints")).to_have_text("▪")
    expect(watched.locator(".sr")).to_contain_text("Passed, hints taken: 1")
    expect(cell(page, 1, 1).locator(".mark")).to_have_text("✗")
    expect(page.locator("#matrix tbody tr").nth(1).locator(".score")).to_have_text("20.0")
    expect(watched).to_be_focused()
    expect(page.locator("th[data-step=anonymous] .passed")).to_have_text("1 ✓")


def test_the_matrix_by_keyboard(page: Page, matrix: str) -> None:
    assert matrix
    stops = page.locator("#matrix [tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(cell(page, 1, 1)).to_be_focused()
    expect(stops).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#evidence")).to_be_visible()
    expect(page.locator("#evidence-title")).to_contain_text("Known certificates")
    expect(page.locator("#evidence-body")).to_contain_text("No check of this step yet")
    page.keyboard.press("Escape")
    expect(cell(page, 1, 1)).to_be_focused()
    page.keyboard.press("Control+Home")
    expect(page.locator("#pick-all")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#targets")).to_have_text("3 selected")


def test_the_last_evidence_asked_for_is_shown(page: Page, matrix: str) -> None:
    assert matrix
    first = (cell(page, 1, 0).get_attribute("href") or "").rpartition("/")[2]
    with page.expect_response(re.compile(f"/{first}[?]part")) as late, held(page, f"{first}?part=1"):
        cell(page, 1, 0).click()
        cell(page, 1, 1).click()
        expect(page.locator("#evidence-title")).to_contain_text("Known certificates")
    late.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    expect(page.locator("#evidence-title")).to_contain_text("Known certificates")


def test_sorted_and_filtered(page: Page, served: Served, matrix: str) -> None:
    assert matrix
    number = sitting_of(page, 2)
    served.sittings.work[number].texts["plc2"].append(STRONG)
    served.sittings.check(number, served.sittings.work[number].sitting.person)
    expect(page.locator("#matrix tbody tr").nth(2).locator(".score")).to_have_text("100.0")
    page.get_by_role("button", name="Score").click()
    expect(page.locator("#matrix tbody tr").first.locator(".who")).to_contain_text("Émilie")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Score")
    page.locator("#only").select_option("finished")
    expect(page.locator("#matrix tbody tr:visible")).to_have_count(1)
    expect(page.locator("#shown")).to_have_text("1 of 3 shown")
    page.locator("#only").select_option("all")
    page.locator("#filter").fill("nobody of this name")
    expect(page.locator("#no-row")).to_be_visible()


def test_a_fault_in_those_chosen_and_its_undo(page: Page, classroom: FakeClassroom, matrix: str) -> None:
    assert matrix
    numbers = [sitting_of(page, row) for row in (0, 2)]
    for row in (0, 2):
        page.locator("#matrix tbody tr").nth(row).get_by_role("checkbox").check()
    page.get_by_role("button", name="Inject a fault…").click()
    dialog = page.locator("#act-fault")
    expect(dialog.locator(".targets")).to_contain_text("To 2 labs: Chloé Lefèvre")
    dialog.locator("[name=asset]").select_option("pump")
    dialog.locator("[name=mode]").select_option("wear")
    dialog.get_by_role("button", name="Cancel").click()
    assert not classroom.asked
    page.get_by_role("button", name="Inject a fault…").click()
    dialog.get_by_role("button", name="Inject the fault").click()
    expect(page.locator("#results-said")).to_have_text("Inject a fault: done in 2 labs.")
    assert classroom.asked == [(numbers, Inject("pump", "wear", 0.5))]
    page.get_by_role("button", name="Undo: Inject a fault").click()
    expect(page.locator("#results-said")).to_have_text("Undo: Inject a fault: done in 2 labs.")
    assert classroom.asked[-1] == (numbers, Mend("pump", "wear"))


def test_all_are_paused_but_one_that_refuses(
    page: Page, served: Served, classroom: FakeClassroom, matrix: str
) -> None:
    assert matrix
    served.sittings.stop_lab(sitting_of(page, 1), OWNER)
    expect(page.locator("#matrix tbody tr").nth(1).locator(".labstate .word")).to_have_text("No lab")
    page.get_by_role("button", name="Pause…").click()
    expect(page.locator("#act-pause .targets")).to_contain_text("To 3 labs:")
    page.locator("#act-pause").get_by_role("button", name="Pause").click()
    expect(page.locator("#results-said")).to_have_text("Pause: done in 2 labs, refused in 1.")
    first = page.locator("#results-list li").first
    expect(first).to_contain_text("the lab does not run; start it")
    assert isinstance(classroom.asked[0][1], Pause)
    expect(page.locator("#matrix tbody tr").nth(0).locator(".labstate .word")).to_have_text("Paused")


def test_the_truth_stands_beside_what_operators_see(page: Page, served: Served, matrix: str) -> None:
    number = sitting_of(page, 0)
    page.goto(f"{served.origin}/instructor/sittings/{number}")
    level = page.locator('[data-truth="RawTank.Level"]')
    expect(level.locator(".real")).to_have_text("12.5")
    expect(level).to_have_class("differs")
    expect(level.locator(".sign")).to_have_text("≠")
    expect(page.locator("#differences")).to_have_text("Values that differ from the truth: 1")
    page.get_by_label("Different only").check()
    expect(page.locator("[data-truth]:visible")).to_have_count(1)
    page.get_by_role("button", name="Inject a fault…").click()
    dialog = page.locator("#act-fault")
    expect(dialog.locator(".targets")).to_have_text("To the lab of Chloé Lefèvre")
    dialog.locator("[name=asset]").select_option("pump")
    dialog.locator("[name=mode]").select_option("cavitation")
    dialog.get_by_role("button", name="Inject the fault").click()
    expect(page.locator("#active-faults")).to_contain_text("Feed pump: Cavitation, severity 0.50")


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("fr", PHONE)])
def test_no_accessibility_violation(
    page: Page, served: Served, matrix: str, language: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    number = sitting_of(page, 0)
    served.sittings.check(number, served.sittings.work[number].sitting.person)
    cohort = matrix.partition("/exercises/")[0]
    sitting = f"{served.origin}/instructor/sittings/{number}"
    places = [
        f"{served.origin}/instructor", f"{served.origin}/instructor/cohorts/new", cohort, f"{matrix}/launch",
        f"{matrix}/launch/progress", matrix, f"{matrix}/grades", sitting, f"{sitting}/steps/trust",
    ]  # fmt: skip
    for place in places:
        page.goto(f"{place}?lang={language}")
        check(page, size[0])
    page.goto(f"{matrix}?lang={language}")
    for name in ("fault", "reset"):
        page.locator(f"[data-act={name}]").click()
        check(page, size[0])
        page.keyboard.press("Escape")


STEPS = [
    ("Canal chiffré", "Enciphered channel"),
    ("Chacun son compte", "An account for each"),
    ("Juste les droits qu'il faut", "Just the rights that are needed"),
    ("Liste de confiance", "Trust list"),
    ("Verrouiller sans arrêter", "Lock out without stopping"),
    ("Laisser une trace", "Leave a trace"),
]


def test_a_class_of_thirty_is_seen_with_little_scrolling(
    page: Page, served: Served, cohorts: FakeClass
) -> None:
    known = served.sittings.known[0]
    steps = [
        msgspec.structs.replace(known.steps[0], id=f"step-{number}", name=words(*names))
        for number, names in enumerate(STEPS)
    ]
    served.sittings.known[0] = msgspec.structs.replace(known, steps=steps)
    try:
        roster = "\n".join(f"Marie-Charlotte de la Tour {number:02}" for number in range(30))
        made, _ = cohorts.create("Thirty", roster)
        cohorts.launch(made.id, EXERCISE, OWNER)
        for language in ("en", "fr"):
            page.goto(f"{served.origin}/instructor/cohorts/{made.id}/exercises/{EXERCISE}?lang={language}")
            rows = page.locator("#matrix tbody tr")
            expect(rows).to_have_count(30)
            heights = rows.evaluate_all("(rows) => rows.map((row) => row.getBoundingClientRect().height)")
            assert max(heights) <= 26, "a name wraps, or a row is high"
            assert _fully_seen(rows) >= 22
            page.mouse.wheel(0, 400)
            soon(partial(_whole_class_seen, rows), "one turn of the wheel shows the whole class")
            assert page.locator("#matrix thead").bounding_box()["y"] > 0  # type: ignore[index]
    finally:
        served.sittings.known[0] = known


def _fully_seen(rows: Locator) -> int:
    count: int = rows.evaluate_all(
        "(rows) => rows.filter((row) => { const box = row.getBoundingClientRect(); "
        "return box.top >= 0 && box.bottom <= innerHeight; }).length"
    )
    return count


def _whole_class_seen(rows: Locator) -> bool:
    return _fully_seen(rows) == 30


def test_the_head_and_the_names_stay_where_they_are(page: Page, matrix: str) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(matrix)
    expect(page.locator("#matrix tbody tr")).to_have_count(3)
    name = page.locator("#matrix tbody th").first
    before = name.bounding_box()
    page.locator(".matrix-scroll").evaluate(
        "(box) => { box.style.maxHeight = '6rem'; box.scrollTo(200, 40); }"
    )
    after, head = name.bounding_box(), page.locator("#matrix thead th").nth(1).bounding_box()
    box = page.locator(".matrix-scroll").bounding_box()
    assert before
    assert after
    assert head
    assert box
    assert after["x"] == pytest.approx(box["x"], abs=1), "the names did not go with the rest"
    assert head["y"] == pytest.approx(box["y"], abs=1), "nor did the head"


def check(page: Page, width: int) -> None:
    assert not (found := violations(page)), f"{page.url}: {found}"
    assert small_targets(page) == [], page.url
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{page.url} is {wide} px wide at {width}"


@pytest.mark.skipif(SCREENSHOTS is None, reason="pictures for a person: set USINE_SCREENSHOTS to a folder")
def test_screenshots(page: Page, served: Served, matrix: str) -> None:
    sitting = f"{served.origin}/instructor/sittings/{sitting_of(page, 0)}"
    places = {
        "dashboard": f"{served.origin}/instructor",
        "matrix": matrix,
        "trainee": sitting,
        "grades": f"{matrix}/grades",
    }
    for language in ("fr", "en"):
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            for name, place in places.items():
                page.goto(f"{place}?lang={language}")
                page.screenshot(path=Path(SCREENSHOTS or ".") / f"instructor-{name}-{language}-{width}.png")
