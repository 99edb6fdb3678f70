"""The application class: each request is one transaction with one actor, and errors are answered in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request, session
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from core import again, audit, clock
from core.errors import Conflict, Forbidden, NotFound, ShoujiError, Unavailable, Waits
from core.http import guards, idempotency, latency, problems
from core.http.access import Access, RouteRule, table
from core.http.identity import ANONYMOUS, authenticate, current_actor
from core.log import get_logger
from core.text import Text
from core.uow import unit_of_work

MAX_BODY_BYTES = 9 * 1024 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STATIC_ENDPOINTS = ("static",)
PAGE_ERRORS = "shouji_page_errors"
STOPPING = "shouji_stopping"
PageErrors = Callable[[Exception], ResponseReturnValue]

log = get_logger(__name__)


class ShoujiApp(OpenAPI):
    """Flask with OpenAPI, one unit of work per request and a demand on every route."""

    def __init__(self, import_name: str, version: str, **options: Any) -> None:
        super().__init__(
            import_name,
            info=Info(title="Shouji 守机", version=version),
            security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
            validation_error_callback=_refuse_invalid,
            doc_ui=False,
            **options,
        )
        self.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
        self.json.ensure_ascii = False  # type: ignore[attr-defined]
        self.register_error_handler(Exception, _answer_error)
        self.after_request(_discard_body_of_refused)

    def full_dispatch_request(self) -> Response:
        """Answer a request and count how long that took; a live page's stream goes on afterwards."""
        started = clock.monotonic()
        answer = super().full_dispatch_request()
        template = request.url_rule.rule if request.url_rule else None
        latency.note(template, request.method, answer.status_code, clock.monotonic() - started)
        return answer

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view of a matched request inside its transaction."""
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        endpoint = request.endpoint or ""
        if endpoint.rsplit(".", 1)[-1] in STATIC_ENDPOINTS:
            return super().dispatch_request()
        rule = table.get(endpoint)
        if rule is None:
            raise Forbidden("no_demand", Text("该地址未声明权限。", "This route declares no permission."))
        guards.check_request(rule)
        try:
            return again.run(lambda: self._in_one_unit(rule), endpoint, _rewind)
        except OperationalError as error:
            log.warning(
                "database_busy", endpoint=endpoint, error=type(error.orig).__name__, sqlstate=again.sqlstate(error)
            )
            raise Unavailable(
                "database_busy",
                Text(
                    "数据库繁忙，未做任何更改，请稍后重试。",
                    "The database is busy; nothing was changed. Try again in a moment.",
                ),
                headers={"Retry-After": "2"},
            ) from error

    def _in_one_unit(self, rule: RouteRule) -> ResponseReturnValue:
        with unit_of_work(write=_writes(rule), reading=rule.reads_first and not idempotency.asked()):
            return self._answer(rule)

    def _answer(self, rule: RouteRule) -> ResponseReturnValue:
        authenticate(rule)
        if not _writes(rule):
            return super().dispatch_request()
        seen = idempotency.replay()
        if seen is not None:
            return seen
        answer = self.make_response(super().dispatch_request())
        idempotency.remember(answer)
        return answer


def _writes(rule: RouteRule) -> bool:
    if rule.reads:
        return False
    return rule.writes or rule.demand is Access.DEVICE or request.method not in SAFE_METHODS


def _rewind() -> None:
    """Make the request as it was before its view ran: JSON and fields are kept parsed, files and what the view left
    with the request are not."""
    for _, file in request.files.items(multi=True):
        file.stream.seek(0)
    sent = current_app.session_interface.open_session(current_app, request)
    session.clear()
    session.update(sent or {})
    request_ctx._after_request_functions.clear()


def _refuse_invalid(error: ValidationError) -> Response:
    raise problems.invalid_input(error)


def _discard_body_of_refused(answer: Response) -> Response:
    if answer.status_code >= 400:
        guards.discard_body()
    return answer


def _answer_error(error: Exception) -> ResponseReturnValue:
    if isinstance(error, ShoujiError):
        _audit_refusal(error)
    elif not isinstance(error, HTTPException):
        log.exception("request_failed", endpoint=request.endpoint, method=request.method)
    rule = table.get(request.endpoint)
    page: PageErrors | None = current_app.extensions.get(PAGE_ERRORS) if rule and rule.page else None
    if page:
        return page(error)
    if isinstance(error, Waits):
        return problems.waiting(error)
    if isinstance(error, ShoujiError):
        return problems.problem(error)
    return problems.http_problem(error) if isinstance(error, HTTPException) else problems.crash()


def _audit_refusal(error: ShoujiError) -> None:
    """A refused attempt is recorded on its own: the attempt's transaction is gone."""
    actor = current_actor()
    refused = isinstance(error, Forbidden) or (isinstance(error, Conflict | NotFound) and error.members.get("audit"))
    if not refused or actor is ANONYMOUS:
        return
    with unit_of_work():
        detail = {"code": error.code, "method": request.method, "path": request.path[:200]}
        audit.record(actor, "request.refused", ("route", request.endpoint or ""), detail, refused=True)
