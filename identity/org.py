"""The org tree: units with an id path for scoping and a name path for people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Select, func, literal, select, update

from core import audit
from core.actor import ROOT_PATH, Actor
from core.db import session, upsert
from core.errors import Conflict, Invalid, NotFound
from core.ids import is_uuid, new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from core.views import Inner, View
from identity import events, guards, queries
from identity.models import ACTIVE, OrgUnit, Person
from identity.models import ROOT_ID as ROOT_ID
from identity.operations import Doing, operation
from identity.scope import visible_units

MAX_DEPTH = 16
CHANGE = "org_unit.change"
_NAME = re.compile(r"[^\x00-\x1f\x7f/]{1,64}")


class UnitView(View):
    """A unit of the tree; `org_unit` is its path of names, as requests take it.

    `path` is that of ids; `ends_on` the last day of an outsourced agency.
    """

    id: str
    name: str
    org_unit: str
    parent_id: str | None
    path: Inner[str]
    revision: int
    ends_on: date | None


def ensure_root() -> None:
    """Make the root of the tree where there is none yet."""
    row = {
        "id": ROOT_ID,
        "parent_id": None,
        "name": ROOT_PATH,
        "path": ROOT_PATH,
        "name_path": ROOT_PATH,
        "revision": 1,
    }
    upsert(session(), OrgUnit.__table__, [row], ["id"], update=[])


def find(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[UnitView]:
    """The units an actor sees, in the order of their name paths."""
    actor.require(Permission.ORG_READ)
    query = select(OrgUnit).where(OrgUnit.id.in_(visible_units(actor)))
    return keyset(session(), query, [OrgUnit.name_path, OrgUnit.id], cursor, limit).map(view)


def count(actor: Actor) -> int:
    """How many units an actor sees."""
    actor.require(Permission.ORG_READ)
    return session().scalar(select(func.count()).select_from(visible_units(actor).subquery())) or 0


def people_in(unit_ids: Collection[str]) -> dict[str, int]:
    """How many active people stand in each of the units themselves; units without any are missing."""
    query = select(Person.unit_id, func.count(Person.id)).where(Person.unit_id.in_(unit_ids), Person.state == ACTIVE)
    return {row[0]: row[1] for row in session().execute(query.group_by(Person.unit_id))}


def get(actor: Actor, unit_id: str) -> UnitView:
    """One unit. Raises NotFound when it is not there or not in the actor's scope."""
    actor.require(Permission.ORG_READ)
    return view(_visible(actor, unit_id))


def resolve(actor: Actor, reference: str) -> queries.UnitRef:
    """The unit of a name path (`/总部/电销`) or an id, in the actor's scope. Raises Invalid that says what to do."""
    return _resolved(reference, session().scalars(_named(actor, reference)).one_or_none())


def place(actor: Actor, reference: str, *, alone: bool = False) -> queries.UnitRef:
    """The same for something that is going to stand in the unit: nobody removes it until the unit of work ends. Of
    those who ask to be `alone`, and those who change the unit, one goes on at a time."""
    query = _named(actor, reference).with_for_update(read=not alone, key_share=True)
    return _resolved(reference, session().scalars(query).one_or_none())


def _named(actor: Actor, reference: str) -> Select[tuple[OrgUnit]]:
    query = select(OrgUnit).where(OrgUnit.id.in_(visible_units(actor)))
    return query.where(OrgUnit.id == reference if is_uuid(reference) else OrgUnit.name_path == clean_path(reference))


def _resolved(reference: str, unit: OrgUnit | None) -> queries.UnitRef:
    if unit is None:
        raise Invalid(
            "unknown_org_unit",
            Text(
                f"没有组织单元“{reference}”。请先创建它，或从组织列表中选择一个。",
                f"There is no org unit “{reference}”. Create it first, or choose one from the list of units.",
            ),
            org_unit=reference,
        )
    return queries.UnitRef(unit.id, unit.path, unit.name_path)


