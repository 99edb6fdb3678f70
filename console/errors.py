"""Errors as pages: in the frame, in the reader's language, saying what to do; forms show them above their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from console import forms, frame
from core.errors import ShoujiError, Unauthenticated, Waits
from core.http import problems
from core.http.access import table
from core.http.app import PAGE_ERRORS
from core.http.identity import PASSWORD_CHANGE
from core.http.routes import API_PREFIX
from core.text import Text
from core.uow import unit_of_work

FormAnswer = Callable[[ShoujiError], str]
FormPage = TypeVar("FormPage", bound=Callable[..., str])

_forms: dict[str, FormAnswer] = {}

_TITLES = {
    404: Text("没有这个页面", "There is no such page"),
    429: Text("操作过于频繁", "Too many requests"),
}
_TEXTS = {
    404: Text("地址可能写错了，或者内容已经移走。", "The address may be misspelt, or the page has moved."),
    405: Text("该地址不能这样访问。", "This address is not to be used like that."),
    413: Text("内容超过大小限制。", "The content is over the size limit."),
    429: Text("请稍等一分钟再试。", "Wait a minute and try again."),
}
_FAILED = Text("请求失败", "The request failed")
_CHECK = Text("请检查后重试。", "Check it and try again.")
_CRASH = Text("出错了", "Something went wrong")
_CRASH_TEXT = Text(
    "服务器内部错误，已记录到日志。请稍后重试，仍有问题请联系管理员。",
    "An internal error; it has been logged. Try again later, and ask your administrator if it stays.",
)


class PageError(ShoujiError):
    """An error of the framework in our own form."""

    def __init__(self, status: int, title: Text, text: Text) -> None:
        super().__init__(f"http_{status}", text)
        self.status = status  # type: ignore[misc]
        self.title = title  # type: ignore[misc]


def on_form(endpoint: str) -> Callable[[FormAnswer], FormAnswer]:
    """Register how a form shows its own errors; the function fills the form's template again, and may read."""

    def add(answer: FormAnswer) -> FormAnswer:
        _forms[endpoint] = answer
        return answer

    return add


def shows(endpoint: str) -> Callable[[FormPage], FormPage]:
    """Register the page of a form as what shows its errors: it takes the address's parts and, then, the `problem`."""

    def add(page: FormPage) -> FormPage:
        _forms[endpoint] = lambda problem: page(**(request.view_args or {}), problem=problem)
        return page

    return add


def register(app: Flask) -> None:
    """Answer errors of pages as pages; the API's stay problem documents."""
    app.extensions[PAGE_ERRORS] = answer
    app.register_error_handler(HTTPException, _of_framework)


def answer(error: Exception) -> ResponseReturnValue:
    """The page of an error; whoever is not signed in is sent to sign in and comes back afterwards."""
    problem = _ours(error)
    if isinstance(problem, Unauthenticated) and problem.code == "sign_in_required":
        return _to_sign_in()
    if isinstance(problem, Waits):
        return forms.done(url_for("page_approvals.show", id=problem.approval.id), problem.text)
    if problem.code == PASSWORD_CHANGE:
        return _whole_page(url_for("page_account.password_form"), 403)
    response = make_response(_form(problem) or _page(problem), problem.status)
    response.headers.update(problem.members.get("headers", {}))
    return response


def _of_framework(error: HTTPException) -> ResponseReturnValue:
    rule = table.get(request.endpoint)
    wants_page = rule.page if rule else request.accept_mimetypes.accept_html and "html" in str(request.accept_mimetypes)
    if not wants_page or request.path.startswith(API_PREFIX):
        return problems.http_problem(error)
    return answer(error)


def _ours(error: Exception) -> ShoujiError:
    if isinstance(error, ShoujiError):
        return error
    if isinstance(error, HTTPException):
        status = error.code or 500
        return PageError(status, _TITLES.get(status, _FAILED), _TEXTS.get(status, _CHECK))
    return PageError(500, _CRASH, _CRASH_TEXT)


def _form(problem: ShoujiError) -> str | None:
    """The form that was sent, with the error; None where there is none, or what it is about is not there."""
    form = _forms.get(request.endpoint or "")
    if form is None or problem.status >= 500:
        return None
    try:
        with unit_of_work(write=False):
            return form(problem)
    except ShoujiError:
        return None


def _page(problem: ShoujiError) -> str:
    _find_viewer()
    return render_template("error.html", problem=problem)


def _find_viewer() -> None:
    # The request's own unit of work is over, or never began.
    try:
        with unit_of_work(write=False):
            frame.viewer()
    except Exception:
        current_app.logger.warning("the error page could not find out who is signed in", exc_info=True)


def _to_sign_in() -> Response:
    wanted = frame.here() if request.method == "GET" else frame.here().split("?")[0]
    if request.headers.get("HX-Request"):
        page = request.headers.get("HX-Current-URL", "").partition(request.host_url)[2]
        return _whole_page(url_for("page_sign_in.form", next=f"/{page}"), 401)
    return _whole_page(url_for("page_sign_in.form", next=wanted if request.method == "GET" else None), 401)


def _whole_page(address: str, status: int) -> Response:
    """Go to another page. A part of a page cannot be answered with one: htmx is told to load it whole."""
    if not request.headers.get("HX-Request"):
        return make_response(redirect(address, 303))
    response = make_response("", status)
    response.headers["HX-Redirect"] = address
    return response
