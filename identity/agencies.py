"""Outsourced agencies: org units with a last day. After it their people sign in no more, and their phones stand out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from identity import org
from identity.models import ROOT_ID, OrgUnit
from identity.org import UnitView

ZONE = ZoneInfo("Asia/Shanghai")
"""Days begin and end as they do in mainland China, where the agencies are."""


def set_end(actor: Actor, unit_id: str, ends_on: date | None, *, reason: str) -> UnitView:
    """Set or take away the last day of a unit and all that is below it. It may lie in the past: it ends at once.

    Raises NotFound, Conflict for the root of the tree or a unit of one's own, Invalid without a reason.
    """
    actor.require(Permission.ORG_WRITE)
    why = clean_reason(reason)
    unit = org.locked(actor, unit_id)
    if unit.id == ROOT_ID:
        raise Conflict("root_unit", Text("根组织没有终止日期。", "The root of the tree has no last day."))
    if ends_on is not None and (actor.unit_path or "").startswith(unit.path):
        raise Conflict(
            "own_unit",
            Text("不能终止您自己所在的组织。", "You stand in this unit yourself: somebody above it ends it."),
        )
    if ends_on != unit.ends_on:
        before = unit.ends_on
        unit.ends_on, unit.revision = ends_on, unit.revision + 1
        session().flush()
        detail = {"from": before and before.isoformat(), "to": ends_on and ends_on.isoformat(), "reason": why}
        audit.record(actor, "org_unit.end", ("org_unit", unit.id), detail)
    return org.view(unit)


def ended_units() -> Select[tuple[str]]:
    """Ids of the units that have ended, by their own last day or that of a unit above."""
    above = aliased(OrgUnit)
    today = clock.now().astimezone(ZONE).date()
    return select(OrgUnit.id).join(above, OrgUnit.path.startswith(above.path)).where(above.ends_on < today)


def ends_of(unit_ids: Collection[str]) -> dict[str, datetime]:
    """The moment at which each unit ends or ended, the earliest of its own and those above; others are missing."""
    above = aliased(OrgUnit)
    query = select(OrgUnit.id, above.ends_on).join(above, OrgUnit.path.startswith(above.path))
    found: dict[str, datetime] = {}
    for unit_id, ends_on in session().execute(query.where(OrgUnit.id.in_(unit_ids), above.ends_on.is_not(None))):
        moment = datetime.combine(ends_on + timedelta(days=1), time(), ZONE)
        found[unit_id] = min(moment, found.get(unit_id, moment))
    return found
