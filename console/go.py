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
    "command": ("/commands/{id}", "/commands"),
    "device": ("/devices/{id}",),
    "freeze": ("/freeze",),
}


@pages.get("/go/<kind>/<id>", Access.SIGNED_IN)
def go(kind: str, id: str) -> ResponseReturnValue:
    """On to the thing's page; to the start page for a thing that has none."""
    known = current_app.url_map.bind("")
    places = [place.format(id=quote(id, safe="")) for place in PLACES.get(kind, ())]
    return redirect(next((place for place in places if known.test(place, "GET")), "/"), 303)
