"""Evidence about the notice over HTTP, for auditors."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, Field

from core.http.answers import PageOut, page_reply, reply
from core.http.fields import PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from fleet import notice_evidence
from fleet.notice_evidence import AcceptanceView, PendingView, VersionView

api = Api("notice", __name__)


class VersionsRead(BaseModel):
    """All versions, the newest first."""

    items: list[VersionView]


class AcceptanceQuery(PageQuery):
    """Whose acceptances: ids of a person and a phone, a version of the texts."""

    person: str | None = Field(None, max_length=36)
    device: str | None = Field(None, max_length=36)
    version: str | None = Field(None, max_length=256)


class StatusRead(BaseModel):
    """How many living phones accepted the texts in force."""

    version: str
    accepted: int
    pending: int


@api.get("/notice/versions", Permission.NOTICE_READ, {200: VersionsRead})
def list_versions() -> Response:
    """All texts of the notice, the newest first."""
    views = notice_evidence.versions(current_actor())
    return reply(VersionsRead(items=views))


@api.get("/notice/acceptances", Permission.NOTICE_READ, {200: PageOut[AcceptanceView]})
def list_acceptances(query: AcceptanceQuery) -> Response:
    """Who accepted what on which phone, the newest first."""
    page = notice_evidence.acceptances(
        current_actor(),
        person=query.person,
        device=query.device,
        version=query.version,
        cursor=query.cursor,
        limit=query.limit,
    )
    return page_reply(page)


@api.get("/notice/status", Permission.NOTICE_READ, {200: StatusRead})
def get_status() -> Response:
    """How many phones accepted the texts in force, and how many did not yet."""
    version, accepted, pending = notice_evidence.status(current_actor())
    return reply(StatusRead(version=version, accepted=accepted, pending=pending))


@api.get("/notice/pending", Permission.NOTICE_READ, {200: PageOut[PendingView]})
def list_pending(query: PageQuery) -> Response:
    """Phones that collect nothing until their holder accepts."""
    page = notice_evidence.pending(current_actor(), query.cursor, query.limit)
    return page_reply(page)
