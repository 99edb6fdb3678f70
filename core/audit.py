"""The audit log: a hash chain of who did what to whom, refused attempts included.

Entries are collected during a unit of work and chained just before it commits, so the lock on the chain's head is held
for a moment only. Audit outlives person, device and command: it holds ids and names, no foreign keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import String, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.db import Base, SerialKey, session
from core.uow import before_commit

GENESIS = "0" * 64
_PENDING = "audit"
_HEAD_ID = 1
HASHED = (
    "seq",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "outcome",
    "target_kind",
    "target_id",
    "detail",
)
"""What a link's hash covers; a column that is added later is not among them, or older links would break."""


class AuditEntry(Base):
    """One link of the chain."""

    __tablename__ = "audit_entries"

    seq: Mapped[SerialKey]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(64), index=True)
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(64), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    target_kind: Mapped[str] = mapped_column(String(32))
    target_id: Mapped[str] = mapped_column(String(200), index=True)
    detail: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The chain's head, one row: whoever appends locks it."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True, slots=True)
class _Draft:
    actor: Actor
    action: str
    outcome: str
    target: tuple[str, str]
    detail: Mapping[str, Any]


def record(
    actor: Actor,
    action: str,
    target: tuple[str, str],
    detail: Mapping[str, Any] | None = None,
    *,
    refused: bool = False,
) -> None:
    """Note an action on a target `(kind, id)`; it stands or falls with the current unit of work."""
    outcome = "refused" if refused else "done"
    session().info.setdefault(_PENDING, []).append(_Draft(actor, action, outcome, target, detail or {}))


def link_hash(previous: str, content: Mapping[str, Any]) -> str:
    """Hash of one link: SHA-256 over the previous hash and the canonical JSON (RFC 8785) of the entry."""
    return hashlib.sha256(previous.encode() + rfc8785.dumps(dict(content))).hexdigest()


@before_commit
def _append(current: Session) -> None:
    drafts: list[_Draft] = current.info.pop(_PENDING, [])
    if not drafts:
        return
    head = current.execute(select(AuditHead.seq, AuditHead.hash).with_for_update()).one_or_none()
    seq, last = (head.seq, head.hash) if head else (0, GENESIS)
    at = clock.now()
    rows = []
    for draft in drafts:
        seq += 1
        row = {
            "seq": seq,
            "at": at,
            "actor_kind": draft.actor.kind,
            "actor_id": draft.actor.id,
            "actor_name": draft.actor.name,
            "action": draft.action,
            "outcome": draft.outcome,
            "target_kind": draft.target[0],
            "target_id": draft.target[1],
            "detail": dict(draft.detail),
        }
        last = link_hash(last, _content(row))
        rows.append({**row, "hash": last})
    current.execute(insert(AuditEntry), rows)
    if head:
        current.execute(update(AuditHead).values(seq=seq, hash=last))
    else:
        current.execute(insert(AuditHead).values(id=_HEAD_ID, seq=seq, hash=last))


def newest(current: Session, action: str) -> datetime | None:
    """When that action was recorded last."""
    return current.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == action))


def began(current: Session) -> datetime | None:
    """When the log began; None while it is empty."""
    return current.scalar(select(func.min(AuditEntry.at)))


def content_of(entry: AuditEntry) -> dict[str, Any]:
    """The hashed content of a stored entry, as it is shown to people."""
    return _content({name: getattr(entry, name) for name in HASHED})


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "at": clock.to_wire(row["at"])}


def verify_chain(current: Session) -> int | None:
    """Walk the whole chain; the first seq that does not verify, or None when all do and the head matches."""
    return verify_part(current, 0)[1]


def verify_part(current: Session, after: int, limit: int | None = None) -> tuple[int, int | None]:
    """Walk on from an entry that verified (0: from the beginning), at most `limit` entries.

    Returns the last seq that verified, and the first that does not: None when all do and, at the end, the head matches.
    """
    seq, walked = after, 0
    last = GENESIS if after == 0 else current.scalar(select(AuditEntry.hash).where(AuditEntry.seq == after))
    if last is None:
        return after, after
    query = select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(limit)
    for entry in current.scalars(query.execution_options(yield_per=1000)):
        if entry.seq != seq + 1 or link_hash(last, content_of(entry)) != entry.hash:
            return seq, seq + 1
        last, seq, walked = entry.hash, entry.seq, walked + 1
    if walked == limit:
        return seq, None
    head = current.execute(select(AuditHead.seq, AuditHead.hash)).one_or_none()
    intact = (head.seq, head.hash) == (seq, last) if head else seq == 0
    return seq, None if intact else seq + 1
