"""Who may come in, and what a browser may do with our pages."""

import secrets
from typing import Any

from flask import Flask, Response, g, request, session
from flask.typing import ResponseReturnValue

from web import failures

# Everything else asks for a session.
PUBLIC = frozenset({"login.enter", "static"})


def install(app: Flask) -> None:
    """Deny anonymous requests first, then set the headers of every answer."""
    app.before_request(_number_page)
    app.before_request(_deny_anonymous)
    app.after_request(_headers)
    app.context_processor(lambda: {"csp_nonce": g.csp_nonce, "signed_in": signed_in()})


def sign_in() -> None:
    """Open this browser's session."""
    session.clear()
    session["user"] = "owner"


def signed_in() -> bool:
    return session.get("user") == "owner"


def _number_page() -> None:
    g.csp_nonce = secrets.token_urlsafe(16)


def _deny_anonymous() -> ResponseReturnValue | None:
    if request.endpoint in PUBLIC or signed_in():
        return None
    return failures.unauthorized()


def _headers(response: Response) -> Response:
    nonce = getattr(g, "csp_nonce", "")
    policy: dict[str, Any] = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    response.headers["Content-Security-Policy"] = "; ".join(f"{key} {value}" for key, value in policy.items())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response
