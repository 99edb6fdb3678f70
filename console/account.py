"""One's own account: password, second factor, sessions."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.wrappers import Response

from console import errors, forms, words
from core.errors import Invalid, ShoujiError
from core.http.access import Access
from core.http.identity import SESSION_COOKIE, current_actor
from core.http.routes import Pages
from core.text import Text
from identity import people, sessions, sign_in, totp
from identity.passwords import MIN_LENGTH

PASSWORD_FIELDS = {
    "wrong_password": "current_password",
    "password_length": "new_password",
    "password_too_simple": "new_password",
    "password_is_username": "new_password",
    "password_unchanged": "new_password",
    "passwords_differ": "new_password_again",
}
CODE_FIELDS = {"wrong_code": "code"}

pages = Pages("account", __name__)


@pages.get("/account", Access.SIGNED_IN)
def show() -> str:
    """One's own account."""
    actor = current_actor()
    return render_template(
        "account.html",
        person=people.get(actor, actor.id),
        totp=totp.is_enrolled(actor.id),
        sessions=sessions.own(actor),
        words=words,
    )


@pages.get("/account/password", Access.SIGNED_IN, any_password=True)
@errors.shows("page_account.change_password")
def password_form(problem: ShoujiError | None = None) -> str:
    """The form for a new password."""
    held = current_actor().must_change_password
    return render_template(
        "account_password_held.html" if held else "account_password.html",
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, PASSWORD_FIELDS) if problem else None,
        minimum=MIN_LENGTH,
    )


@pages.post("/account/password", Access.SIGNED_IN, reads_first=True, any_password=True)
def change_password() -> ResponseReturnValue:
    """Change one's password; all other sessions end."""
    new = forms.field("new_password")
    if new != forms.field("new_password_again"):
        raise Invalid("passwords_differ", Text("两次输入的密码不一致。", "The two passwords differ."))
    sign_in.change_password(current_actor(), forms.field("current_password"), new)
    text = Text("密码已修改，其他会话已结束。", "The password is changed; all other sessions ended.")
    return forms.done(forms.HOME if current_actor().must_change_password else url_for("page_account.show"), text)


@pages.post("/account/totp", Access.SIGNED_IN)
def begin_totp() -> Response:
    """Begin to set up a second factor."""
    actor = current_actor()
    if totp.begun(actor) is None:
        totp.enroll(actor)
    return redirect(url_for("page_account.totp_form"), 303)


@pages.get("/account/totp", Access.SIGNED_IN)
def totp_form() -> ResponseReturnValue:
    """The QR code of the second factor that was begun, and the field for its first code."""
    return _totp_form(None) or redirect(url_for("page_account.show"), 303)


@pages.post("/account/totp/confirm", Access.SIGNED_IN)
def confirm_totp() -> str:
    """Put the second factor into force; the recovery codes are told once."""
    codes = totp.confirm(current_actor(), forms.field("code", 20).replace(" ", ""))
    return render_template("totp_codes.html", codes=codes)


@errors.on_form("page_account.confirm_totp")
def show_code_error(problem: ShoujiError) -> str:
    """The same QR code with the error."""
    return _totp_form(problem) or render_template("error.html", problem=problem)


@pages.get("/account/totp/remove", Access.SIGNED_IN)
@errors.shows("page_account.remove_totp")
def ask_remove_totp(problem: ShoujiError | None = None) -> str:
    """The form that removes one's second factor."""
    return render_template(
        "totp_remove.html",
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, CODE_FIELDS) if problem else None,
    )


@pages.post("/account/totp/remove", Access.SIGNED_IN)
def remove_totp() -> ResponseReturnValue:
    """Remove one's second factor, with a code of it."""
    totp.remove(current_actor(), forms.field("code", 64))
    return forms.done(url_for("page_account.show"), Text("已停用两步验证。", "The second factor is removed."))


@pages.post("/account/sessions/<id>/end", Access.SIGNED_IN)
def end_session(id: str) -> ResponseReturnValue:
    """End one of one's own sessions."""
    sessions.revoke(current_actor(), id)
    return forms.done(url_for("page_account.show"), Text("会话已结束。", "The session is ended."))


@pages.post("/account/sessions/end", Access.SIGNED_IN)
def end_sessions() -> Response:
    """End all of one's sessions, this one too."""
    sessions.revoke_own(current_actor())
    answer = redirect(url_for("page_sign_in.form"), 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _totp_form(problem: ShoujiError | None) -> str | None:
    begun = totp.begun(current_actor())
    if begun is None:
        return None
    return render_template(
        "totp.html",
        # Our own drawing of black squares, made from a secret that we made.
        picture=Markup(begun.qr_svg),  # noqa: S704
        secret=begun.secret,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, CODE_FIELDS) if problem else None,
    )
