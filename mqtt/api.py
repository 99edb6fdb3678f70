"""Quarantine over HTTP."""

from __future__ import annotations

from datetime import datetime

from flask import Response, current_app
from pydantic import BaseModel, ConfigDict, Field

from core.http.answers import PageOut, page_reply, reply
from core.http.identity import current_actor
from core.http.routes import Api
from core.paging import DEFAULT_LIMIT, MAX_LIMIT
from core.permissions import Permission
from mqtt import dead_letters
from mqtt.routes import Router

ROUTER_EXTENSION = "shouji_router"
api = Api("quarantine", __name__)


class LetterOut(BaseModel):
    """A refused message, without its bytes."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    device_id: str
    kind: str
    reason: str
    detail: str
    size: int
    truncated: bool
    received_at: datetime
    replayed_at: datetime | None


class PageQuery(BaseModel):
    """Where to go on and how many to give."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)


class LetterPath(BaseModel):
    """Which message."""

    letter_id: str = Field(max_length=36)


@api.get("/quarantine", Permission.QUARANTINE_READ, {200: PageOut[LetterOut]})
def list_quarantine(query: PageQuery) -> Response:
    """Refused device messages, newest first."""
    page = dead_letters.list_letters(current_actor(), query.cursor, query.limit)
    return page_reply(page, LetterOut.model_validate)


@api.post("/quarantine/<letter_id>/replay", Permission.QUARANTINE_REPLAY, {200: LetterOut})
def replay_letter(path: LetterPath) -> Response:
    """Hand a refused message to its handler again."""
    router: Router = current_app.extensions[ROUTER_EXTENSION]
    return reply(LetterOut.model_validate(dead_letters.replay(current_actor(), path.letter_id, router)))
