"""Reading the audit log: for those who may, and below the root of the tree only what their own people did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.actor import Actor
from core.audit import AuditEntry, content_of
from core.db import session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from identity.models import Person
from identity.scope import sees_everything, visible_units


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


def find(
    actor: Actor, wanted: AuditFilter, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[dict[str, Any]]:
    """Entries of the log, newest first."""
    actor.require(Permission.AUDIT_READ)
    query = select(AuditEntry)
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
    return keyset(session(), query, [AuditEntry.seq], cursor, limit, descending=True).map(content_of)
