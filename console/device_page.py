"""The page of one phone: facts, who holds it, whether it is there, its policy, findings and history."""

from __future__ import annotations

from flask import render_template, request, url_for

from console import device_view, frame, labels
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from fleet import devices

LINES = 30

pages = Pages("device", __name__)


@pages.get("/devices/<id>", Permission.DEVICE_READ)
def show(id: str) -> str:
    """One phone; for htmx the part that changes."""
    actor = current_actor()
    device = devices.get(actor, id)
    history = devices.history(actor, id, request.args.get("cursor") or None, LINES)
    part = frame.wants_part()
    return render_template(
        "_device.html" if part else "device.html",
        device=device,
        row=device_view.row(device),
        history=history.items,
        labels=labels,
        address=request.full_path.rstrip("?"),
        older=url_for("page_device.show", id=id, cursor=history.next_cursor) if history.next_cursor else None,
        newest=url_for("page_device.show", id=id) if request.args.get("cursor") else None,
    )
