"""Phones that enrolled and that nobody has vouched for yet: who holds them, and that they are what they say."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import enrollment, errors, forms, frame, lists
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices, holders, unconfirmed

FIELDS = {"unknown_person": "person", "person_needed": "person"}

pages = Pages("unconfirmed", __name__)


@pages.get("/enrollment/unconfirmed", Permission.DEVICE_READ)
def show_list() -> str:
    """Phones to confirm, newest first."""
    actor = current_actor()
    page = unconfirmed.find(actor, lists.cursor(), lists.LIMIT)
    return render_template(
        "_unconfirmed.html" if frame.wants_part() else "unconfirmed.html",
        phones=page.items,
        total=unconfirmed.count(actor),
        paging=lists.paging(page, {}),
        tabs=enrollment.tabs(actor, "unconfirmed"),
        address=frame.here(),
        may_write=actor.may(Permission.DEVICE_WRITE),
    )


@pages.get("/enrollment/unconfirmed/<id>", Permission.DEVICE_WRITE)
@errors.shows("page_unconfirmed.confirm")
def ask(id: str, problem: ShoujiError | None = None) -> str:
    """The form that confirms one phone."""
    device = devices.get(current_actor(), id)
    person = device.holder.employee_no or device.claimed_employee_no or ""
    return render_template(
        "confirm_form.html",
        device=device,
        person=request.form.get("person", "")[:64] if problem else person,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/enrollment/unconfirmed/<id>", Permission.DEVICE_WRITE)
def confirm(id: str) -> ResponseReturnValue:
    """Say who holds the phone, and that it is the one it says it is."""
    holders.confirm(current_actor(), id, forms.field("person", 64).strip() or None)
    return forms.done(
        url_for("page_unconfirmed.show_list"), Text("已确认使用人与设备。", "Holder and phone confirmed.")
    )
