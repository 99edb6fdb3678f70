"""Outsourced agencies: org units with a last day. After it their people sign in no more, and their phones stand out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
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
from identity.scope import visible_units

ZONE = ZoneInfo("Asia/Shanghai")
"""Days begin and end as they do in mainland China, where the agencies are."""
SOON_DAYS = 30
"""So many days before its last one an agency ends soon: whoever keeps its people or phones has to act."""


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


def find(actor: Actor) -> list[UnitView]:
    """Units of the actor's part of the tree that have a last day of their own, the next to end first.

    Those that ended come last, the latest of them first.
    """
    actor.require(Permission.ORG_READ)
    query = select(OrgUnit).where(OrgUnit.id.in_(visible_units(actor)), OrgUnit.ends_on.is_not(None))
    units = [org.view(unit) for unit in session().scalars(query.order_by(OrgUnit.ends_on, OrgUnit.name_path))]
    ended = [unit for unit in units if (days_left(unit.ends_on) or 0) < 0]
    return [*units[len(ended) :], *reversed(ended)]


def ending_soon(actor: Actor) -> int:
    """How many units of the actor's part of the tree end within `SOON_DAYS`."""
    actor.require(Permission.ORG_READ)
    today = _today()
    query = select(func.count(OrgUnit.id)).where(OrgUnit.id.in_(visible_units(actor)))
    soon = OrgUnit.ends_on.between(today, today + timedelta(days=SOON_DAYS))
    return session().scalar(query.where(soon)) or 0


def days_left(ends_on: date | None) -> int | None:
    """Days until the last one: 0 on it, below 0 after it; None without one."""
    return None if ends_on is None else (ends_on - _today()).days


def ended_units() -> Select[tuple[str]]:
    """Ids of the units that have ended, by their own last day or that of a unit above."""
    above = aliased(OrgUnit)
    return select(OrgUnit.id).join(above, OrgUnit.path.startswith(above.path)).where(above.ends_on < _today())


def ends_of(unit_ids: Collection[str]) -> dict[str, datetime]:
    """The moment at which each unit ends or ended, the earliest of its own and those above; others are missing."""
    above = aliased(OrgUnit)
    query = select(OrgUnit.id, above.ends_on).join(above, OrgUnit.path.startswith(above.path))
    found: dict[str, datetime] = {}
    for unit_id, ends_on in session().execute(query.where(OrgUnit.id.in_(unit_ids), above.ends_on.is_not(None))):
        moment = datetime.combine(ends_on + timedelta(days=1), time(), ZONE)
        found[unit_id] = min(moment, found.get(unit_id, moment))
    return found


def _today() -> date:
    return clock.now().astimezone(ZONE).date()
