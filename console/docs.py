"""The references for programmers, rendered here from the documents that `/openapi.json` and `/asyncapi.json` serve."""

from __future__ import annotations

from flask import current_app, render_template

from console import asyncapi_view, frame, openapi_view
from console.openapi_view import Operation
from core.http import openapi
from core.http.access import Access
from core.http.routes import Pages

pages = Pages("docs", __name__)
EXTENSION = "shouji_docs"


@pages.get("/docs", Access.PUBLIC)
def reference() -> str:
    """The API reference, open to all: it says nothing of this installation."""
    frame.viewer()
    tags = _tags()
    return render_template("docs.html", tags=tags, total=sum(len(operations) for operations in tags.values()))


@pages.get("/docs/device", Access.PUBLIC)
def device_reference() -> str:
    """What phones and the server say to each other over MQTT."""
    frame.viewer()
    return render_template("docs_device.html", channels=asyncapi_view.channels())


def _tags() -> dict[str, list[Operation]]:
    """The operations of the current application by tag, arranged once: that takes most of what the page takes."""
    made: dict[str, list[Operation]] | None = current_app.extensions.get(EXTENSION)
    if made is None:
        made = current_app.extensions[EXTENSION] = openapi_view.by_tag(openapi.document())
    return made
