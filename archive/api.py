"""The archive over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from archive import alerts, contested, records_read
from archive.views import ChainView, OpenedRecordView, RecordView
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import Body, IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from core.views import Moment

api = Api("archive", __name__)


class RefusedRead(BaseModel):
    """A refused batch."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    device_id: str
    first: int
    last: int
    reason: str
    size: int
    received_at: Moment
    last_seen_at: Moment
    times: int
    state: str
    branch: int | None
    settled_at: Moment | None
    settled_by: str | None
    settled_reason: str | None


class AlertRead(BaseModel):
    """An integrity alert."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    device_id: str
    code: str
    ref: str | None
    at: Moment
    detail: dict[str, Any]
    acknowledged_at: Moment | None
    acknowledged_by: str | None


class RefusedQuery(PageQuery):
    """Which refused batches."""

    device: str | None = Field(None, max_length=36)
    settled: bool = False


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


@api.get("/refused-batches", Permission.ARCHIVE_READ, {200: PageOut[RefusedRead]})
def list_refused(query: RefusedQuery) -> Response:
    """Batches that did not fit their chain, those seen last first."""
    page = contested.find(
        current_actor(), device_id=query.device, settled=query.settled, cursor=query.cursor, limit=query.limit
    )
    return page_reply(page, RefusedRead.model_validate)


@api.post("/refused-batches/<id>/accept", Permission.ARCHIVE_CONTEST, {200: RefusedRead}, problems=(409,))
def accept_refused(path: IdPath, body: ReasonBody) -> Response:
    """Store a refused batch as contested; the chain goes on."""
    return reply(RefusedRead.model_validate(contested.accept(current_actor(), path.id, body.reason)))


@api.post("/refused-batches/<id>/dismiss", Permission.ARCHIVE_CONTEST, {200: RefusedRead}, problems=(409,))
def dismiss_refused(path: IdPath, body: ReasonBody) -> Response:
    """Leave a refused batch out for good."""
    return reply(RefusedRead.model_validate(contested.dismiss(current_actor(), path.id, body.reason)))


@api.get("/integrity-alerts", Permission.ARCHIVE_READ, {200: PageOut[AlertRead]})
def list_alerts(query: AlertQuery) -> Response:
    """Gaps, refused batches and stored chains that do not verify, newest first."""
    page = alerts.find(current_actor(), unseen=query.unseen, cursor=query.cursor, limit=query.limit)
    return page_reply(page, AlertRead.model_validate)


@api.post("/integrity-alerts/<id>/acknowledge", Permission.ARCHIVE_CONTEST, {200: AlertRead})
def acknowledge_alert(path: IdPath) -> Response:
    """Say that an alert has been seen to."""
    return reply(AlertRead.model_validate(alerts.acknowledge(current_actor(), path.id)))
