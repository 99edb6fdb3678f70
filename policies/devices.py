"""Phones as this room needs them, from the fleet's selectables, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, Subquery, or_, select

from core.bulk import texts
from core.db import session
from fleet import queries as fleet
from identity import queries as org
from policies.world import Assigned, Reached

BATCH = 5000


def living(ids: Collection[str]) -> Iterator[list[Reached]]:
    """Those of the ids that are phones in the fleet, batch by batch in key order."""
    phones = fleet.living_ids().subquery()
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), BATCH):
        chosen = ordered[start : start + BATCH]
        query = (
            select(phones.c.id, phones.c.org_unit_id)
            .where(phones.c.id.in_(texts(session(), chosen)))
            .order_by(phones.c.id)
        )
        found = [Reached._make(row) for row in session().execute(query)]
        if found:
            yield found


def reached_by(assignments: Sequence[Assigned]) -> set[str]:
    """Ids of the phones in the fleet that any of the assignments reaches by its target."""
    if not assignments:
        return set()
    phones = fleet.living_ids().subquery()
    return set(session().scalars(select(phones.c.id).where(_reached(assignments, phones))))


def reached_after(assignments: Sequence[Assigned], last: str, limit: int = BATCH) -> list[str]:
    """Ids of the next phones in the fleet, in key order, that any of the assignments reaches by its target."""
    if not assignments:
        return []
    phones = fleet.living_ids().subquery()
    query = select(phones.c.id).where(_reached(assignments, phones), phones.c.id > last)
    return list(session().scalars(query.order_by(phones.c.id).limit(limit)))


def _reached(assignments: Sequence[Assigned], phones: Subquery) -> ColumnElement[bool]:
    unit_ids = {assigned.unit_id for assigned in assignments if assigned.unit_id}
    names = [assigned.group for assigned in assignments if assigned.group]
    named = [assigned.device_id for assigned in assignments if assigned.device_id]
    members = fleet.memberships().subquery()
    reached: list[ColumnElement[bool]] = []
    if unit_ids:
        reached.append(phones.c.org_unit_id.in_(_units_below(unit_ids)))
    if names:
        reached.append(phones.c.id.in_(select(members.c.device_id).where(members.c.group_name.in_(names))))
    if named:
        reached.append(phones.c.id.in_(named))
    return or_(*reached)


def below(unit_paths: Sequence[str]) -> set[str]:
    """Ids of the phones in the fleet at or below units, given by their id paths."""
    phones = fleet.living_ids().subquery()
    units = org.units().subquery()
    at = or_(*(units.c.path.startswith(path) for path in unit_paths))
    return set(session().scalars(select(phones.c.id).join(units, units.c.id == phones.c.org_unit_id).where(at)))


def everyone() -> list[str]:
    """Ids of all phones in the fleet."""
    phones = fleet.living_ids().subquery()
    return list(session().scalars(select(phones.c.id)))


def _units_below(unit_ids: Collection[str]) -> list[str]:
    paths = {row.id: row.path for row in session().execute(org.units())}
    tops = [paths[unit_id] for unit_id in unit_ids if unit_id in paths]
    return [unit_id for unit_id, path in paths.items() if any(path.startswith(top) for top in tops)]
