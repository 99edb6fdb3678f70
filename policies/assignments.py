"""Assignments: a policy bound to an org unit and all below, a group, or one phone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from core.actor import Actor
from core.db import session, upsert
from core.text import Text
from fleet import queries as fleet
from identity import org
from identity import queries as org_queries
from policies.language.kinds import AssignmentSpec
from policies.models import AssignmentTarget, PolicyDocument
from policies.world import Assigned


def resolve(actor: Actor, name: str, spec: AssignmentSpec) -> Assigned:
    """The assignment with its org unit found by its path of names. Raises Invalid or NotFound outside the scope."""
    unit_id = org.resolve(actor, spec.to.org_unit).id if spec.to.org_unit else None
    if spec.to.device:
        fleet.ref(actor, spec.to.device)
    return Assigned(name, spec.policy, unit_id, spec.to.group, spec.to.device)


def put(document_id: str, policy_id: str, assigned: Assigned) -> None:
    """Put an assignment in effect."""
    row = {
        "document_id": document_id,
        "policy_id": policy_id,
        "org_unit_id": assigned.unit_id,
        "group_name": assigned.group,
        "device_id": assigned.device_id,
    }
    upsert(session(), AssignmentTarget.__table__, [row], ["document_id"])


def remove(document_id: str) -> None:
    """End an assignment."""
    target = session().get(AssignmentTarget, document_id)
    if target is not None:
        session().delete(target)
        session().flush()


def present_paths(document_ids: Collection[str]) -> dict[str, str]:
    """Document id -> the path of names that its org unit has today."""
    query = select(AssignmentTarget.document_id, AssignmentTarget.org_unit_id)
    rows = session().execute(query.where(AssignmentTarget.document_id.in_(document_ids))).all()
    units = org_queries.unit_refs({row.org_unit_id for row in rows if row.org_unit_id})
    return {row.document_id: units[row.org_unit_id].name_path for row in rows if row.org_unit_id in units}


def with_present_path(spec: dict[str, Any], path: str | None) -> dict[str, Any]:
    """An assignment's spec with the path that its unit has today; units are renamed and moved."""
    return {**spec, "to": {"org_unit": path}} if path and "org_unit" in spec.get("to", {}) else spec


def why_unit_stays(unit_id: str) -> Text | None:
    """An org unit that an assignment names is not removed from under it."""
    name = session().scalar(
        select(PolicyDocument.name)
        .join(AssignmentTarget, AssignmentTarget.document_id == PolicyDocument.id)
        .where(AssignmentTarget.org_unit_id == unit_id)
        .limit(1)
    )
    if name is None:
        return None
    return Text(
        f"策略分配“{name}”指向该组织，请先修改分配。", f"The assignment “{name}” names this unit. Change it first."
    )
