"""Forms: what came in, checked; where to go next; and the token that proves a form came from our own page."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, flash, get_flashed_messages, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect

from core.errors import BadInput, Invalid, ShoujiError
from core.http.access import table
from core.text import Text

MAX_FIELD = 1000
MAX_ADDRESS = 2000
MAX_FORM_BYTES = 8 * 1024 * 1024
HOME = "/"

_csrf = CSRFProtect()


def register(app: Flask, *, tls: bool) -> None:
    """Check every form of a page; the API is left alone, since it takes no cookie."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        # As long as the browser's session: a page that stood open over lunch still works.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
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


def field_of(problem: ShoujiError, fields: Mapping[str, str]) -> str | None:
    """The field that an error is about, by its code; None where the error belongs to the form as a whole."""
    return fields.get(problem.code)


def whole(name: str, missing: int, low: int, high: int) -> int:
    """A whole number of a field. Raises Invalid with the code `bad_<name>`."""
    text = field(name).strip()
    try:
        number = int(text) if text else missing
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise Invalid(f"bad_{name}", Text(f"请填写 {low} 到 {high} 的整数。", f"A whole number from {low} to {high}."))
    return number


def safe_address(wanted: str | None) -> str:
    """The address to go to, if it is one of ours, else the start page: a foreign link must not lead away."""
    address = wanted or HOME
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if ours and address.isprintable() and len(address) <= MAX_ADDRESS else HOME


def values(name: str, limit: int, at_most: int) -> list[str]:
    """Every value of a field that may come several times, without doubles. Raises BadInput for too many or too long."""
    found = list(dict.fromkeys(request.form.getlist(name)))
    if len(found) > at_most or any(len(value) > limit or "\0" in value for value in found):
        raise BadInput("bad_field", Text("选择的内容过多或有误。", "Too much is chosen, or it cannot be used."))
    return found


def require_typed(*expected: str) -> None:
    """What was typed to confirm is one of the expected texts. Raises Invalid."""
    if field("typed").strip() not in {one.strip() for one in expected if one.strip()}:
        raise Invalid(
            "not_confirmed",
            Text(
                "确认内容不一致，未执行。请按提示逐字输入。",
                "What you typed differs, so nothing was done. Type it as shown.",
            ),
        )


def done(address: str, text: Text) -> ResponseReturnValue:
    """Go on after a form: the page at the address tells what happened. htmx gets the address in a header."""
    flash([text.zh, text.en])  # type: ignore[arg-type]
    if "HX-Request" not in request.headers:
        return redirect(address, 303)
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = address
    return answer


def told() -> list[Text]:
    """What `done` left for this page, once."""
    return [Text(*message) for message in get_flashed_messages()]
