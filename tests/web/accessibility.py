"""What axe finds against WCAG 2.1, levels A and AA."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
# Four fifths of the time.
WITHOUT_COLOURS = {**RULES, "rules": {"color-contrast": {"enabled": False}}}


def violations(page: Page, colours: bool = True) -> str:
    """A report of those of the page, empty where there is none; `colours`: contrast is looked at, which has no language."""
    results = Axe().run(page, options=RULES if colours else WITHOUT_COLOURS)
    return str(results.generate_report()) if results.violations_count else ""
