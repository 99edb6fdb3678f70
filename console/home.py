"""The start page: leads to the first page of the viewer's work."""

from __future__ import annotations

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from console import frame
from core.http.access import Access
from core.http.identity import current_actor
from core.http.routes import Pages
from identity.roles import TITLES

pages = Pages("home", __name__)


@pages.get("/", Access.SIGNED_IN)
def start() -> ResponseReturnValue:
    """On to work, or a word to those whose roles open no page."""
    address = frame.home_address()
    if address:
        return redirect(address, 303)
    held = current_actor().roles
    return render_template("home.html", roles=[title for role, title in TITLES.items() if str(role) in held])
