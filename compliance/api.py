"""Compliance over HTTP."""

from __future__ import annotations

from flask import Response

from compliance import exceptions, finding_views, history, registry, settle, summary
from compliance.exceptions import Target
from compliance.finding_views import Filters
from compliance.schemas import (
    ChecksRead,
    ExceptionBody,
    ExceptionQuery,
    FindingPath,
    FindingQuery,
    FindingsRead,
    HistoryQuery,
    ReasonBody,
    SummaryQuery,
    SummaryRead,
)
from compliance.views import ExceptionView, FindingView, History
from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission

api = Api("compliance", __name__)


@api.get("/findings", Permission.COMPLIANCE_READ, {200: PageOut[FindingView]})
def list_findings(query: FindingQuery) -> Response:
    """Open findings of the phones in one's part of the tree, the worst first."""
    filters = Filters(query.code, query.severity, query.org_unit, query.excepted)
    page = finding_views.find(current_actor(), filters, query.cursor, query.limit)
    return page_reply(page)


@api.get("/devices/<id>/findings", Permission.COMPLIANCE_READ, {200: FindingsRead})
def device_findings(path: IdPath) -> Response:
    """What is not in order about one phone, why, and what to do; what counts first."""
    return reply(FindingsRead(items=finding_views.of_device(current_actor(), path.id)))


@api.post("/devices/<id>/findings/<code>/settle", Permission.COMPLIANCE_HANDLE, {204: None})
def settle_finding(path: FindingPath, body: ReasonBody) -> Response:
    """Say that a finding which does not end by itself has been looked into."""
    settle.settle(current_actor(), path.id, path.code, body.reason)
    return no_content()


@api.get("/compliance/checks", Permission.COMPLIANCE_READ, {200: ChecksRead})
def list_checks() -> Response:
    """Every check, by code."""
    return reply(ChecksRead(items=[check.view() for check in registry.all_checks()]))


@api.get("/compliance/summary", Permission.COMPLIANCE_READ, {200: SummaryRead})
def get_summary(query: SummaryQuery) -> Response:
    """How many phones stand where: in all, and by org unit or person."""
    actor = current_actor()
    totals = summary.totals(actor, query.org_unit)
    if query.by == "org_unit":
        return reply(SummaryRead(totals=totals, items=summary.by_unit(actor), next_cursor=None))
    page = summary.by_person(
        actor, query.org_unit, noncompliant=query.noncompliant, cursor=query.cursor, limit=query.limit
    )
    return reply(SummaryRead(totals=totals, items=page.items, next_cursor=page.next_cursor))


@api.get("/compliance/history", Permission.COMPLIANCE_READ, {200: History})
def get_history(query: HistoryQuery) -> Response:
    """How the counts went: by hour up to a week, by day beyond."""
    return reply(history.read(current_actor(), query.days, query.org_unit))


@api.get("/compliance/exceptions", Permission.COMPLIANCE_READ, {200: PageOut[ExceptionView]})
def list_exceptions(query: ExceptionQuery) -> Response:
    """Exceptions, the newest first."""
    page = exceptions.find(current_actor(), running=query.running, cursor=query.cursor, limit=query.limit)
    return page_reply(page)


@api.post("/compliance/exceptions", Permission.COMPLIANCE_EXCEPT, {201: ExceptionView})
def grant_exception(body: ExceptionBody) -> Response:
    """Allow a finding for a while."""
    target = Target(body.device, body.group, body.org_unit)
    return reply(exceptions.grant(current_actor(), target, body.code, body.reason, body.until), 201)


@api.delete("/compliance/exceptions/<id>", Permission.COMPLIANCE_EXCEPT, {204: None})
def end_exception(path: IdPath) -> Response:
    """End an exception before its time."""
    exceptions.end(current_actor(), path.id)
    return no_content()
