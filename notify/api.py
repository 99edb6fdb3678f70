"""Notices over HTTP: everybody reads their own."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel, Field

from core.http.access import Access
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import Body, Moment, PageQuery
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from core.paging import MAX_LIMIT
from notify import in_app

api = Api("notices", __name__)


class NoticeQuery(PageQuery):
    """Which notices."""

    unread: bool = False


class NoticeRead(BaseModel):
    """One notice."""

    id: str
    kind: str
    text: str
    about_kind: str
    about_id: str
    at: Moment
    read: bool


class ChangedRead(BaseModel):
    """How many were unread until now."""

    changed: int


class ReadBody(Body):
    """Notices that were read."""

    ids: list[str] = Field(min_length=1, max_length=MAX_LIMIT)


@api.get("/notices", Access.SIGNED_IN, {200: PageOut[NoticeRead]})
def list_notices(query: NoticeQuery) -> Response:
    """One's own notices, newest first."""
    page = in_app.find(current_actor(), unread=query.unread, cursor=query.cursor, limit=query.limit)
    return page_reply(page, _show)


@api.post("/notices/read", Access.SIGNED_IN, {200: ChangedRead})
def read_notices(body: ReadBody) -> Response:
    """Mark one's own notices as read."""
    return reply(ChangedRead(changed=in_app.mark_read(current_actor(), body.ids)))


def _show(view: in_app.NoticeView) -> NoticeRead:
    return NoticeRead(
        id=view.id,
        kind=view.kind,
        text=view.text.pick(language()),
        about_kind=view.about[0],
        about_id=view.about[1],
        at=view.at,
        read=view.read,
    )
