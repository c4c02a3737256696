"""What a browser may do with our pages."""

import secrets
from typing import Any

from flask import Flask, Response, g, request


def install(app: Flask) -> None:
    """Number each page, and set the headers of every answer."""
    app.before_request(_number_page)
    app.after_request(_headers)
    app.context_processor(lambda: {"csp_nonce": g.csp_nonce})


def _number_page() -> None:
    g.csp_nonce = secrets.token_urlsafe(16)


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
