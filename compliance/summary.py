"""How many phones stand where: all that an actor sees, each org unit with all below it, each person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, case, func, select

from compliance import registry
from compliance.ladder import NO_STEP, rank
from compliance.models import ComplianceState as Row
from compliance.states import NONCOMPLIANT, STATES
from compliance.views import CodeCount, PersonCounts, Totals, UnitCounts
from core.actor import Actor
from core.db import session
from core.errors import BadInput
from core.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from core.permissions import Permission
from core.text import Text
from fleet import findings_read
from fleet import queries as fleet
from fleet.findings_read import FindingFilters
from identity import org, queries, scope


@dataclass(slots=True)
class _Tally:
    own: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)


def totals(actor: Actor, org_unit: str | None = None) -> Totals:
    """Counts over the phones that the actor sees, or those of an org unit (path of names or id) and below."""
    actor.require(Permission.COMPLIANCE_READ)
    phones = _phones(actor, org_unit).subquery()
    held = func.sum(case((Row.step_held.is_not(None), 1), else_=0))
    query = select(Row.state, Row.severity, Row.step, func.count().label("phones"), held.label("held"))
    query = query.join(phones, phones.c.id == Row.device_id).group_by(Row.state, Row.severity, Row.step)
    states, severities, steps, waiting = Counter[str](), Counter[str](), Counter[str](), 0
    for row in session().execute(query):
        states[row.state] += row.phones
        steps[row.step] += row.phones
        waiting += int(row.held or 0)
        if row.severity:
            severities[row.severity] += row.phones
    return Totals(
        devices=sum(states.values()),
        states=_complete(states),
        severities=dict(severities),
        steps={name: count for name, count in steps.items() if name != NO_STEP},
        held=waiting,
        codes=_codes(actor, org_unit),
    )


def by_unit(actor: Actor) -> list[UnitCounts]:
    """Every org unit that the actor sees, in the order of name paths."""
    actor.require(Permission.COMPLIANCE_READ)
    units = queries.units().subquery()
    seen = select(units).where(units.c.id.in_(scope.visible_units(actor))).order_by(units.c.name_path)
    rows = session().execute(seen).all()
    tallies = {row.id: _Tally() for row in rows}
    paths = {row.id: row.path for row in rows}
    phones = _phones(actor, None).subquery()
    query = select(phones.c.org_unit_id, Row.state, func.count().label("phones"))
    query = query.join(Row, Row.device_id == phones.c.id).group_by(phones.c.org_unit_id, Row.state)
    for row in session().execute(query):
        if row.org_unit_id not in tallies:
            continue
        tallies[row.org_unit_id].own[row.state] += row.phones
        for unit_id in _with_above(paths[row.org_unit_id]):
            if unit_id in tallies:
                tallies[unit_id].total[row.state] += row.phones
    return [
        UnitCounts(
            id=row.id,
            org_unit=row.name_path,
            own=_complete(tallies[row.id].own),
            total=_complete(tallies[row.id].total),
        )
        for row in rows
    ]


def by_person(
    actor: Actor,
    org_unit: str | None = None,
    *,
    noncompliant: bool = False,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[PersonCounts]:
    """A page of people who hold phones that the actor sees; `noncompliant`: only those with one out of order."""
    actor.require(Permission.COMPLIANCE_READ)
    limit = max(1, min(limit, MAX_LIMIT))
    ids = list(session().scalars(_people(actor, org_unit, noncompliant, cursor).limit(limit + 1)))
    shown = ids[:limit]
    following = encode_cursor([shown[-1]]) if len(ids) > limit else None
    return Page(_persons(actor, org_unit, shown), following)


def _people(actor: Actor, org_unit: str | None, noncompliant: bool, cursor: str | None) -> Select[tuple[str]]:
    phones = _phones(actor, org_unit).subquery()
    query = select(phones.c.person_id).where(phones.c.person_id.is_not(None))
    if noncompliant:
        query = query.join(Row, Row.device_id == phones.c.id).where(Row.state == NONCOMPLIANT)
    if cursor:
        (last,) = decode_cursor(cursor, 1)
        if not isinstance(last, str) or "\0" in last:
            raise BadInput(
                "bad_cursor",
                Text("翻页参数无效，请从第一页重新开始。", "The cursor is not valid. Start from the first page."),
            )
        query = query.where(phones.c.person_id > last)
    return query.distinct().order_by(phones.c.person_id)


def _persons(actor: Actor, org_unit: str | None, ids: list[str]) -> list[PersonCounts]:
    phones = _phones(actor, org_unit).subquery()
    query = select(phones.c.person_id, Row.state, Row.step, func.count(), func.sum(Row.findings))
    query = query.join(Row, Row.device_id == phones.c.id).where(phones.c.person_id.in_(ids))
    states: dict[str, Counter[str]] = {person: Counter() for person in ids}
    found, steps = Counter[str](), dict.fromkeys(ids, NO_STEP)
    for person, state, step, count, counted in session().execute(
        query.group_by(phones.c.person_id, Row.state, Row.step)
    ):
        states[person][state] += count
        found[person] += int(counted or 0)
        steps[person] = max(steps[person], step, key=rank)
    refs = queries.person_refs(ids)
    return [
        PersonCounts(
            id=person,
            name=refs[person].name if person in refs else "",
            employee_no=refs[person].employee_no if person in refs else None,
            states=_complete(states[person]),
            findings=found[person],
            step=steps[person],
        )
        for person in ids
    ]


def _codes(actor: Actor, org_unit: str | None) -> list[CodeCount]:
    counted = findings_read.counts(actor, FindingFilters(org_unit=org_unit))
    open_codes = {code for code, _ in counted}
    found = []
    for code in open_codes:
        check = registry.check_of(code)
        excepted = counted.get((code, True), 0)
        devices = counted.get((code, False), 0) + excepted
        found.append(
            CodeCount(code=code, title=check.title, severity=str(check.severity), devices=devices, excepted=excepted)
        )
    return sorted(found, key=lambda one: (-one.devices, one.code))


def _phones(actor: Actor, org_unit: str | None) -> Select[Any]:
    """Columns `id`, `org_unit_id`, `person_id` of the phones in the fleet that are meant."""
    phones = fleet.devices().subquery()
    query = select(phones.c.id, phones.c.org_unit_id, phones.c.person_id)
    if org_unit is not None:
        return query.where(phones.c.org_unit_id.in_(scope.visible_at(org.resolve(actor, org_unit).path)))
    return query if scope.sees_everything(actor) else query.where(phones.c.org_unit_id.in_(scope.visible_units(actor)))


def _with_above(path: str) -> list[str]:
    return [org.ROOT_ID, *path.strip("/").split("/")]


def _complete(states: Counter[str]) -> dict[str, int]:
    return {state: states[state] for state in STATES}