def create(actor: Actor, name: str, parent: str = ROOT_PATH) -> UnitView:
    """Make a unit below the parent (name path or id). Raises Conflict when the name is taken there."""
    actor.require(Permission.ORG_WRITE)
    name = clean_name(name)
    ensure_root()
    above = locked(actor, resolve(actor, parent).id)
    _require_free(above.id, name)
    if above.path.count("/") > MAX_DEPTH:
        raise _too_deep()
    unit_id = new_id()
    unit = OrgUnit(
        id=unit_id,
        parent_id=above.id,
        name=name,
        path=f"{above.path}{unit_id}/",
        name_path=_join(above.name_path, name),
        revision=1,
    )
    session().add(unit)
    session().flush()
    audit.record(actor, "org_unit.create", ("org_unit", unit.id), {"org_unit": unit.name_path})
    return view(unit)


def create_path(actor: Actor, path: str) -> UnitView:
    """The unit of a name path, made together with all that is missing above it."""
    actor.require(Permission.ORG_WRITE)
    ensure_root()
    above = ROOT_PATH
    for name in filter(None, clean_path(path).split("/")):
        here = _join(above, name)
        if session().scalar(select(OrgUnit.id).where(OrgUnit.name_path == here)) is None:
            create(actor, name, above)
        above = here
    return get(actor, resolve(actor, above).id)


def change(
    actor: Actor, unit_id: str, *, name: str | None = None, parent: str | None = None, revision: int | None = None
) -> UnitView:
    """Rename a unit, move it below another, or both. Raises Conflict for a stale revision, a taken name or a circle."""
    actor.require(Permission.ORG_WRITE)
    unit = locked(actor, unit_id)
    if unit.id == ROOT_ID:
        raise Conflict("root_unit", Text("根组织不能改名或移动。", "The root of the tree cannot be renamed or moved."))
    if revision is not None and revision != unit.revision:
        raise stale_revision(unit.revision)
    above = (
        _visible(actor, resolve(actor, parent).id) if parent is not None else session().get_one(OrgUnit, unit.parent_id)
    )
    new_name = clean_name(name) if name is not None else unit.name
    if above.path.startswith(unit.path):
        raise Conflict("circle", Text("不能把组织移到它自己的下级。", "A unit cannot move below itself."))
    if (above.id, new_name) == (unit.parent_id, unit.name):
        return view(unit)
    _require_free(above.id, new_name)
    before, seen = unit.name_path, unit.revision
    _relocate(unit, above, new_name)
    audit.record(actor, "org_unit.change", ("org_unit", unit.id), {"from": before, "to": unit.name_path})
    guards.unit_moved(actor, unit.path, _moving(unit, above, before, seen))
    events.units_changed.send(None, unit_paths=[unit.path])
    return view(unit)


def _moving(unit: OrgUnit, above: OrgUnit, before: str, revision: int) -> Doing:
    """The change of a unit, to be done again."""
    return Doing(
        CHANGE,
        {"unit": unit.id, "name": unit.name, "parent": above.id},
        {"revision": revision, "from": before, "to": unit.name_path},
        f"{before} → {unit.name_path}",
        frozenset({unit.id, above.id}),
    )


@operation(CHANGE, Permission.ORG_WRITE, Permission.DOCUMENT_PUBLISH)
def _change_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    change(actor, arguments["unit"], name=arguments["name"], parent=arguments["parent"])
    return {}


def delete(actor: Actor, unit_id: str) -> None:
    """Remove an empty unit. Raises Conflict while something is in it."""
    actor.require(Permission.ORG_WRITE)
    unit = locked(actor, unit_id)
    current = session()
    # Whoever is just placing something in it is waited for, and seen below.
    current.refresh(unit, with_for_update=True)
    if unit.id == ROOT_ID:
        raise Conflict("root_unit", Text("根组织不能删除。", "The root of the tree cannot be deleted."))
    if current.scalar(select(OrgUnit.id).where(OrgUnit.parent_id == unit.id).limit(1)):
        raise Conflict("unit_not_empty", Text("请先移走或删除下级组织。", "Move or delete the units below it first."))
    if current.scalar(select(Person.id).where(Person.unit_id == unit.id).limit(1)):
        raise Conflict(
            "unit_not_empty",
            Text(
                "请先把人员（包括已停用的）移到其他组织。",
                "Move its people, deactivated ones too, to another unit first.",
            ),
        )
    reason = guards.why_unit_stays(unit.id)
    if reason:
        raise Conflict("unit_in_use", reason)
    current.delete(unit)
    current.flush()
    audit.record(actor, "org_unit.delete", ("org_unit", unit.id), {"org_unit": unit.name_path})


