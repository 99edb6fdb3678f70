"""The fleet in figures, for whoever looks at all of it: a constant number of queries, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, select

from core.actor import Actor
from core.db import session
from core.permissions import Permission
from fleet import guards
from fleet.models import Device, Finding, Presence
from fleet.states import ACTIVE, LIVING, LOST, RETIRED, WIPED
from fleet.visibility import in_scope
from identity.scope import sees_everything

COMPLIANT, NONCOMPLIANT, UNKNOWN = "compliant", "noncompliant", "unknown"
TOP_FINDINGS = 8


@dataclass(frozen=True, slots=True)
class Summary:
    """Phones by state; how many active ones are online; compliance and findings of those in the fleet."""

    states: Mapping[str, int]
    online: int
    compliance: Mapping[str, int]
    findings: Mapping[str, int]

    @property
    def living(self) -> int:
        """Phones that are in the fleet: active or lost."""
        return self.states[ACTIVE] + self.states[LOST]

    @property
    def total(self) -> int:
        """Phones that ever enrolled."""
        return sum(self.states.values())


def summarise(actor: Actor) -> Summary:
    """The figures of the phones that the actor sees."""
    actor.require(Permission.DEVICE_READ)
    states = _states(actor)
    return Summary(states, _online(actor), _compliance(actor, states[ACTIVE] + states[LOST]), _findings(actor))


def with_standing(standing: str) -> ColumnElement[bool]:
    """The condition on `Device` that it is compliant, noncompliant or unknown, as its own view says."""
    wrong = exists().where(Finding.device_id == Device.id, *_counts())
    heard = exists().where(Presence.device_id == Device.id, Presence.heartbeat_at.is_not(None))
    conditions = {NONCOMPLIANT: wrong, COMPLIANT: and_(~wrong, heard), UNKNOWN: and_(~wrong, ~heard)}
    return conditions[standing]


def _counts() -> tuple[ColumnElement[bool], ...]:
    """Conditions on `Finding` that it puts its phone out of order: open, not excepted, no hint."""
    judge = guards.compliance()
    hints = judge.hints() if judge else ()
    return Finding.closed_at.is_(None), Finding.excepted_until.is_(None), Finding.code.not_in(hints)


def _states(actor: Actor) -> dict[str, int]:
    query = select(Device.state, func.count()).where(in_scope(actor)).group_by(Device.state)
    found = {row[0]: row[1] for row in session().execute(query)}
    return {state: found.get(state, 0) for state in (ACTIVE, LOST, RETIRED, WIPED)}


def _online(actor: Actor) -> int:
    """Active phones that are online: most are found in one table, so the few lost ones are taken off again."""
    lost = select(func.count()).select_from(Device).join(Presence, Presence.device_id == Device.id)
    lost = lost.where(Device.state == LOST, Presence.online, in_scope(actor))
    return _present(actor, Presence.online.is_(True)) - (session().scalar(lost) or 0)


def _compliance(actor: Actor, living: int) -> dict[str, int]:
    """Few phones are out of order, so these are looked up and all others counted."""
    heard = Presence.heartbeat_at.is_not(None)
    query = select(heard, func.count(Device.id.distinct())).select_from(Finding)
    query = query.join(Device, Device.id == Finding.device_id).outerjoin(Presence, Presence.device_id == Device.id)
    query = query.where(*_counts(), Device.state.in_(LIVING), in_scope(actor)).group_by(heard)
    wrong = {bool(row[0]): row[1] for row in session().execute(query)}
    speaking = _present(actor, heard)
    return {
        COMPLIANT: speaking - wrong.get(True, 0),
        NONCOMPLIANT: sum(wrong.values()),
        UNKNOWN: living - speaking - wrong.get(False, 0),
    }


def _present(actor: Actor, which: ColumnElement[bool]) -> int:
    """How many phones in the fleet meet a condition on `Presence`; their own table is asked only for a part of it."""
    query = select(func.count()).select_from(Presence).where(Presence.living, which)
    if not sees_everything(actor):
        query = query.join(Device, Device.id == Presence.device_id).where(in_scope(actor))
    return session().scalar(query) or 0


def _findings(actor: Actor) -> dict[str, int]:
    number = func.count()
    query = select(Finding.code, number).join(Device, Device.id == Finding.device_id)
    query = query.where(*_counts(), Device.state.in_(LIVING), in_scope(actor)).group_by(Finding.code)
    rows = session().execute(query.order_by(number.desc(), Finding.code).limit(TOP_FINDINGS))
    return {row[0]: row[1] for row in rows}
