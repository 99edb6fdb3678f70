"""Phones that are announced before they arrive: which are awaited, which came."""

from __future__ import annotations

from typing import Literal, cast

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import choices, enrollment, errors, forms, frame, lists, words
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from fleet import expected

FILTERS = ("q", "state")
FIELDS = {
    "bad_serial_or_imei": "serial",
    "enrolled_already": "serial",
    "unknown_person": "person",
    "unknown_org_unit": "org_unit",
    "bad_group_name": "groups",
}

pages = Pages("expected", __name__)


@pages.get("/enrollment/expected", Permission.ENROLLMENT_READ)
def show_list() -> str:
    """Announced phones, the newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    state = cast(Literal["awaited", "arrived"] | None, shown.get("state"))
    known = state if state in words.EXPECTED_STATES else None
    page = expected.find(actor, known, shown.get("q"), lists.cursor(), lists.LIMIT)
    return render_template(
        "_expected.html" if frame.wants_part() else "expected.html",
        phones=page.items,
        counts=expected.counts(actor),
        paging=lists.paging(page, shown),
        shown=shown,
        words=words,
        states=words.options(words.EXPECTED_STATES),
        tabs=enrollment.tabs(actor, "expected"),
        may_write=actor.may(Permission.ENROLLMENT_WRITE),
    )


@pages.get("/enrollment/expected/new", Permission.ENROLLMENT_WRITE)
@errors.shows("page_expected.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form that announces one phone."""
    actor = current_actor()
    member = problem.members.get("member") if problem else None
    return render_template(
        "expected_form.html",
        error=problem.text if problem else None,
        error_field=(member or forms.field_of(problem, FIELDS)) if problem else None,
        values=request.form,
        units=choices.units(actor),
    )


@pages.post("/enrollment/expected/new", Permission.ENROLLMENT_WRITE)
def create() -> ResponseReturnValue:
    """Announce one phone."""
    expected.announce(
        current_actor(),
        serial=forms.field("serial", 64).strip() or None,
        imei=forms.field("imei", 64).replace(",", " ").split(),
        person=forms.field("person", 64),
        org_unit=forms.field("org_unit", MAX_UNIT_PATH).strip() or None,
        group_names=enrollment.names(forms.field("groups")),
    )
    return forms.done(url_for("page_expected.show_list"), Text("已登记待到设备。", "The phone is announced."))


@pages.post("/enrollment/expected/<id>/remove", Permission.ENROLLMENT_WRITE)
def remove(id: str) -> ResponseReturnValue:
    """Forget an announced phone that has not come."""
    expected.remove(current_actor(), id)
    return forms.done(url_for("page_expected.show_list"), Text("已移除。", "It is removed."))