def stale_revision(current: int) -> Conflict:
    """The error for an edit of something that somebody else has changed meanwhile."""
    return Conflict(
        "stale_revision",
        Text("内容已被他人修改，请重新载入后再改。", "Somebody else changed this meanwhile. Load it again, then edit."),
        revision=current,
    )


def _relocate(unit: OrgUnit, above: OrgUnit, name: str) -> None:
    """Move the whole subtree to its new paths in one statement."""
    old_path, old_names = unit.path, unit.name_path
    new_path, new_names = f"{above.path}{unit.id}/", _join(above.name_path, name)
    current = session()
    deepest = current.scalar(select(func.max(func.length(OrgUnit.path))).where(OrgUnit.path.startswith(old_path))) or 0
    if deepest - len(old_path) + len(new_path) > MAX_DEPTH * 37 + 1:
        raise _too_deep()
    current.execute(
        update(OrgUnit)
        .where(OrgUnit.path.startswith(old_path))
        .values(
            path=literal(new_path) + func.substr(OrgUnit.path, len(old_path) + 1),
            name_path=literal(new_names) + func.substr(OrgUnit.name_path, len(old_names) + 1),
        )
        .execution_options(synchronize_session=False)
    )
    current.execute(
        update(OrgUnit)
        .where(OrgUnit.id == unit.id)
        .values(parent_id=above.id, name=name, revision=OrgUnit.revision + 1)
        .execution_options(synchronize_session=False)
    )
    current.expire_all()


def _visible(actor: Actor, unit_id: str) -> OrgUnit:
    unit = (
        session()
        .scalars(select(OrgUnit).where(OrgUnit.id == unit_id, OrgUnit.id.in_(visible_units(actor))))
        .one_or_none()
    )
    if unit is None:
        raise NotFound("no_such_org_unit", Text("没有这个组织单元。", "There is no such org unit."))
    return unit


def locked(actor: Actor, unit_id: str) -> OrgUnit:
    """The unit of an actor's scope, to be changed, for this room. Raises NotFound."""
    # The root's row is the lock of the whole tree: two moves at once could tie a circle.
    session().execute(select(OrgUnit.id).where(OrgUnit.id == ROOT_ID).with_for_update(key_share=True))
    unit = _visible(actor, unit_id)
    session().refresh(unit)
    return unit


def _require_free(parent_id: str, name: str) -> None:
    taken = session().scalar(select(OrgUnit.id).where(OrgUnit.parent_id == parent_id, OrgUnit.name == name))
    if taken:
        raise Conflict("name_taken", Text(f"该上级下已有“{name}”。", f"There is already a “{name}” there."))


def clean_name(name: str) -> str:
    """A unit's name as it is stored. Raises Invalid."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise Invalid(
            "bad_name", Text("组织名称为 1 到 64 个字符，不含“/”。", "A unit's name has 1 to 64 characters and no “/”.")
        )
    return name


def clean_path(path: str) -> str:
    """A path of names as it is stored: one slash before each name."""
    parts = [part.strip() for part in path.split("/") if part.strip()]
    return ROOT_PATH + "/".join(parts)


def _join(above: str, name: str) -> str:
    return f"{above.rstrip('/')}/{name}"


def view(unit: OrgUnit) -> UnitView:
    """A unit as it is shown."""
    return UnitView(
        id=unit.id,
        name=unit.name,
        org_unit=unit.name_path,
        parent_id=unit.parent_id,
        path=unit.path,
        revision=unit.revision,
        ends_on=unit.ends_on,
    )


def _too_deep() -> Invalid:
    return Invalid(
        "tree_too_deep", Text(f"组织层级最多 {MAX_DEPTH} 层。", f"The tree is at most {MAX_DEPTH} levels deep.")
    )
