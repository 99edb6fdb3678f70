"""Assignments: which policy reaches which org unit, group or phone; made, changed and ended with a preview."""

from __future__ import annotations

from typing import Any, cast, get_args

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import choices, document_form, errors, forms, frame, lists, words
from console.policies import tabs
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_NAME, MAX_REVISION, MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from policies import assigned, documents
from policies.assigned import TargetKind
from policies.views import DocumentView

KIND = "Assignment"
FILTERS = ("q", "policy", "to")
MOST = 200
TARGETS: dict[str, Text] = {
    "org_unit": Text("组织及其下级", "Org unit and all below"),
    "group": Text("分组", "Group"),
    "device": Text("单台设备", "One phone"),
}
PLANNED = ("name", "policy", "to", "org_unit", "group", "device")

pages = Pages("assignments", __name__)


@pages.get("/assignments", Permission.DOCUMENT_READ)
def show_list() -> str:
    """Assignments by name."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    to = cast(TargetKind, shown["to"]) if shown.get("to") in get_args(TargetKind) else None
    narrowed: dict[str, Any] = {"q": shown.get("q"), "policy": shown.get("policy"), "to": to}
    page = assigned.find(actor, lists.cursor(), lists.LIMIT, **narrowed)
    return render_template(
        "_assignments.html" if frame.wants_part() else "assignments.html",
        assignments=page.items,
        total=assigned.count(actor, **narrowed),
        paging=lists.paging(page, shown),
        shown=shown,
        targets=TARGETS,
        target_options=words.options(TARGETS),
        words=words,
        tabs=tabs(actor, "assignments"),
        may_write=actor.may(Permission.DOCUMENT_WRITE),
    )


@pages.get("/assignments/new", Permission.DOCUMENT_WRITE)
@errors.shows("page_assignments.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new assignment; the address may choose policy and target."""
    return _form(_sent(), None, problem)


@pages.get("/assignments/<name>/edit", Permission.DOCUMENT_WRITE)
@errors.shows("page_assignments.change")
def edit(name: str, problem: ShoujiError | None = None) -> str:
    """The form of a stored assignment."""
    stored = documents.get(current_actor(), KIND, name)
    return _form({**(_sent() if problem else _values(stored)), "name": stored.name}, stored.managed_by, problem)


@pages.post("/assignments/plan", Permission.DOCUMENT_READ, reads=True)
def plan() -> str:
    """What the form would do to phones; asked while it is filled in."""
    return document_form.planned(_document())


@pages.post("/assignments/new", Permission.DOCUMENT_WRITE, reads_first=True)
def create() -> ResponseReturnValue:
    """Make an assignment; it is in effect at once."""
    return _store()


@pages.post("/assignments/<name>/edit", Permission.DOCUMENT_WRITE, reads_first=True)
def change(name: str) -> ResponseReturnValue:
    """Change an assignment; it is in effect at once."""
    return _store(name)


def _store(name: str | None = None) -> ResponseReturnValue:
    done = document_form.store(current_actor(), _document(name))
    return forms.done(url_for("page_assignments.show_list"), document_form.said(done))


def _document(name: str | None = None) -> dict[str, Any]:
    to = forms.field("to", 20)
    to = to if to in TARGETS else "org_unit"
    spec = {"policy": forms.field("policy", MAX_NAME), "to": {to: forms.field(to, MAX_UNIT_PATH).strip()}}
    revision = forms.whole("revision", 0, 0, MAX_REVISION)
    return document_form.built(KIND, name or forms.field("name", MAX_NAME), forms.field("title", 100), spec, revision)


def _values(stored: DocumentView) -> dict[str, str]:
    spec = stored.document["spec"]
    to = next(iter(spec["to"]))
    values = {"title": stored.title or "", "policy": spec["policy"], "to": to, to: spec["to"][to] or ""}
    return {**values, "revision": str(stored.revision)}


def _sent() -> dict[str, str]:
    """What the form sent, or the address chose."""
    return {name: request.values.get(name, "")[:MAX_UNIT_PATH] for name in (*PLANNED, "title", "revision")}


def _form(values: dict[str, str], managed_by: str | None, problem: ShoujiError | None) -> str:
    actor = current_actor()
    policies = [one.name for one in documents.find(actor, "Policy", None, MOST).items]
    return render_template(
        "assignment_form.html",
        values=values,
        stored=managed_by is not None,
        kept_in_files=managed_by == "files",
        policies=[(name, name) for name in policies],
        groups=[(name, name) for name in choices.group_names(actor)],
        units=choices.units(actor),
        targets=words.options(TARGETS),
        triggers=PLANNED,
        reason=request.form.get("reason", "")[:500],
        error=document_form.told(problem) if problem else None,
        error_field=forms.field_of(problem, document_form.FIELDS) if problem else None,
    )
