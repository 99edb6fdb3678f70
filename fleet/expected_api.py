"""Announced phones over HTTP, for people."""

from __future__ import annotations

from flask import Response

from core.http.answers import PageOut, no_content, page_reply, reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from fleet import expected
from fleet.expected import ExpectedView
from fleet.schemas import ExpectedBody, ExpectedCounts, ExpectedQuery

api = Api("expected", __name__)


@api.get("/expected-phones", Permission.ENROLLMENT_READ, {200: PageOut[ExpectedView]})
def list_expected(query: ExpectedQuery) -> Response:
    """Phones that were announced, the newest first; `state=awaited`: those that have not come yet."""
    return page_reply(expected.find(current_actor(), query.state, query.q, query.cursor, query.limit))


@api.get("/expected-phones/counts", Permission.ENROLLMENT_READ, {200: ExpectedCounts})
def count_expected() -> Response:
    """How many announced phones have come, and how many have not yet."""
    return reply({str(state): number for state, number in expected.counts(current_actor()).items()})


@api.post("/expected-phones", Permission.ENROLLMENT_WRITE, {201: ExpectedView})
def announce_phone(body: ExpectedBody) -> Response:
    """Announce one phone; many come by an import."""
    view = expected.announce(
        current_actor(),
        serial=body.serial,
        imei=body.imei,
        person=body.person,
        org_unit=body.org_unit,
        group_names=body.groups,
    )
    return reply(view, 201)


@api.delete("/expected-phones/<id>", Permission.ENROLLMENT_WRITE, {204: None})
def forget_expected(path: IdPath) -> Response:
    """Forget an announced phone that has not come."""
    expected.remove(current_actor(), path.id)
    return no_content()
