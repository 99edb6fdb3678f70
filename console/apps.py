"""The register of permitted apps: what policies permit, overdue reviews first, and the form that notes a review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import document_form, errors, forms, frame, lists, words
from console.device_view import BAD, IDLE, OK, WARN, Label
from console.policies import tabs
from core.actor import Actor
from core.errors import BadInput, ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_NAME, MAX_REVISION
from core.permissions import Permission
from core.text import Text
from policies import app_register, assigned
from policies.app_register import NOTES, PermittedApp

FILTERS = ("q", "policy", "state")
SOON_DAYS = 30
STATES = {
    "due": Text("复核已到期", "Review is due"),
    "soon": Text(f"{SOON_DAYS} 天内到期", f"Due within {SOON_DAYS} days"),
    "incomplete": Text("登记不完整", "Register incomplete"),
}
FIELDS = {"reason_required": "reason", "app_twice": "package"}
NEVER = "9999-12-31"

pages = Pages("apps", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """An app of a policy as a line: how its review stands, and to how many assignments the policy goes."""

    app: PermittedApp
    review: Label
    assignments: int


@pages.get("/apps", Permission.DOCUMENT_READ)
def show_list() -> str:
    """Permitted apps of published policies, the review that is due longest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    everything = app_register.find(actor)
    found = sorted(_narrowed(everything, shown), key=lambda app: (app.review_due or NEVER, app.package, app.policy))
    start = _place()
    page = found[start : start + lists.LIMIT]
    more = str(start + lists.LIMIT) if start + lists.LIMIT < len(found) else None
    return render_template(
        "_apps.html" if frame.wants_part() else "apps.html",
        rows=_rows(page),
        total=len(found),
        paging=lists.Paging(
            lists.LIMIT,
            lists.address(shown) if start else None,
            lists.address({**shown, "cursor": more}) if more else None,
        ),
        shown=shown,
        states=words.options(STATES),
        policies=[(name, name) for name in sorted({app.policy for app in everything})],
        tabs=tabs(actor, "apps"),
        may_write=actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/apps/new", Permission.DOCUMENT_WRITE)
@errors.shows("page_apps.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form that adds an app to a policy's list; `policy` in the address chooses which."""
    values = {name: request.values.get(name, "")[:200] for name in ("policy", "package", *NOTES)}
    names = app_register.policies_with_lists(current_actor())
    return _form(values, problem, policies=[(name, name) for name in names], package=None, managed_by="console")


@pages.post("/apps/new", Permission.DOCUMENT_WRITE, reads_first=True)
def create() -> ResponseReturnValue:
    """Add an app to the draft of a policy."""
    return _note(current_actor(), forms.field("policy", MAX_NAME), forms.field("package", 200).strip(), new=True)


@pages.get("/apps/<policy>/<package>/edit", Permission.DOCUMENT_WRITE)
@errors.shows("page_apps.change")
def edit(policy: str, package: str, problem: ShoujiError | None = None) -> str:
    """The form that notes what was looked at and when it is due again."""
    document, entry = app_register.draft(current_actor(), policy, package)
    values = {name: request.form.get(name, entry.get(name, ""))[:100] for name in NOTES}
    revision = request.form.get("revision", str(document.revision))[:10]
    return _form(
        {**values, "revision": revision, "policy": policy},
        problem,
        policies=None,
        package=package,
        managed_by=document.managed_by,
    )


@pages.post("/apps/<policy>/<package>/edit", Permission.DOCUMENT_WRITE, reads_first=True)
def change(policy: str, package: str) -> ResponseReturnValue:
    """Store the notes in the draft of the policy."""
    return _note(current_actor(), policy, package, new=False)


def _note(actor: Actor, policy: str, package: str, *, new: bool) -> ResponseReturnValue:
    app_register.note(
        actor,
        policy,
        package,
        {name: forms.field(name, 100).strip() for name in NOTES},
        new=new,
        revision=forms.whole("revision", 0, 0, MAX_REVISION) or None,
        reason=forms.field("reason"),
        take_over=forms.field("take_over") == "yes",
    )
    text = Text("已保存到策略草稿，发布后生效。", "Saved in the policy's draft; publish it to put it in force.")
    return forms.done(url_for("page_policies.show", kind=app_register.POLICY, name=policy), text)


def _narrowed(apps: Sequence[PermittedApp], shown: dict[str, str]) -> list[PermittedApp]:
    q, state = shown.get("q", "").strip().casefold(), shown.get("state")
    soon = (app_register.local_day() + timedelta(days=SOON_DAYS)).isoformat()
    tests: dict[str, Callable[[PermittedApp], bool]] = {
        "due": lambda app: app.due,
        "soon": lambda app: not app.due and app.review_due is not None and app.review_due <= soon,
        "incomplete": lambda app: bool(app.missing),
    }
    wanted = tests.get(state or "")
    return [
        app
        for app in apps
        if (wanted is None or wanted(app))
        and shown.get("policy") in (None, app.policy)
        and (not q or any(q in (text or "").casefold() for text in (app.package, app.filing, app.reviewer)))
    ]


def _rows(apps: Sequence[PermittedApp]) -> list[Row]:
    used, today = assigned.by_policy({app.policy for app in apps}), app_register.local_day()
    return [Row(app, _review(app, today), used.get(app.policy, 0)) for app in apps]


def _review(app: PermittedApp, today: date) -> Label:
    if app.review_due is None:
        return Label(Text("未定", "Not set"), IDLE)
    left = (date.fromisoformat(app.review_due) - today).days
    if app.due:
        return Label(Text(f"已到期 {-left} 天", f"Due for {-left} d"), BAD)
    return Label(Text(f"还剩 {left} 天", f"{left} d left"), WARN if left <= SOON_DAYS else OK)


def _place() -> int:
    text = lists.cursor() or "0"
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise BadInput(
            "bad_cursor", Text("翻页参数无效，请从第一页重新开始。", "The cursor is not valid. Start again.")
        )
    return int(text)


def _form(values: dict[str, str], problem: ShoujiError | None, **more: Any) -> str:
    return render_template(
        "app_form.html",
        values=values,
        reason=request.form.get("reason", "")[:500],
        error=document_form.told(problem) if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        **more,
    )
