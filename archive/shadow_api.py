"""What rules in the shadow would have done, and what drafts would do, over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response
from pydantic import BaseModel, Field

from archive import shadow_read, simulate
from archive.shadow_views import ShadowMessageView, ShadowView
from archive.simulation_views import SimulationView
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import Body, PageQuery
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission

api = Api("shadow", __name__)


class ShadowPath(BaseModel):
    """A policy, or a keyword set that policies name."""

    kind: Literal["Policy", "KeywordSet"]
    name: Annotated[str, Field(max_length=63)]


class ShadowQuery(BaseModel):
    """Over how many days, today included."""

    days: Annotated[int, Field(ge=1, le=shadow_read.MAX_DAYS)] = shadow_read.WEEK


class SimulateBody(Body):
    """Over how many days of the archive, of all phones in sight or an org unit and below."""

    days: Annotated[int, Field(ge=1, le=simulate.MAX_DAYS)] = simulate.WEEK
    org_unit: Annotated[str, Field(max_length=1400)] | None = None


@api.get("/documents/<kind>/<name>/shadow", Permission.DOCUMENT_READ, {200: ShadowView})
def get_shadow(path: ShadowPath, query: ShadowQuery) -> Response:
    """What rules in the shadow would have done: by day, by rule and by term."""
    return reply(shadow_read.counts(current_actor(), path.kind, path.name, query.days))


@api.get("/documents/<kind>/<name>/shadow/messages", Permission.ARCHIVE_READ, {200: PageOut[ShadowMessageView]})
def list_shadow_messages(path: ShadowPath, query: PageQuery) -> Response:
    """The newest messages on which they would have acted, without texts."""
    page = shadow_read.messages(current_actor(), path.kind, path.name, query.cursor, query.limit)
    return page_reply(page)


@api.post("/documents/<kind>/<name>/simulate", Permission.ARCHIVE_READ, {200: SimulationView}, reads_first=True)
def simulate_document(path: ShadowPath, body: SimulateBody) -> Response:
    """What the draft would have done with the archive of a span, against the version in force; nothing is changed."""
    actor = current_actor()
    return reply(simulate.simulate(actor, path.kind, path.name, days=body.days, org_unit=body.org_unit))
