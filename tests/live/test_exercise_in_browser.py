"""A trainee follows the OPC UA hardening from the link to 100, in Chromium, in French on a desktop and in English on a phone."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lab.connection import SupervisorClient
from lab.exercises.catalog import exercise
from lab.exercises.folder import file_text
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
ID = "opcua-hardening"
FAST = 5.0
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")

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
    with seated(school, labs, browser, "zoe", reader) as (page, person):
        sitting = choose_and_start(page, school, person, reader, "plc2")
        with labs.attach(sitting.lab) as lab:
            hurry(school, sitting, lab, FAST)
            _fail_first(page, reader)
            _take_a_hint(page, reader)
            _harden(page, reader, sitting.parameters)
            _reach_one_hundred(page, reader)
        _find_everything_again(page)
        picture(page, reader, f"{ID}-100")


def _fail_first(page: Page, reader: Reader) -> None:
    check(page)
    expect(page.locator(".step").first).to_have_attribute("data-outcome", "fail")
    expect(page.locator("#score")).to_have_text("0")
    first = page.locator(".step").first.locator(".verdicts > li[data-outcome='fail']").first
    first.locator("summary").click()
    expect(first.locator(".evidence").first).to_contain_text("opcua.")
    picture(page, reader, f"{ID}-failing")


def _take_a_hint(page: Page, reader: Reader) -> None:
    page.locator("#hint-channel").click()
    page.locator("#confirm-yes").click()
    expect(page.locator('[data-step="channel"] .clue')).to_contain_text(reader.words["hint"])


def _harden(page: Page, reader: Reader, parameters: dict[str, object]) -> None:
    known = exercise(ID)
    page.locator("#tab-configuration").click()
    configure(page, reader, "scada", file_text(known, "solutions/scada.yaml", parameters))
    page.locator("#tab-lab").click()
    detail = page.locator('[data-device="scada"] .detail')
    expect(detail).to_contain_text("sha256:", timeout=30_000)
    found = FINGERPRINT.search(detail.text_content() or "")
    assert found
    text = file_text(known, "solutions/plc2.yaml", parameters).replace("SCADA-FINGERPRINT", f'"{found[0]}"')
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("plc2")
    write(page, "configuration", text.replace("anonymous: denied", "anonymous: maybe"))
    expect(page.locator("#configuration-problem")).to_contain_text("anonymous")
    configure(page, reader, "plc2", text)
    page.locator("#tab-lab").click()
    expect(page.locator('[data-device="scada"]')).to_have_attribute("data-health", "ok", timeout=30_000)


def _reach_one_hundred(page: Page, reader: Reader) -> None:
    check(page)
    expect(page.locator("#score")).to_have_text("100")
    expect(page.locator('.step[data-outcome="pass"]')).to_have_count(6)
    expect(page.locator("#check-done")).to_contain_text(reader.words["out"])


def _find_everything_again(page: Page) -> None:
    page.reload()
    expect(page.locator("#score")).to_have_text("100")
    page.locator("#tab-steps").click()
    expect(page.locator('[data-step="channel"] .clue')).to_be_visible()
    page.locator("#tab-timeline").click()
    expect(page.locator('.timeline li[data-kind="checked"]')).to_have_count(2)
    page.locator("#tab-configuration").click()
    page.locator("#configuration-device").select_option("plc2")
    expect(page.locator("#configuration-editor")).to_contain_text("Basic256Sha256_SignAndEncrypt")
