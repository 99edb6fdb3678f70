"""Where links in mails and webhooks lead: the page of a thing as it is today, whatever its address was back then."""

from __future__ import annotations

from urllib.parse import quote

from flask import current_app, redirect
from flask.typing import ResponseReturnValue

from core.http.access import Access
from core.http.routes import Pages

pages = Pages("go", __name__)
PLACES = {
    "approval": ("/approvals/{id}", "/approvals"),
    "channel": ("/notifications/{id}", "/notifications"),
    "command_batch": ("/commands/{id}", "/commands"),
    "command": ("/commands/{id}", "/commands"),
    "device": ("/devices/{id}",),
    "document": ("/policies/{id}",),
    "enrollment": ("/enrollment",),
    "freeze": ("/freeze",),
    "people": ("/people",),
    "quarantine": ("/quarantine",),
    "rollout": ("/rollouts/{id}",),
    "unconfirmed": ("/enrollment/unconfirmed",),
}


@pages.get("/go/<kind>/<path:id>", Access.SIGNED_IN)
def go(kind: str, id: str) -> ResponseReturnValue:
    """On to the thing's page; to the start page for a thing that has none."""
    return redirect(place_of(kind, id) or "/", 303)


def place_of(kind: str, id: str) -> str | None:
    """The address of a thing's page, or of the list that it stands in; None for a thing that has none."""
    known = current_app.url_map.bind("")
    # A document is named by its kind and name.
    places = [place.format(id=quote(id, safe="/" if kind == "document" else "")) for place in PLACES.get(kind, ())]
    return next((place for place in places if known.test(place, "GET")), None)
