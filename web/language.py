"""The reader's language: asked for, remembered, else the browser's, else French."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Flask, Response, g, request
from flask_babel import Babel, format_datetime

from simulators.text import Language, Text, set_language

COOKIE = "usine_language"
LANGUAGES: tuple[Language, ...] = ("fr", "en")
YEAR_S = 365 * 24 * 3600


def install(app: Flask) -> None:
    """Choose before every request, for the pages and for the errors of the labs; remember a choice."""
    Babel(app, default_locale="fr", locale_selector=lambda: g.language)
    app.before_request(_choose)
    app.after_request(_remember)
    app.teardown_request(lambda _error: set_language(None))
    app.context_processor(lambda: {"language": g.language})
    app.jinja_env.globals["languages"] = {"fr": "Français", "en": "English"}
    app.jinja_env.globals["language_url"] = language_url
    app.jinja_env.filters["reader"] = reader
    app.jinja_env.filters["moment"] = moment


def chosen() -> Language:
    """The language of this request."""
    code: Language = g.language
    return code


def reader(text: Text) -> str:
    """The words of `text` for this reader (a template filter)."""
    return text.in_language(chosen())


def moment(unix_s: float) -> str:
    """Day and time of `unix_s` (a template filter), in universal time: the page's modules show the reader's own."""
    return str(format_datetime(datetime.fromtimestamp(unix_s, UTC), "short"))


def language_url(code: str) -> str:
    """The address of this page in another language (a template function)."""
    return f"{request.path}?{urlencode({**request.args, 'lang': code})}"


def _choose() -> None:
    g.language = _known(request.args.get("lang")) or _known(request.cookies.get(COOKIE)) or _preferred()
    set_language(g.language)


def _known(code: str | None) -> Language | None:
    return next((known for known in LANGUAGES if known == code), None)


def _preferred() -> Language:
    return _known(request.accept_languages.best_match(LANGUAGES)) or "fr"


def _remember(response: Response) -> Response:
    code = _known(request.args.get("lang"))
    if code is not None:
        response.set_cookie(COOKIE, code, max_age=YEAR_S, httponly=True, samesite="Lax")
    response.vary.update(("Accept-Language", "Cookie"))
    return response
