"""Reading the audit log: for those who may, and below the root of the tree only what their own people did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from core import audit, clock
from core.actor import Actor
from core.audit import AuditEntry, AuditHead, content_of
from core.db import session
from core.errors import TooLarge
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from core.views import Moment, View
from identity.models import Person
from identity.scope import sees_everything, visible_units

MAX_EXPORT = 100_000
CHAIN_JOB = "audit-chain"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to look for; None looks for anything. `since` is included, `until` is not."""

    actor_id: str | None = None
    action: str | None = None
    target_kind: str | None = None
    target_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChainState:
    """The whole chain, walked: how many entries it has, and the first that does not verify (None: all do)."""

    entries: int
    broken_at: int | None
    checked_at: datetime


class AuditEntryView(View):
    """One entry of the audit log."""

    seq: int
    at: Moment
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    outcome: str
    target_kind: str
    target_id: str
    detail: dict[str, Any]


def find(
    actor: Actor, wanted: AuditFilter, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[AuditEntryView]:
    """Entries of the log, newest first."""
    actor.require(Permission.AUDIT_READ)
    query = _narrowed(select(AuditEntry), actor, wanted)
    return keyset(session(), query, [AuditEntry.seq], cursor, limit, descending=True).map(_view)


def count(actor: Actor, wanted: AuditFilter) -> int:
    """How many entries the same filter finds."""
    actor.require(Permission.AUDIT_READ)
    return session().scalar(_narrowed(select(func.count(AuditEntry.seq)), actor, wanted)) or 0


def export(actor: Actor, wanted: AuditFilter) -> Iterator[dict[str, Any]]:
    """All entries that the filter finds, oldest first; audited. Raises TooLarge beyond 100,000 of them."""
    found = count(actor, wanted)
    if found > MAX_EXPORT:
        raise TooLarge(
            "export_too_large",
            Text(
                f"符合条件的记录有 {found} 条，一次最多导出 {MAX_EXPORT} 条，请缩小时间范围。",
                f"{found} entries match and at most {MAX_EXPORT} are exported at once. Narrow the time.",
            ),
        )
    named = {name: value for name, value in asdict(wanted).items() if value is not None}
    shown = {name: clock.to_wire(value) if isinstance(value, datetime) else value for name, value in named.items()}
    audit.record(actor, "audit.export", ("audit", "log"), {"entries": found, "filter": shown})
    query = _narrowed(select(AuditEntry), actor, wanted).order_by(AuditEntry.seq)
    return map(content_of, session().scalars(query.execution_options(yield_per=1000)))


def verify(actor: Actor) -> ChainState:
    """Walk the whole chain. Raises Forbidden below the root of the tree."""
    actor.require(Permission.AUDIT_READ)
    actor.require_everything()
    broken = audit.verify_chain(session())
    return ChainState(session().scalar(select(AuditHead.seq)) or 0, broken, clock.now())


def _narrowed(query: Select[Any], actor: Actor, wanted: AuditFilter) -> Select[Any]:
    if not sees_everything(actor):
        query = query.where(AuditEntry.actor_id.in_(select(Person.id).where(Person.unit_id.in_(visible_units(actor)))))
    for name in ("actor_id", "action", "target_kind", "target_id", "outcome"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(AuditEntry, name) == value)
    if wanted.since:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until:
        query = query.where(AuditEntry.at < wanted.until)
    return query


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView.model_validate(entry, from_attributes=True)
