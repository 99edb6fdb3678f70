"""The archive over HTTP."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, Field

from archive import alerts, contested, records_read
from archive.views import AlertView, ChainView, OpenedRecordView, RecordView, RefusedView
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import Body, IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission

api = Api("archive", __name__)


class RefusedQuery(PageQuery):
    """Which refused batches."""

    device: str | None = Field(None, max_length=36)
    settled: bool = False


class RecordPath(IdPath):
    """A record by its place in a phone's chain."""

    seq: int = Field(ge=1, le=2**53 - 1)


class RecordQuery(BaseModel):
    """The chain itself, or a branch of contested records beside it."""

    branch: int = Field(0, ge=0, le=2**31 - 1)


class AlertQuery(PageQuery):
    """Which alerts."""

    unseen: bool = False


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)


@api.get("/devices/<id>/chain", Permission.DEVICE_READ, {200: ChainView})
def get_chain(path: IdPath) -> Response:
    """How far a phone's records are held, its gaps and seams."""
    return reply(records_read.chain(current_actor(), path.id))


@api.get("/devices/<id>/records", Permission.DEVICE_READ, {200: PageOut[RecordView]})
def list_records(path: IdPath, query: PageQuery) -> Response:
    """A phone's records without their texts, newest first."""
    page = records_read.metadata(current_actor(), path.id, query.cursor, query.limit)
    return page_reply(page)


@api.get("/devices/<id>/records/opened", Permission.ARCHIVE_READ, {200: PageOut[OpenedRecordView]}, writes=True)
def open_records(path: IdPath, query: PageQuery) -> Response:
    """A phone's records with their texts, newest first; the audit log keeps who read them."""
    page = records_read.opened(current_actor(), path.id, query.cursor, query.limit)
    return page_reply(page)


@api.get("/devices/<id>/records/<seq>/opened", Permission.ARCHIVE_READ, {200: OpenedRecordView}, writes=True)
def open_record(path: RecordPath, query: RecordQuery) -> Response:
    """One record with its text; the audit log keeps who read it."""
    return reply(records_read.one(current_actor(), path.id, query.branch, path.seq))


@api.get("/refused-batches", Permission.ARCHIVE_READ, {200: PageOut[RefusedView]})
def list_refused(query: RefusedQuery) -> Response:
    """Batches that did not fit their chain, those seen last first."""
    page = contested.find(
        current_actor(), device_id=query.device, settled=query.settled, cursor=query.cursor, limit=query.limit
    )
    return page_reply(page)


@api.post("/refused-batches/<id>/accept", Permission.ARCHIVE_CONTEST, {200: RefusedView}, problems=(409,))
def accept_refused(path: IdPath, body: ReasonBody) -> Response:
    """Store a refused batch as contested; the chain goes on."""
    return reply(contested.accept(current_actor(), path.id, body.reason))


@api.post("/refused-batches/<id>/dismiss", Permission.ARCHIVE_CONTEST, {200: RefusedView}, problems=(409,))
def dismiss_refused(path: IdPath, body: ReasonBody) -> Response:
    """Leave a refused batch out for good."""
    return reply(contested.dismiss(current_actor(), path.id, body.reason))


@api.get("/integrity-alerts", Permission.ARCHIVE_READ, {200: PageOut[AlertView]})
def list_alerts(query: AlertQuery) -> Response:
    """Gaps, refused batches and stored chains that do not verify, newest first."""
    page = alerts.find(current_actor(), unseen=query.unseen, cursor=query.cursor, limit=query.limit)
    return page_reply(page)


@api.post("/integrity-alerts/<id>/acknowledge", Permission.ARCHIVE_CONTEST, {200: AlertView})
def acknowledge_alert(path: IdPath) -> Response:
    """Say that an alert has been seen to."""
    return reply(alerts.acknowledge(current_actor(), path.id))
