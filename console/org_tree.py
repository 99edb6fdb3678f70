"""The org tree: units and how many people stand in them; made, renamed, moved, removed."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import choices, errors, forms, frame, lists, unit_ends
from core.actor import Actor
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_REVISION, MAX_UNIT_PATH
from core.permissions import Permission
from core.text import Text
from identity import agencies, org
from identity.org import ROOT_ID, UnitView

LIMIT = 200
FIELDS = {
    "bad_name": "name",
    "name_taken": "name",
    "unknown_org_unit": "parent",
    "circle": "parent",
    "tree_too_deep": "parent",
}

pages = Pages("org", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A unit as a line of the tree."""

    unit: UnitView
    depth: int
    people: int
    root: bool
    days_left: int | None


@pages.get("/org", Permission.ORG_READ)
def show_tree() -> str:
    """One's part of the tree, by path."""
    actor = current_actor()
    page = org.find(actor, lists.cursor(), LIMIT)
    return render_template(
        "_org.html" if frame.wants_part() else "org.html",
        rows=_rows(page.items),
        total=org.count(actor),
        paging=lists.paging(page, {}, LIMIT),
        tabs=unit_ends.tabs("tree"),
        ends=unit_ends,
        may_write=actor.may(Permission.ORG_WRITE),
        may_people=actor.may(Permission.STAFF_READ),
    )


@pages.get("/org/new", Permission.ORG_WRITE)
@errors.shows("page_org.create")
def new(problem: ShoujiError | None = None) -> str:
    """The form of a new unit; `parent` in the address chooses where."""
    name, parent = request.form.get("name", ""), request.values.get("parent", "")
    return _form("unit_new.html", problem, name=name, parent=parent or "/")


@pages.post("/org/new", Permission.ORG_WRITE)
def create() -> ResponseReturnValue:
    """Make a unit."""
    unit = org.create(current_actor(), forms.field("name"), forms.field("parent", MAX_UNIT_PATH).strip() or "/")
    text = Text(f"已创建组织“{unit.org_unit}”。", f"The unit “{unit.org_unit}” is made.")
    return forms.done(url_for("page_org.show_tree"), text)


@pages.get("/org/<id>/edit", Permission.ORG_WRITE)
@errors.shows("page_org.change")
def edit(id: str, problem: ShoujiError | None = None) -> str:
    """The form that renames or moves a unit."""
    unit = org.get(current_actor(), id)
    above = unit.org_unit.rpartition("/")[0] or "/"
    sent = request.form if problem else {}
    return _form(
        "unit_edit.html", problem, unit=unit, name=sent.get("name", unit.name), parent=sent.get("parent", above)
    )


@pages.post("/org/<id>/edit", Permission.ORG_WRITE)
def change(id: str) -> ResponseReturnValue:
    """Rename or move a unit with all that is below it."""
    revision = forms.whole("revision", 1, 1, MAX_REVISION)
    parent = forms.field("parent", MAX_UNIT_PATH).strip() or "/"
    unit = org.change(current_actor(), id, name=forms.field("name"), parent=parent, revision=revision)
    return forms.done(url_for("page_org.show_tree"), Text(f"已保存：{unit.org_unit}", f"Saved: {unit.org_unit}"))


@pages.get("/org/<id>/delete", Permission.ORG_WRITE)
@errors.shows("page_org.delete")
def ask_delete(id: str, problem: ShoujiError | None = None) -> str:
    """Ask before a unit is removed."""
    actor: Actor = current_actor()
    return render_template("unit_delete.html", unit=org.get(actor, id), error=problem.text if problem else None)


@pages.post("/org/<id>/delete", Permission.ORG_WRITE)
def delete(id: str) -> ResponseReturnValue:
    """Remove an empty unit."""
    actor = current_actor()
    forms.require_typed(org.get(actor, id).name)
    org.delete(actor, id)
    return forms.done(url_for("page_org.show_tree"), Text("组织已删除。", "The unit is removed."))


def _rows(units: list[UnitView]) -> list[Row]:
    people = org.people_in([unit.id for unit in units])
    base = min((unit.path.count("/") for unit in units), default=0)
    return [
        Row(
            unit,
            unit.path.count("/") - base,
            people.get(unit.id, 0),
            unit.id == ROOT_ID,
            agencies.days_left(unit.ends_on),
        )
        for unit in units
    ]


def _form(template: str, problem: ShoujiError | None, **values: object) -> str:
    return render_template(
        template,
        error=problem.text if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
        units=choices.units(current_actor()),
        **values,
    )
