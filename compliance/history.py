"""How compliance went: samples by hour and by day of each org unit's own phones, added up for whoever asks."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, true

from compliance.models import ComplianceSample as Sample
from compliance.models import ComplianceState as Row
from compliance.views import History, Point
from core import clock
from core.actor import Actor
from core.db import affected, session, upsert
from core.permissions import Permission
from core.runtime import settings
from fleet import findings_read
from fleet import queries as fleet
from identity import org, scope

HOUR, DAY = "hour", "day"
STATE, CODE = "state", "code"
HOURLY_DAYS = 7
MAX_DAYS = 400
KEEP = {HOUR: timedelta(days=HOURLY_DAYS + 1), DAY: timedelta(days=MAX_DAYS)}
_KEYS = ["span", "at", "org_unit_id", "kind", "name"]


def read(actor: Actor, days: int, org_unit: str | None = None) -> History:
    """The last days over what the actor sees, or an org unit and below: by hour up to a week, by day beyond."""
    actor.require(Permission.COMPLIANCE_READ)
    days = max(1, min(days, MAX_DAYS))
    span = HOUR if days <= HOURLY_DAYS else DAY
    query = select(Sample.at, Sample.kind, Sample.name, func.sum(Sample.devices).label("devices")).where(
        Sample.span == span, Sample.at >= clock.now() - timedelta(days=days), _in_scope(actor, org_unit)
    )
    points: dict[datetime, Point] = {}
    for row in session().execute(query.group_by(Sample.at, Sample.kind, Sample.name).order_by(Sample.at)):
        point = points.setdefault(row.at, Point(at=row.at, states={}, codes={}))
        (point.states if row.kind == STATE else point.codes)[row.name] = int(row.devices)
    return History(span=span, points=list(points.values()))


def sample() -> int:
    """Count now, for this hour and this day; returns how many figures were kept."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    local = now.astimezone(ZoneInfo(settings().timezone))
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    counted = _count()
    for span, at in ((HOUR, hour), (DAY, day)):
        # What is not there any more must not stay from an earlier count of the same day.
        session().execute(delete(Sample).where(Sample.span == span, Sample.at == at))
        rows = [
            {"span": span, "at": at, "org_unit_id": unit, "kind": kind, "name": name, "devices": devices}
            for (unit, kind, name), devices in counted.items()
        ]
        upsert(session(), Sample.__table__, rows, _KEYS)
    return len(counted)


def forget_old() -> int:
    """Drop samples that nobody can ask for any more; returns how many."""
    now = clock.now()
    old = or_(*((Sample.span == span) & (Sample.at < now - keep) for span, keep in KEEP.items()))
    return affected(session(), delete(Sample).where(old))


def _count() -> dict[tuple[str, str, str], int]:
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    for unit, state, devices in session().execute(_states_by_unit()):
        counted[unit, STATE, state] += devices
    for unit, code, devices in findings_read.counts_by_unit():
        counted[unit, CODE, code] += devices
    return counted


def _states_by_unit() -> Select[tuple[str, str, int]]:
    phones = fleet.living_ids().subquery()
    query = select(phones.c.org_unit_id, Row.state, func.count()).join(Row, Row.device_id == phones.c.id)
    return query.group_by(phones.c.org_unit_id, Row.state)


def _in_scope(actor: Actor, org_unit: str | None) -> ColumnElement[bool]:
    if org_unit is not None:
        return Sample.org_unit_id.in_(scope.visible_at(org.resolve(actor, org_unit).path))
    return true() if scope.sees_everything(actor) else Sample.org_unit_id.in_(scope.visible_units(actor))
