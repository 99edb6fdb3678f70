"""Exceptions: which findings are allowed, for what, why and until when; granted and ended by whoever may."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from compliance import exceptions
from compliance.exceptions import Target
from console import choices, errors, forms, frame, lists, times
from console.compliance_page import codes, tabs
from console.device_view import BAD, IDLE, OK, Label
from console.language import t
from core.errors import NotFound, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_UNIT_PATH
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import devices

FILTERS = ("all",)
STATES = {
    exceptions.RUNNING: Label(Text("生效中", "Running"), OK),
    exceptions.EXPIRED: Label(Text("已到期", "Expired"), IDLE),
    exceptions.ENDED: Label(Text("已提前结束", "Ended early"), BAD),
}
SCOPES = {
    "device": Text("设备", "Phone"),
    "group": Text("分组", "Group"),
    "org_unit": Text("组织", "Org unit"),
}
FIELDS = {
    "unknown_finding": "code",
    "reason_required": "reason",
    "bad_until": "until",
    "bad_day": "until",
    "unknown_group": "group",
    "unknown_org_unit": "org_unit",
}

pages = Pages("compliance_exceptions", __name__)


@pages.get("/compliance/exceptions", Permission.COMPLIANCE_READ)
def show_list() -> str:
    """The exceptions that run, or all, the newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    running = shown.get("all") != "yes"
    page = exceptions.find(actor, running=running, cursor=lists.cursor(), limit=lists.LIMIT)
    return render_template(
        "_exceptions.html" if frame.wants_part() else "exceptions.html",
        exceptions=page.items,
        total=exceptions.count(actor, running=running),
        paging=lists.paging(page, shown),
        shown=shown,
        states=STATES,
        scopes=SCOPES,
        tabs=tabs("exceptions"),
        may_except=actor.may(Permission.COMPLIANCE_EXCEPT),
    )


@pages.get("/compliance/exceptions/new", Permission.COMPLIANCE_EXCEPT)
@errors.shows("page_compliance_exceptions.grant")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new exception; `code`, `device`, `group` and `org_unit` in the address fill it in."""
    actor = current_actor()
    values = request.form if problem else request.args
    device_id = values.get("device", "")
    found = devices.views(actor, [device_id]) if device_id and actor.may(Permission.DEVICE_READ) else []
    if device_id and not found:
        raise NotFound("no_such_device", Text("没有这台设备。", "There is no such phone."))
    return render_template(
        "exception_new.html",
        values=values,
        phone=found[0] if found else None,
        codes=codes(),
        units=choices.units(actor),
        groups=[("", t("不按分组", "Not by group")), *((name, name) for name in choices.group_names(actor))],
        longest=exceptions.LONGEST.days,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/compliance/exceptions/new", Permission.COMPLIANCE_EXCEPT)
def grant() -> ResponseReturnValue:
    """Allow a finding for a while."""
    given = {name: forms.field(name, MAX_UNIT_PATH).strip() or None for name in SCOPES}
    view = exceptions.grant(current_actor(), Target(**given), forms.field("code", 64), forms.field("reason"), _until())
    text = Text(f"已准许例外：{view.title.zh}。", f"Excepted: {view.title.en}.")
    return forms.done(url_for("page_compliance_exceptions.show_list"), text)


@pages.get("/compliance/exceptions/<id>/end", Permission.COMPLIANCE_EXCEPT)
@errors.shows("page_compliance_exceptions.end")
def ask_end(id: str, problem: ShoujiError | None = None) -> str:
    """The form to end an exception before its time."""
    return render_template(
        "exception_end.html",
        one=exceptions.get(current_actor(), id),
        scopes=SCOPES,
        values=request.form,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/compliance/exceptions/<id>/end", Permission.COMPLIANCE_EXCEPT)
def end(id: str) -> ResponseReturnValue:
    """End it now: the finding counts again."""
    exceptions.end(current_actor(), id, clean_reason(forms.field("reason")))
    text = Text("例外已结束，该发现重新计入合规。", "The exception has ended; the finding counts again.")
    return forms.done(url_for("page_compliance_exceptions.show_list"), text)


def _until() -> datetime:
    """The end of the chosen day, in the organisation's zone: whoever says a day means all of it."""
    return times.day(forms.field("until", 10)) + timedelta(days=1)
