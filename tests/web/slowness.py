"""A slow network between pages and browser, on demand: `USINE_SLOW_PAGES=1`."""

import os
import random
import time

from flask import Flask, request

SCRIPT_S = (0.0, 0.1, 0.5, 1.5)
OTHER_S = (0.0, 0.0, 0.1, 0.3)


def slowed(app: Flask) -> Flask:
    """The same; each answer comes late by one of these times, drawn anew, where the environment asks for it."""
    if os.environ.get("USINE_SLOW_PAGES"):
        app.before_request(_wait)
    return app


def _wait() -> None:
    script = request.path.endswith("js")
    if script or request.endpoint != "static":
        time.sleep(random.choice(SCRIPT_S if script else OTHER_S))
