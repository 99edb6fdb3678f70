"""How far an author reaches: documents are the whole fleet's, a part of the tree is assigned to from within it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from core.actor import Actor
from core.db import session
from core.errors import Forbidden
from core.text import Text
from fleet import queries as fleet
from identity import scope
from policies.drafts import Change, Key
from policies.models import AssignmentTarget, PolicyDocument
from policies.world import Assigned


def require(
    actor: Actor, changes: Collection[Change], stored: Mapping[Key, PolicyDocument], assigned: Mapping[str, Assigned]
) -> None:
    """Raise Forbidden unless the actor may make these changes.

    Policies, sets, calendars and groups may reach any phone, so only who stands at the root of the tree writes them.
    Below it, an author may change assignments whose target, before and after, is an own unit or phone.
    """
    if scope.sees_everything(actor):
        return
    for change in changes:
        if change.action == "none":
            continue
        if change.kind != "Assignment" or change.action == "delete":
            raise _beyond(change)
        before = _present(stored.get((change.kind, change.name)))
        if not all(_own(actor, target) for target in (before, assigned[change.name]) if target is not None):
            raise _beyond(change)


def _present(row: PolicyDocument | None) -> Assigned | None:
    if row is None:
        return None
    query = select(AssignmentTarget).where(AssignmentTarget.document_id == row.id)
    found = session().scalars(query).one_or_none()
    return Assigned(row.name, "", found.org_unit_id, found.group_name, found.device_id) if found else None


def _own(actor: Actor, target: Assigned) -> bool:
    if target.device_id is not None:
        return bool(fleet.in_scope_of(actor, [target.device_id]))
    return scope.in_scope(actor, target.unit_id)


def _beyond(change: Change) -> Forbidden:
    return Forbidden(
        "beyond_scope",
        Text(
            f"{change.kind}“{change.name}”可能影响您所属组织以外的设备，请由根组织的策略管理员修改。",
            f"{change.kind} “{change.name}” may reach phones outside your part of the tree. "
            "An author at the root of the tree changes it.",
        ),
        document={"kind": change.kind, "name": change.name},
    )
