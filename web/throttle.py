"""How often a stranger may try to come in."""

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

# A class behind one address signs in within a minute; who tries passwords tries one name.
LIMITS_BY_NAME = "6 per minute; 40 per hour"
LIMITS_BY_ADDRESS = "120 per minute"

limiter = Limiter(key_func=get_remote_address, storage_uri="memory://")


def install(app: Flask) -> None:
    """Counts are this process's own: there is one."""
    limiter.init_app(app)


def name_tried() -> str:
    """Whom a form wants to sign in as, from where."""
    return f"{get_remote_address()} {request.form.get('name', '').strip().casefold()[:64]}"
