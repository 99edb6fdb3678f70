"""Open findings across phones, in an actor's scope: pages and counts for whoever shows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select

from core.actor import Actor
from core.db import session
from core.paging import Page, keyset
from fleet.findings import OPEN_COLUMNS, OpenFinding
from fleet.models import Device, Finding
from fleet.visibility import in_scope
from identity import org, scope


@dataclass(frozen=True, slots=True)
class FindingFilters:
    """What a list is narrowed by; None does not narrow. `org_unit` by path of names or id, with all below it."""

    codes: Collection[str] | None = None
    without: Collection[str] = ()
    org_unit: str | None = None
    excepted: bool | None = None


def page(
    actor: Actor, filters: FindingFilters, worst: Sequence[Collection[str]], cursor: str | None, limit: int
) -> Page[OpenFinding]:
    """A page of open findings of the phones that the actor sees.

    `worst`: groups of codes that come first, in this order; within a group, and after all of them, the newest first.
    """
    ranks = {code: len(worst) - place for place, codes in enumerate(worst) for code in codes}
    rank = case(*((Finding.code.in_(codes), len(worst) - place) for place, codes in enumerate(worst)), else_=0)
    query = select(Finding).join(Device, Device.id == Finding.device_id).where(*_conditions(actor, filters))
    found = keyset(
        session(),
        query,
        [rank, Finding.since, Finding.id],
        cursor,
        limit,
        descending=True,
        values=lambda row: [ranks.get(row.code, 0), row.since, row.id],
    )
    return found.map(lambda row: OpenFinding(*(getattr(row, column.key) for column in OPEN_COLUMNS)))


def counts(actor: Actor, filters: FindingFilters) -> dict[tuple[str, bool], int]:
    """How many phones have an open finding, by its code and whether it is excepted."""
    excepted = Finding.excepted_until.is_not(None)
    query = select(Finding.code, excepted.label("excepted"), func.count().label("phones"))
    query = query.join(Device, Device.id == Finding.device_id).where(*_conditions(actor, filters))
    rows = session().execute(query.group_by(Finding.code, excepted))
    return {(row.code, bool(row.excepted)): row.phones for row in rows}


def counts_by_unit() -> list[tuple[str, str, int]]:
    """Org unit id, code, and how many of the unit's own phones have that finding open and not excepted."""
    query = select(Device.org_unit_id, Finding.code, func.count()).join(Device, Device.id == Finding.device_id)
    query = query.where(Finding.closed_at.is_(None), Finding.excepted_until.is_(None))
    return [(row[0], row[1], row[2]) for row in session().execute(query.group_by(Device.org_unit_id, Finding.code))]


def _conditions(actor: Actor, filters: FindingFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Finding.closed_at.is_(None), in_scope(actor)]
    if filters.codes is not None:
        conditions.append(Finding.code.in_(filters.codes))
    if filters.without:
        conditions.append(Finding.code.not_in(filters.without))
    if filters.excepted is not None:
        conditions.append(Finding.excepted_until.is_not(None) if filters.excepted else Finding.excepted_until.is_(None))
    if filters.org_unit is not None:
        unit = org.resolve(actor, filters.org_unit)
        conditions.append(Device.org_unit_id.in_(scope.visible_at(unit.path)))
    return conditions
