"""Which open findings a running exception covers, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import or_, select

from compliance.facts import Facts
from compliance.models import ComplianceException as Row
from core.bulk import texts
from core.db import session
from fleet import findings
from fleet import queries as fleet
from fleet.findings import OpenFinding
from identity import queries as org

DEVICE, GROUP, ORG_UNIT = "device", "group", "org_unit"


class Cover:
    """The exceptions that run for some phones, looked up in a constant number of statements."""

    def __init__(self, rows: Sequence[Row], loaded: Mapping[str, Facts]) -> None:
        self._ends: dict[tuple[str, str, str], datetime] = {}
        for row in rows:
            key = (row.code, row.scope, row.target)
            self._ends[key] = max(row.until, self._ends.get(key, row.until))
        self._loaded = loaded
        self._groups = _groups({row.target for row in rows if row.scope == GROUP}, loaded)
        self._above = _units_above(loaded) if any(row.scope == ORG_UNIT for row in rows) else {}

    def until(self, finding: OpenFinding) -> datetime | None:
        """Until when a finding is excepted; None when it is not."""
        unit_id = self._loaded[finding.device_id].phone.org_unit_id
        keys = [(DEVICE, finding.device_id)]
        keys += [(GROUP, name) for name in self._groups.get(finding.device_id, ())]
        keys += [(ORG_UNIT, above) for above in self._above.get(unit_id, ())]
        ends = [self._ends[(finding.code, *key)] for key in keys if (finding.code, *key) in self._ends]
        return max(ends, default=None)


def apply(
    loaded: Mapping[str, Facts], opened: Mapping[str, Sequence[OpenFinding]], now: datetime
) -> dict[str, list[OpenFinding]]:
    """The findings with their exceptions as they run now; what changed is noted on them."""
    codes = {finding.code for several in opened.values() for finding in several}
    cover = Cover(_running(codes, loaded, now), loaded)
    shown: dict[str, list[OpenFinding]] = defaultdict(list)
    changed: dict[int, datetime | None] = {}
    for device_id, several in opened.items():
        for finding in several:
            until = cover.until(finding)
            if until != finding.excepted_until:
                changed[finding.id] = until
                finding = replace(finding, excepted_until=until, counted_from=None if until else now)
            shown[device_id].append(finding)
    findings.except_until(changed)
    return shown


def _running(codes: Collection[str], loaded: Mapping[str, Facts], now: datetime) -> list[Row]:
    if not codes:
        return []
    named = Row.target.in_(texts(session(), loaded))
    query = select(Row).where(Row.ended_at.is_(None), Row.until > now, Row.code.in_(codes))
    return list(session().scalars(query.where(or_(Row.scope != DEVICE, named))))


def _groups(names: Collection[str], loaded: Mapping[str, Facts]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    if names:
        members = fleet.memberships().subquery()
        query = select(members.c.device_id, members.c.group_name).where(
            members.c.group_name.in_(names), members.c.device_id.in_(texts(session(), loaded))
        )
        for row in session().execute(query):
            found[row.device_id].append(row.group_name)
    return found


def _units_above(loaded: Mapping[str, Facts]) -> dict[str, list[str]]:
    """For each unit that phones belong to, itself and all above it."""
    refs = org.unit_refs({one.phone.org_unit_id for one in loaded.values()})
    return {unit_id: [org.ROOT_ID, *ref.path.strip("/").split("/")] for unit_id, ref in refs.items()}
