"""Forms: what came in, checked; where to go next; and the token that proves a form came from our own page."""

from __future__ import annotations

from flask import Flask, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from core.errors import BadInput
from core.http.access import table
from core.text import Text

MAX_FIELD = 1000
MAX_ADDRESS = 2000
HOME = "/"

_csrf = CSRFProtect()


def register(app: Flask, *, tls: bool) -> None:
    """Check every form of a page; the API is left alone, since it takes no cookie."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        # As long as the browser's session: a page that stood open over lunch still works.
        WTF_CSRF_TIME_LIMIT=None,
        SESSION_COOKIE_NAME="shouji_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=tls,
    )
    _csrf.init_app(app)
    app.before_request(_check_form)


def _check_form() -> None:
    rule = table.get(request.endpoint)
    if not rule or not rule.page or request.method != "POST":
        return
    try:
        _csrf.protect()
    except CSRFError as error:
        raise BadInput(
            "form_expired",
            Text("页面已过期，请刷新后重试。", "This page is out of date. Reload it and try again."),
        ) from error


def field(name: str, limit: int = MAX_FIELD) -> str:
    """A text field, empty when it is missing. Raises BadInput when it is too long or holds NUL."""
    value = request.form.get(name, "")
    if len(value) > limit or "\0" in value:
        raise BadInput(
            "bad_field",
            Text("输入过长或含有无法使用的字符。", "An input is too long or holds a character that cannot be used."),
        )
    return value


def safe_address(wanted: str | None) -> str:
    """The address to go to, if it is one of ours, else the start page: a foreign link must not lead away."""
    address = wanted or HOME
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if ours and address.isprintable() and len(address) <= MAX_ADDRESS else HOME
