"""One's own notices, and how many of them are unread."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from console import forms, frame, go, lists
from core.http.access import Access
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_ID
from core.text import Text
from notify import in_app

MOST = 99

pages = Pages("inbox", __name__)


@pages.get("/inbox", Access.SIGNED_IN)
def show_list() -> str:
    """The notices, newest first; those that are unread stand out."""
    actor, shown = current_actor(), lists.shown(("unread",))
    unread = shown.get("unread") == "yes"
    page = in_app.find(actor, unread=unread, cursor=lists.cursor(), limit=lists.LIMIT)
    return render_template(
        "_inbox_list.html" if frame.wants_part() else "inbox.html",
        notices=page.items,
        links={notice.id: go.place_of(*notice.about) for notice in page.items},
        unread_total=in_app.count_unread(actor),
        paging=lists.paging(page, shown),
        shown=shown,
        address=frame.here(),
    )


@pages.get("/inbox/unread", Access.SIGNED_IN)
def unread() -> str:
    """The number for the frame; empty when there is nothing."""
    number = in_app.count_unread(current_actor())
    return render_template("_unread.html", number=number, shown=str(number) if number <= MOST else f"{MOST}+")


@pages.post("/inbox/read", Access.SIGNED_IN)
def mark_read() -> ResponseReturnValue:
    """Mark the named notices as read, or all of them."""
    actor = current_actor()
    ids = forms.values("id", MAX_ID, lists.LIMIT)
    if ids:
        in_app.mark_read(actor, ids)
    else:
        in_app.mark_all_read(actor)
    return forms.done(url_for("page_inbox.show_list"), Text("已标为已读。", "Marked as read."))
