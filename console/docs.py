"""The references for programmers, rendered here from the documents that `/openapi.json` and `/asyncapi.json` serve."""

from __future__ import annotations

from flask import render_template

from console import asyncapi_view, frame, openapi_view
from core.http import openapi
from core.http.access import Access
from core.http.routes import Pages

pages = Pages("docs", __name__)


@pages.get("/docs", Access.PUBLIC)
def reference() -> str:
    """The API reference, open to all: it says nothing of this installation."""
    frame.viewer()
    tags = openapi_view.by_tag(openapi.document())
    return render_template("docs.html", tags=tags, total=sum(len(operations) for operations in tags.values()))


@pages.get("/docs/device", Access.PUBLIC)
def device_reference() -> str:
    """What phones and the server say to each other over MQTT."""
    frame.viewer()
    return render_template("docs_device.html", channels=asyncapi_view.channels())
