"""Assignments as they are listed: which policy reaches whom, and how many phones of one's part of the tree that are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from core.actor import Actor
from core.db import session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.views import Moment, View
from fleet import queries as fleet
from identity import queries as org
from identity.scope import visible_units
from policies import sight
from policies.models import EVERYWHERE, AssignmentTarget, PolicyDocument, VersionInForce

TargetKind = Literal["org_unit", "group", "device"]
_COLUMNS: dict[TargetKind, Any] = {
    "org_unit": AssignmentTarget.org_unit_id,
    "group": AssignmentTarget.group_name,
    "device": AssignmentTarget.device_id,
}


class AssignmentView(View):
    """An assignment: `target` is a path of names, a group or a device id (None: a phone elsewhere), `phones` how many
    of the actor's phones it reaches. `policy_version` is None while the policy is not in force everywhere."""

    name: str
    title: str | None
    policy: str
    policy_version: int | None
    to: TargetKind
    target: str | None
    phones: int
    managed_by: str
    updated_at: Moment
    updated_by: str


def find(
    actor: Actor,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    *,
    q: str | None = None,
    policy: str | None = None,
    to: TargetKind | None = None,
    group: str | None = None,
) -> Page[AssignmentView]:
    """Assignments by name; `q` is found in name, title or the policy's name, `group` is what they reach."""
    actor.require(Permission.DOCUMENT_READ)
    query = _narrowed(select(PolicyDocument), q, policy, to)
    query = query.where(AssignmentTarget.group_name == group) if group else query
    page = keyset(session(), query, [PolicyDocument.name], cursor, limit)
    views = _views(actor, page.items)
    return page.map(lambda row: views[row.id])


def count(actor: Actor, *, q: str | None = None, policy: str | None = None, to: TargetKind | None = None) -> int:
    """How many assignments the same filters find."""
    actor.require(Permission.DOCUMENT_READ)
    return session().scalar(_narrowed(select(func.count(PolicyDocument.id)), q, policy, to)) or 0


def by_policy(policies: Collection[str]) -> dict[str, int]:
    """How many assignments each of the policies has; those without any are missing."""
    policy = aliased(PolicyDocument)
    query = (
        select(policy.name, func.count(AssignmentTarget.document_id))
        .join(AssignmentTarget, AssignmentTarget.policy_id == policy.id)
        .where(policy.name.in_(policies))
        .group_by(policy.name)
    )
    return {row[0]: row[1] for row in session().execute(query)}


def _narrowed(query: Select[Any], q: str | None, policy: str | None, to: TargetKind | None) -> Select[Any]:
    named = aliased(PolicyDocument)
    query = (
        query.join(AssignmentTarget, AssignmentTarget.document_id == PolicyDocument.id)
        .join(named, named.id == AssignmentTarget.policy_id)
        .where(PolicyDocument.deleted_at.is_(None))
    )
    if policy:
        query = query.where(named.name == policy)
    if to:
        query = query.where(_COLUMNS[to].is_not(None))
    if q and q.strip():
        columns = (PolicyDocument.name, PolicyDocument.title, named.name)
        query = query.where(or_(*(column.icontains(q.strip(), autoescape=True) for column in columns)))
    return query


def _views(actor: Actor, rows: Sequence[PolicyDocument]) -> dict[str, AssignmentView]:
    ids = [row.id for row in rows]
    policy = aliased(PolicyDocument)
    query = (
        select(AssignmentTarget, policy.name, VersionInForce.version)
        .join(policy, policy.id == AssignmentTarget.policy_id)
        .outerjoin(VersionInForce, (VersionInForce.document_id == policy.id) & (VersionInForce.scope == EVERYWHERE))
        .where(AssignmentTarget.document_id.in_(ids))
    )
    found = {target.document_id: (target, name, version) for target, name, version in session().execute(query)}
    targets = [target for target, _, _ in found.values()]
    units = org.unit_refs({target.org_unit_id for target in targets if target.org_unit_id})
    in_units = _phones_below(actor, {ref.path for ref in units.values()})
    in_groups = _phones_in(actor, {target.group_name for target in targets if target.group_name})
    own = fleet.in_scope_of(actor, {target.device_id for target in targets if target.device_id})
    hidden = sight.hidden_in(actor, [row.spec for row in rows])
    made: dict[str, AssignmentView] = {}
    for row in rows:
        target, name, version = found[row.id]
        unit = units.get(target.org_unit_id) if target.org_unit_id else None
        to: TargetKind = "org_unit" if target.org_unit_id else "group" if target.group_name else "device"
        shown = unit.name_path if unit else target.group_name or target.device_id
        phones = {
            "org_unit": in_units.get(unit.path, 0) if unit else 0,
            "group": in_groups.get(target.group_name or "", 0),
            "device": int(target.device_id in own),
        }
        made[row.id] = AssignmentView(
            name=row.name,
            title=row.title,
            policy=name,
            policy_version=version,
            to=to,
            target=None if shown in hidden else shown,
            phones=phones[to],
            managed_by=row.managed_by,
            updated_at=row.updated_at,
            updated_by=row.updated_by,
        )
    return made


def _phones_below(actor: Actor, paths: Collection[str]) -> dict[str, int]:
    """How many of the actor's phones stand at or below each id path."""
    if not paths:
        return {}
    phones, units = fleet.living_ids().subquery(), org.units().subquery()
    query = (
        select(units.c.path, func.count(phones.c.id))
        .join(units, units.c.id == phones.c.org_unit_id)
        .where(units.c.id.in_(visible_units(actor)))
        .group_by(units.c.path)
    )
    counts = session().execute(query).all()
    return {path: sum(number for at, number in counts if at.startswith(path)) for path in paths}


def _phones_in(actor: Actor, groups: Collection[str]) -> dict[str, int]:
    """How many of the actor's phones are in each group."""
    if not groups:
        return {}
    phones, members = fleet.living_ids().subquery(), fleet.memberships().subquery()
    query = (
        select(members.c.group_name, func.count(phones.c.id))
        .join(phones, phones.c.id == members.c.device_id)
        .where(members.c.group_name.in_(groups), phones.c.org_unit_id.in_(visible_units(actor)))
        .group_by(members.c.group_name)
    )
    return {row[0]: row[1] for row in session().execute(query)}
