"""Coming in by a one-time link, or by name and password; choosing a password; leaving."""

from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField  # type: ignore[import-untyped]
from wtforms.validators import InputRequired, Length  # type: ignore[import-untyped]

from lab.training.contract import Person
from simulators.errors import InputError
from web import access, failures
from web.session import current_person, find_person, sign_in, sign_out
from web.settings import settings
from web.throttle import LIMITS_BY_ADDRESS, LIMITS_BY_NAME, limiter, name_tried

blueprint = Blueprint("login", __name__)
# A link to this machine itself is read by no chat software's preview: it works at the first click.
OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class NameForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    name = StringField(validators=[InputRequired(), Length(max=64)])
    password = PasswordField(validators=[InputRequired(), Length(max=256)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    password = PasswordField(validators=[InputRequired(), Length(max=256)])
    again = PasswordField(validators=[InputRequired(), Length(max=256)])


@blueprint.route("/login", methods=["GET", "POST"])
@access.anybody
@limiter.limit(LIMITS_BY_ADDRESS, methods=["POST"])
@limiter.limit(LIMITS_BY_NAME, methods=["POST"], key_func=name_tried)
def by_name() -> ResponseReturnValue:
    """The form, and what it gives."""
    if find_person() is not None:
        return redirect(_onward())
    form = NameForm()
    if not form.validate_on_submit():
        return render_template("login.html", form=form, onward=_onward())
    try:
        person = settings().people.authenticate(form.name.data, form.password.data)
    except InputError as error:
        return render_template("login.html", form=form, onward=_onward(), problem=str(error)), 401
    sign_in(person)
    return redirect(_onward())


@blueprint.route("/login/<token>", methods=["GET", "POST"])
@access.anybody
@limiter.limit(LIMITS_BY_ADDRESS)
def enter(token: str) -> ResponseReturnValue:
    """Open a session for who holds an unspent token. A preview of a link (HEAD, GET by a chat) spends nothing."""
    if request.method == "HEAD":
        return "", 204
    if request.method == "GET" and urlsplit(request.host_url).hostname not in OWN_HOSTS:
        return render_template("enter.html", token=token)
    person = settings().people.enter(token)
    if person is None:
        if find_person() is not None:
            return redirect(url_for("overview.show"))
        return failures.unauthorized(spent=True)
    sign_in(person)
    session["by_link"] = True
    return redirect(url_for("overview.show"))


@blueprint.route("/account", methods=["GET", "POST"])
@access.signed_in
def account() -> ResponseReturnValue:
    """One's own account: choose a password, to come back without a link."""
    form, problem, saved = PasswordForm(), "", False
    if form.validate_on_submit():
        problem = _choose(current_person(), form)
        saved = not problem
    return render_template("account.html", form=form, problem=problem, saved=saved), 400 if problem else 200


@blueprint.post("/logout")
@access.anybody
def leave() -> ResponseReturnValue:
    """End this browser's session."""
    sign_out()
    return failures.unauthorized(left=True)


def _choose(person: Person, form: PasswordForm) -> str:
    """Set the password; what is wrong with it, or nothing."""
    if form.password.data != form.again.data:
        return str(gettext("The two passwords differ: type the same one twice."))
    try:
        settings().people.set_password(person, form.password.data)
    except InputError as error:
        return str(error)
    session.pop("by_link", None)
    return ""


def _onward() -> str:
    """Where the reader wanted to go: a page of ours, else the first one."""
    wanted = request.args.get("next", "") or request.form.get("next", "")
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and "\n" not in wanted
    return wanted if ours else url_for("overview.show")
