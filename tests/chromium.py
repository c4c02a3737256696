"""Chromium from the system, driven by Playwright, with a profile of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import NAMES

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Route

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # One process for the pages of a test after another's: all are ours.
    "--renderer-process-limit=1", "--disable-features=IsolateOrigins,site-per-process",
]  # fmt: skip


@contextmanager
def chromium(profile: Path, limit_ms: float = 30_000) -> "Iterator[BrowserContext]":
    """A browser in English whose every step may take `limit_ms`."""
    # Here, for who has no browser still collects the tests.
    from playwright.sync_api import expect, sync_playwright

    # Beside other tests a page takes longer than the five seconds that Playwright gives.
    expect.set_options(timeout=limit_ms)
    program = next(found for name in NAMES["chromium"] if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=ARGUMENTS,
            locale="en-GB",
            # What moves without end takes a third of a core without a graphics card: what tests it turns it on.
            reduced_motion="reduce",
        )
        context.set_default_timeout(limit_ms)
        yield context
        context.close()


@contextmanager
def held(page: "Page", end: str) -> "Iterator[None]":
    """What `page` asks for at addresses with that end is on its way until the block's, as on a slow network.

    Where it is a script of the page, go there with `wait_until="commit"`.
    """
    waiting: list[Route] = []
    page.route(f"**/{end}", lambda route: waiting.append(route))
    yield
    assert waiting, f"nobody asked for {end}"
    for one in waiting:
        one.continue_()
    page.unroute(f"**/{end}")


class Complaints:
    """What pages do wrong: console errors with their address, exceptions, requests to anybody but who served them."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._provoked: list[tuple[str, ...]] = []

    def hear(self, page: "Page", origin: str) -> None:
        """From now on."""
        own = (origin, "blob:", "data:")
        page.on("console", lambda m: self._console(m) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._heard.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(own) else self._heard.append(r.url))

    def _console(self, message: "ConsoleMessage") -> None:
        self._heard.append(f"{message.text} {message.location['url']}")

    def provoke(self, *words: str) -> None:
        """The test itself makes the page say what has all these words."""
        self._provoked.append(words)

    @property
    def left(self) -> list[str]:
        """What no test provoked."""
        return [
            one
            for one in self._heard
            if not any(all(word in one for word in words) for words in self._provoked)
        ]
