"""What goes wrong, said in the reader's language: a page for a person, JSON for a script."""

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from simulators.errors import InputError, NotFoundError, UsineError

FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def install(app: Flask) -> None:
    """Answer every error that a view lets through."""
    app.register_error_handler(UsineError, _ours)
    app.register_error_handler(OSError, _unreachable)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)


def unauthorized(spent: bool = False, left: bool = False) -> ResponseReturnValue:
    """No session: the form, or words for a script. `spent`: after a link that opens nothing; `left`: after leaving."""
    message = gettext("Open the one-time link that “lab up” printed in its terminal or that your instructor gave you, or sign in with your name. Each link works once: to get a new one, stop “lab up” with Ctrl-C and start it again, or ask your instructor.")  # fmt: skip
    if not _wants_page() and not left:
        return jsonify(error=message), 401
    onward = "" if left or spent else request.full_path.rstrip("?")
    return render_template("login.html", message=message, spent=spent, left=left, onward=onward), 401


def forbidden(owned: bool) -> ResponseReturnValue:
    """Signed in, but not for this. What belongs to somebody else is told from what does not exist to nobody."""
    if owned:
        return _answer(404, gettext("Not found"), gettext("No exercise or lab of yours has this address: go back to your exercises."))  # fmt: skip
    return _answer(403, gettext("For instructors"), gettext("Only an instructor may do this: ask yours."))


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
            404, gettext("Not found"), gettext("No page has this address: go back to the first page.")
        )
    if code == 413:
        return _answer(413, gettext("This cannot be done"), gettext("This text is too long: shorten it."))
    if code == 429:
        return _answer(429, gettext("Too many attempts"), gettext("Wait a minute, then try again."))
    if code >= 500:
        return _answer(
            code, gettext("Internal error"), gettext("Reload the page; “lab logs” tells what happened.")
        )
    return _answer(code, gettext("This cannot be done"), error.name)


def _answer(code: int, title: str, message: str) -> ResponseReturnValue:
    if _wants_page():
        return render_template("failure.html", title=title, message=message), code
    return jsonify(error=message), code


def _wants_page() -> bool:
    """A person's browser opens a page, or sends a form; our modules ask for JSON."""
    best = request.accept_mimetypes.best_match(("text/html", "application/json"), "text/html")
    return best == "text/html" and (request.method == "GET" or request.mimetype in FORMS)
