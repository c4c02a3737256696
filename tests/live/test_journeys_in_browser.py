"""Rogue scan and bearing alarm in Chromium, on real labs: rules and events, the monitor's panel, a check of each.

What is judged is as everywhere, on fewer hidden runs and machines than a class has: the author tests play them all.
"""

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from lab.connection import SupervisorClient
from lab.detection import hidden
from lab.detection.script import Assault, Script
from lab.exercises.catalog import exercise
from lab.exercises.folder import file_text
from lab.maintenance.fleet import draw
from lab.maintenance.hidden import Hidden
from lab.maintenance.life import Life, live
from lab.probes import maintenance
from tests.live.school import (
    Reader,
    School,
    check,
    choose_and_start,
    configure,
    hurry,
    picture,
    seated,
    write,
)
from tests.web.test_browser import DESKTOP, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.needs("chromium"), pytest.mark.needs("namespaces")]
FAST = 20.0
# One scan, in a run of a minute.
ONE_SCAN = Script(
    7,
    [
        Assault(
            40.0,
            "port_scan",
            "control",
            {"source": "10.20.1.133", "target": "plc1", "rate_per_s": 2.0, "count": 16},
        )
    ],
    [],
    length_s=75.0,
)
SCAN = Reader("en", DESKTOP, {"begin": "Begin", "title": "Detect a rogue device and a scan"})
BEARING = Reader(
    "fr",
    PHONE,
    {"begin": "Commencer", "title": "Alarme de roulement sur le flux", "applied": "Appliqué"},
)


def test_rules_see_a_scan(
    school: School, labs: SupervisorClient, browser: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden, "scripts", lambda _line, _seed: [ONE_SCAN])
    with seated(school, labs, browser, "omar", SCAN) as (page, person):
        sitting = choose_and_start(page, school, person, SCAN, "plc1")
        with labs.attach(sitting.lab) as lab:
            hurry(school, sitting, lab, FAST)
            _practise(page)
            _write_rules(page)
            check(page)
        picture(page, SCAN, "rogue-scan")
        expect(outcome(page, "pass", "scan")).to_be_visible()
        expect(outcome(page, "pass", "live")).to_be_visible()
        expect(outcome(page, "pass", "scan").locator(".why").first).to_contain_text("Score, scan: 100")
        expect(page.locator("#score")).not_to_have_text("0")


def outcome(page: Page, outcome: str, step: str) -> Locator:
    return page.locator(f'.step[data-step="{step}"][data-outcome="{outcome}"]')


def _practise(page: Page) -> None:
    """An attack of one's own, seen in the table of events."""
    page.locator("#tab-events").click()
    expect(page.locator("table.events tbody tr").first).to_be_visible()
    page.get_by_role("button", name="scan").first.click()
    expect(page.locator("#practice-said")).not_to_be_empty()
    page.locator('#events-filter select[name="log"]').select_option("conn", timeout=30_000)
    page.locator('#events-filter input[type="search"]').fill("REJ")
    expect(page.locator("table.events tbody tr").first).to_be_visible(timeout=30_000)


def _write_rules(page: Page) -> None:
    rules = file_text(exercise("rogue-scan"), "solutions/reference.yml", {})
    page.locator("#tab-rules").click()
    write(page, "rules", rules.replace("timespan: 60s", "timespan: soon", 1))
    expect(page.locator("#rules-problem")).to_be_visible()
    expect(page.locator("#rules-editor .cm-lint-marker-error")).to_have_count(1)
    write(page, "rules", rules)
    expect(page.locator("#rules-problem")).to_be_hidden()
    page.locator("#rules-save").click()
    expect(page.locator("#rules-state")).to_contain_text("Saved")
    page.locator("#rules-try").click()
    expect(page.locator("#rules-found tbody tr", has_text="Port scan").first).to_be_visible()


def test_a_monitor_is_set_and_alarms(
    school: School, labs: SupervisorClient, browser: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_hidden", Hidden(_two_machines))
    with seated(school, labs, browser, "lea", BEARING) as (page, person):
        sitting = choose_and_start(page, school, person, BEARING, "plc1")
        page.locator("#tab-monitor").click()
        expect(page.locator("#monitor-state")).to_contain_text("Aucune machine n'est surveillée")
        with labs.attach(sitting.lab) as lab:
            hurry(school, sitting, lab, 2 * FAST)
            _set_the_monitor(page)
            _watch_it_learn(page)
            check(page)
        picture(page, BEARING, "bearing-alarm")
        expect(outcome(page, "pass", "live")).to_be_visible()


def _two_machines(seed: int) -> list[Life]:
    return [live(machine) for machine in draw(seed)[:2]]


def _set_the_monitor(page: Page) -> None:
    # Fewer windows to learn than a solution has, for the journey is short; not so few that a sound machine alarms.
    text = file_text(exercise("bearing-alarm"), "solutions/reference.yaml", {})
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("monitor")
    write(page, "configuration", text.replace("pump_motor", "pump_engine"))
    expect(page.locator("#configuration-problem")).to_contain_text("pump_engine")
    configure(page, BEARING, "monitor", text.replace("windows: 60", "windows: 40"))


def _watch_it_learn(page: Page) -> None:
    page.locator("#tab-monitor").click()
    share = page.locator('[data-monitor="index"]')
    expect(share.locator("strong")).to_have_text("Part du niveau d'alarme", timeout=30_000)
    expect(page.locator("#monitor-state")).to_contain_text("Référence apprise", timeout=60_000)
    expect(page.locator('[data-monitor="envelope_db"] output')).to_contain_text("dB")
    expect(page.locator('[data-monitor="envelope_db"] small')).to_contain_text("Normal")
