"""Quarantine over HTTP."""

from __future__ import annotations

from flask import Response, current_app

from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from mqtt import dead_letters
from mqtt.routes import Router
from mqtt.views import LetterView

ROUTER_EXTENSION = "shouji_router"
api = Api("quarantine", __name__)


@api.get("/quarantine", Permission.QUARANTINE_READ, {200: PageOut[LetterView]})
def list_quarantine(query: PageQuery) -> Response:
    """Refused device messages, newest first."""
    page = dead_letters.list_letters(current_actor(), query.cursor, query.limit)
    return page_reply(page)


@api.post("/quarantine/<id>/replay", Permission.QUARANTINE_REPLAY, {200: LetterView}, problems=(409,))
def replay_letter(path: IdPath) -> Response:
    """Hand a refused message to its handler again."""
    router: Router = current_app.extensions[ROUTER_EXTENSION]
    return reply(dead_letters.replay(current_actor(), path.id, router))
