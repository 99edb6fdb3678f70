"""Exceptions: a finding that is allowed for a while, with a reason and an end, by whoever may grant that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from compliance import finding_views, registry, states
from compliance.covering import DEVICE, GROUP, ORG_UNIT
from compliance.models import ComplianceException as Row
from compliance.views import ExceptionView
from core import audit, clock, live
from core.actor import Actor, system_actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import groups, visibility
from fleet import queries as fleet
from identity import org, queries, scope

CLOCK = system_actor("compliance")
LONGEST = timedelta(days=365)
LIVE_TOPIC = "compliance"
RUNNING, EXPIRED, ENDED = "running", "expired", "ended"


@dataclass(frozen=True, slots=True)
class Target:
    """What an exception is for: exactly one of them. `org_unit` is a path of names or an id."""

    device: str | None = None
    group: str | None = None
    org_unit: str | None = None


def find(
    actor: Actor, *, running: bool = True, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[ExceptionView]:
    """A page of the exceptions that the actor sees, the newest first; those that ended too unless `running`."""
    actor.require(Permission.COMPLIANCE_READ)
    query = select(Row).where(*_shown_to(actor, running))
    page = keyset(session(), query, [Row.created_at, Row.id], cursor, limit, descending=True)
    return Page(_views(page.items), page.next_cursor)


def count(actor: Actor, *, running: bool = True) -> int:
    """How many `find` lists in all."""
    actor.require(Permission.COMPLIANCE_READ)
    return session().scalar(select(func.count()).select_from(Row).where(*_shown_to(actor, running))) or 0


def get(actor: Actor, exception_id: str) -> ExceptionView:
    """One exception that the actor sees. Raises NotFound."""
    actor.require(Permission.COMPLIANCE_READ)
    row = session().scalars(select(Row).where(Row.id == exception_id, _in_scope(actor))).one_or_none()
    if row is None:
        raise _no_such_exception()
    return _views([row])[0]


def grant(actor: Actor, target: Target, code: str, reason: str, until: datetime) -> ExceptionView:
    """Allow a finding until then. Raises Invalid for code, reason, target or end, NotFound for a phone out of scope,
    Forbidden for a group unless the actor sees the whole tree, Conflict when the same one runs already."""
    actor.require(Permission.COMPLIANCE_EXCEPT)
    reason = clean_reason(reason)
    finding_views.known_code(code)
    now = clock.now()
    if not now < until <= now + LONGEST:
        raise Invalid(
            "bad_until",
            Text(
                f"结束时间应在今后 {LONGEST.days} 天以内；没有不结束的例外。",
                f"The end is within the next {LONGEST.days} days; no exception lasts for ever.",
            ),
        )
    kind, key = _resolve(actor, target)
    _require_new(kind, key, code, now)
    row = Row(
        id=new_id(),
        code=code,
        scope=kind,
        target=key,
        reason=reason,
        created_at=now,
        created_by=actor.id,
        created_by_name=actor.name,
        until=until,
    )
    session().add(row)
    session().flush()
    audit.record(actor, "exception.grant", ("exception", row.id), _detail(row))
    _follow([row])
    return _views([row])[0]


def end(actor: Actor, exception_id: str, reason: str | None = None) -> None:
    """End an exception before its time; one that ended already stays as it is. A reason, where one is given, is kept in
    the audit log. Raises NotFound, and Invalid for a reason that says nothing."""
    actor.require(Permission.COMPLIANCE_EXCEPT)
    why = {} if reason is None else {"ended_because": clean_reason(reason)}
    query = select(Row).where(Row.id == exception_id, _in_scope(actor)).with_for_update()
    row = session().scalars(query).one_or_none()
    if row is None:
        raise _no_such_exception()
    if row.ended_at is None:
        row.ended_at, row.ended_by, row.ended_by_name = clock.now(), actor.id, actor.name
        session().flush()
        audit.record(actor, "exception.end", ("exception", row.id), {**_detail(row), **why})
        _follow([row])


def expire() -> int:
    """Note the exceptions whose end has come; returns how many."""
    query = select(Row).where(Row.ended_at.is_(None), Row.until <= clock.now()).order_by(Row.id)
    rows = list(session().scalars(query.with_for_update()))
    for row in rows:
        row.ended_at = row.until
        audit.record(CLOCK, "exception.expire", ("exception", row.id), _detail(row))
    session().flush()
    _follow(rows)
    return len(rows)


def running_count() -> int:
    """How many exceptions run now."""
    query = select(Row.id).where(Row.ended_at.is_(None), Row.until > clock.now())
    return len(list(session().scalars(query)))


def _resolve(actor: Actor, target: Target) -> tuple[str, str]:
    """What the exception is for, locked: of several who grant the same at once the first is seen by the others."""
    given = [name for name in (DEVICE, GROUP, ORG_UNIT) if getattr(target, name) is not None]
    if len(given) != 1:
        raise Invalid(
            "bad_target",
            Text(
                "请指定一个对象：设备（device）、分组（group）或组织（org_unit）。",
                "Name one of device, group and org_unit.",
            ),
        )
    if target.device is not None:
        return DEVICE, visibility.locked(actor, target.device).id
    if target.org_unit is not None:
        return ORG_UNIT, org.place(actor, target.org_unit, alone=True).id
    # A group may hold phones of any unit.
    actor.require_everything()
    return GROUP, groups.locked(str(target.group))


def _require_new(kind: str, key: str, code: str, now: datetime) -> None:
    same = select(Row.id).where(
        Row.scope == kind, Row.target == key, Row.code == code, Row.ended_at.is_(None), Row.until > now
    )
    running = session().scalar(same.limit(1))
    if running:
        raise Conflict(
            "exception_runs",
            Text("相同的例外已在生效，请先结束它。", "The same exception runs already. End that one first."),
            exception=running,
        )


def _follow(rows: Sequence[Row]) -> None:
    """Have the phones judged again that the exceptions are for."""
    phones = {row.target for row in rows if row.scope == DEVICE}
    if phones:
        states.mark_due(phones)
    for row in rows:
        if row.scope != DEVICE:
            states.mark_due(_covered(row))
    if rows:
        live.announce(LIVE_TOPIC, [row.id for row in rows])


def _covered(row: Row) -> Select[tuple[str]]:
    if row.scope == GROUP:
        members = fleet.memberships().subquery()
        return select(members.c.device_id).where(members.c.group_name == row.target)
    phones = fleet.living_ids().subquery()
    unit = queries.unit_refs([row.target]).get(row.target)
    return select(phones.c.id).where(phones.c.org_unit_id.in_(scope.visible_at(unit.path if unit else None)))


def _shown_to(actor: Actor, running: bool) -> list[ColumnElement[bool]]:
    return [_in_scope(actor), *([Row.ended_at.is_(None), Row.until > clock.now()] if running else [])]


def _no_such_exception() -> NotFound:
    return NotFound("no_such_exception", Text("没有这个例外。", "There is no such exception."))


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    if scope.sees_everything(actor):
        return true()
    units = scope.visible_units(actor)
    phones = fleet.devices().subquery()
    mine = select(phones.c.id).where(phones.c.org_unit_id.in_(units))
    return or_(and_(Row.scope == ORG_UNIT, Row.target.in_(units)), and_(Row.scope == DEVICE, Row.target.in_(mine)))


def _detail(row: Row) -> dict[str, object]:
    return {
        "code": row.code,
        row.scope: row.target,
        "until": clock.to_wire(row.until),
        "reason": row.reason,
    }


def _views(rows: Collection[Row]) -> list[ExceptionView]:
    now = clock.now()
    phones = fleet.refs({row.target for row in rows if row.scope == DEVICE})
    units = queries.unit_refs({row.target for row in rows if row.scope == ORG_UNIT})
    names = {key: phone.serial for key, phone in phones.items()} | {key: unit.name_path for key, unit in units.items()}
    return [
        ExceptionView(
            id=row.id,
            code=row.code,
            title=registry.check_of(row.code).title,
            scope=row.scope,
            target=row.target,
            target_name=names.get(row.target, row.target),
            reason=row.reason,
            state=_state(row, now),
            created_at=row.created_at,
            created_by=row.created_by,
            created_by_name=row.created_by_name,
            until=row.until,
            ended_at=row.ended_at,
            ended_by_name=row.ended_by_name,
        )
        for row in rows
    ]


def _state(row: Row, now: datetime) -> str:
    if row.ended_by:
        return ENDED
    return RUNNING if row.until > now else EXPIRED
