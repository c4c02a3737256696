"""What goes wrong, said in the reader's language: a page for a person, JSON for a script."""

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from simulators.errors import InputError, NotFoundError, UsineError


def install(app: Flask) -> None:
    """Answer every error that a view lets through."""
    app.register_error_handler(UsineError, _ours)
    app.register_error_handler(OSError, _unreachable)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)


def unauthorized() -> ResponseReturnValue:
    """No session: say where the link is."""
    return _answer(
        401,
        gettext("Sign in with your link"),
        gettext("Open the one-time link that “lab up” printed in its terminal. Each link works once: to get a new one, stop “lab up” with Ctrl-C and start it again."),
    )  # fmt: skip


def _ours(error: UsineError) -> ResponseReturnValue:
    if isinstance(error, NotFoundError):
        return _answer(404, gettext("Not found"), str(error))
    if isinstance(error, InputError):
        return _answer(400, gettext("This cannot be done"), str(error))
    return _answer(503, gettext("The lab does not answer"), str(error))


def _unreachable(error: OSError) -> ResponseReturnValue:
    current_app.logger.warning("supervisor_unreachable %s", error)
    return _answer(
        503,
        gettext("The supervisor does not answer"),
        gettext("Check that “lab up” still runs in its terminal, then reload this page."),
    )


def _forged(_error: CSRFError) -> ResponseReturnValue:
    return _answer(
        400, gettext("This page is too old"), gettext("Its session has changed: reload it and try again.")
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code == 404:
        return _answer(
            404, gettext("Not found"), gettext("No page has this address: go back to the list of labs.")
        )
    if code >= 500:
        return _answer(
            code, gettext("Internal error"), gettext("Reload the page; “lab logs” tells what happened.")
        )
    return _answer(code, gettext("This cannot be done"), error.name)


def _answer(code: int, title: str, message: str) -> ResponseReturnValue:
    if request.accept_mimetypes.best_match(
        ("text/html", "application/json"), "text/html"
    ) == "text/html" and (request.method == "GET"):
        return render_template("failure.html", title=title, message=message), code
    return jsonify(error=message), code
