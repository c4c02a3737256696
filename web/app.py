"""The application factory."""

import hashlib
import mimetypes
from pathlib import Path

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from web import commands, failures, language, live, login, overview, security, stream
from web.settings import Settings

VENDOR = Path(__file__).parent / "static" / "vendor"


def create_app(settings: Settings) -> Flask:
    """The pages over `settings.labs`; one blueprint a module."""
    # Some systems' registries call a module text/plain, which a browser refuses under nosniff.
    mimetypes.add_type("text/javascript", ".mjs")
    app = Flask("web")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        # Cookies know no port: two servers on one machine must not overwrite each other's.
        SESSION_COOKIE_NAME="usine_" + hashlib.sha256(settings.secret_key.encode()).hexdigest()[:8],
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=1 << 16,
        WTF_CSRF_TIME_LIMIT=None,  # a live page stays open all day; the token lives as long as its session
    )
    app.extensions["usine_ecole"] = settings
    app.extensions["usine_ecole_streams"] = stream.Places(settings.streams_max)
    app.jinja_env.globals["vendor"] = (VENDOR / "manifest.json").is_file()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    language.install(app)
    security.install(app)
    CSRFProtect(app)
    failures.install(app)
    for module in (login, overview, live, stream, commands):
        app.register_blueprint(module.blueprint)
    return app
