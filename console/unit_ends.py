"""Outsourced agencies: units with a last day, the next to end first, and the form that sets or takes it away."""

from __future__ import annotations

from datetime import date

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms
from console.device_view import BAD, OK, WARN, Label
from core.errors import Invalid, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from identity import agencies, org

FIELDS = {"bad_day": "ends_on", "reason_required": "reason", "not_confirmed": "typed"}

pages = Pages("unit_ends", __name__)


@pages.get("/org/agencies", Permission.ORG_READ)
def show_list() -> str:
    """Units with a last day, in one's part of the tree."""
    actor = current_actor()
    return render_template(
        "agencies.html",
        units=[(unit, agencies.days_left(unit.ends_on)) for unit in agencies.find(actor)],
        tabs=tabs("agencies"),
        ends_chip=ends_chip,
        may_write=actor.may(Permission.ORG_WRITE),
    )


@pages.get("/org/<id>/end", Permission.ORG_WRITE)
@errors.shows("page_unit_ends.set_end")
def ask(id: str, problem: ShoujiError | None = None) -> str:
    """The form for the last day of a unit and all below it."""
    unit = org.get(current_actor(), id)
    stored = unit.ends_on.isoformat() if unit.ends_on else ""
    return render_template(
        "unit_end.html",
        unit=unit,
        ends_on=request.form.get("ends_on", stored)[:10],
        reason=request.form.get("reason", "")[:500],
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/org/<id>/end", Permission.ORG_WRITE)
def set_end(id: str) -> ResponseReturnValue:
    """Set the last day; an empty one takes it away."""
    actor = current_actor()
    ends_on = _day(forms.field("ends_on", 10))
    forms.require_typed(org.get(actor, id).name)
    unit = agencies.set_end(actor, id, ends_on, reason=forms.field("reason"))
    if ends_on is None:
        return forms.done(url_for("page_org.show_tree"), Text("已取消终止日期。", "The unit has no last day any more."))
    text = Text(f"“{unit.name}”的最后一天是 {ends_on}。", f"The last day of “{unit.name}” is {ends_on}.")
    return forms.done(url_for("page_unit_ends.show_list"), text)


def tabs(at: str) -> list[tuple[str, Text, bool]]:
    """The pages about the tree."""
    return [
        (url_for("page_org.show_tree"), Text("全部组织", "All units"), at == "tree"),
        (url_for("page_unit_ends.show_list"), Text("外包单位", "Agencies"), at == "agencies"),
    ]


def ends_chip(days_left: int) -> Label:
    """How long a unit still has."""
    if days_left < 0:
        return Label(Text(f"已终止 {-days_left} 天", f"Ended {-days_left} d ago"), BAD)
    tone = WARN if days_left <= agencies.SOON_DAYS else OK
    if days_left == 0:
        return Label(Text("今天是最后一天", "Last day is today"), tone)
    return Label(Text(f"还剩 {days_left} 天", f"{days_left} d left"), tone)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise Invalid("bad_day", Text("日期应为 2026-11-23 的形式。", "A day is written as 2026-11-23.")) from error
