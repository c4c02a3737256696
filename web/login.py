"""The one-time login link, and leaving."""

import hashlib
import hmac
from pathlib import Path

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from web import failures
from web.security import sign_in, signed_in
from web.settings import settings

blueprint = Blueprint("login", __name__)


@blueprint.get("/login/<token>")
def enter(token: str) -> ResponseReturnValue:
    """Open a session for who holds an unspent token."""
    if signed_in():
        return redirect(url_for("overview.show"))
    # A HEAD is a preview of the link, not its use.
    if request.method == "HEAD":
        return "", 204
    given = settings()
    if not spend(token, given.login_tokens, given.folder):
        return failures.unauthorized()
    sign_in()
    return redirect(url_for("overview.show"))


@blueprint.post("/logout")
def leave() -> ResponseReturnValue:
    """End this browser's session."""
    session.clear()
    return failures.unauthorized()


def spend(token: str, known: frozenset[str], folder: Path) -> bool:
    """Whether `token` opens a session: it is known, and nobody used it before, in this process or another."""
    if not any(hmac.compare_digest(token.encode(), other.encode()) for other in known):
        return False
    spent = folder / "spent_links"
    spent.mkdir(parents=True, exist_ok=True)
    try:
        (spent / hashlib.sha256(token.encode()).hexdigest()).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True
