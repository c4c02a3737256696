"""The application factory."""

import hashlib
import importlib
import mimetypes
import pkgutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from flask import Flask
from flask_wtf.csrf import CSRFProtect

import web
from web import access, failures, language, observation, prose, security, session, stream, throttle
from web.runs import Runs
from web.settings import Settings
from web.terminals import Terminals

VENDOR = Path(__file__).parent / "static" / "vendor"


def create_app(settings: Settings) -> Flask:
    """The pages over `settings`; one blueprint a module, found by its place."""
    # Some systems' registries call a module text/plain, which a browser refuses under nosniff.
    mimetypes.add_type("text/javascript", ".mjs")
    app = Flask("web")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        # Cookies know no port: two servers on one machine must not overwrite each other's.
        SESSION_COOKIE_NAME="usine_" + hashlib.sha256(settings.secret_key.encode()).hexdigest()[:8],
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=7),
        MAX_CONTENT_LENGTH=1 << 18,
        WTF_CSRF_TIME_LIMIT=None,  # a live page stays open all day; the token lives as long as its session
    )
    app.extensions["usine_ecole"] = settings
    app.extensions["usine_ecole_streams"] = stream.Places(settings.streams_max)
    app.extensions["usine_ecole_runs"] = Runs()
    app.extensions["usine_ecole_terminals"] = Terminals(settings.labs, settings.terminal_limits)
    app.jinja_env.globals["vendor"] = (VENDOR / "manifest.json").is_file()
    app.jinja_env.filters["inline"] = prose.line
    app.jinja_env.filters["observation"] = observation.observation
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    language.install(app)
    security.install(app)
    session.install(app)
    access.install(app)
    throttle.install(app)
    CSRFProtect(app)
    failures.install(app)
    for module in pages():
        app.register_blueprint(module.blueprint)
    return app


def pages() -> Iterator[ModuleType]:
    """The modules of this package, and of its folders, that have a `blueprint`."""
    for found in pkgutil.walk_packages(web.__path__, "web."):
        if found.name not in {"web.app", "web.serve"}:
            module = importlib.import_module(found.name)
            if hasattr(module, "blueprint"):
                yield module
