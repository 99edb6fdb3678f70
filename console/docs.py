"""The API reference, rendered here from the OpenAPI document that `/openapi.json` serves."""

from __future__ import annotations

from flask import render_template

from console import frame, openapi_view
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
