"""The outbox: effects of a transaction, kept as references and carried out after it committed.

A row names an effect and a key (a device, a command, a blob); what is published is made from the truth at that moment
by the effect's renderer, so a row never holds a body, and a late one never says something stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Index, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, wake
from core.bulk import insert_each, numbers, texts
from core.db import Base, SerialKey, session

WAKE_CHANNEL = "shouji_outbox"
_apart: set[str] = set()


class OutboxRow(Base):
    """One effect that is still to be carried out."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "not_before", "id"),)

    id: Mapped[SerialKey]
    effect: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(128))
    detail: Mapped[dict[str, Any]]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)


class Due(NamedTuple):
    """An effect that is due, as whoever carries it out sees it; it outlives the transaction that found it."""

    id: int
    effect: str
    key: str
    detail: Mapping[str, Any]
    attempts: int = 0


def carried_apart(effect: str) -> str:
    """Declare an effect that is not the relay's: whoever carries it out asks for it by name. Returns the name."""
    _apart.add(effect)
    return effect


def enqueue(
    effect: str,
    keys: Iterable[str],
    detail: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
) -> None:
    """Ask for an effect once the current unit has committed, one row for each key.

    `detail` holds ids and figures only, never a body or a secret. `not_before` delays it; what waits for the same
    moment already is not asked for twice.
    """
    current = session()
    listed = list(keys)
    if not_before is not None:
        waiting = _waiting(current, effect, listed, not_before)
        listed = [key for key in listed if key not in waiting]
    same = {"effect": effect, "detail": dict(detail or {}), "not_before": not_before or clock.now(), "attempts": 0}
    if listed:
        insert_each(current, OutboxRow.__table__, "key", listed, same)
        wake.notify(current, WAKE_CHANNEL)


def _waiting(current: Session, effect: str, keys: Sequence[str], moment: datetime) -> set[str]:
    if not keys:
        return set()
    query = select(OutboxRow.key).where(
        OutboxRow.not_before == moment, OutboxRow.effect == effect, OutboxRow.key.in_(texts(current, keys))
    )
    return set(current.scalars(query))


def due(current: Session, limit: int, effect: str | None = None) -> list[Due]:
    """The oldest rows that are due: of one effect, or all that are not carried out apart."""
    columns = OutboxRow.__table__.c
    query = select(*(columns[name] for name in Due._fields)).where(OutboxRow.not_before <= clock.now())
    query = query.where(OutboxRow.effect == effect) if effect else query.where(OutboxRow.effect.not_in(sorted(_apart)))
    return [Due(*row) for row in current.execute(query.order_by(OutboxRow.id).limit(limit))]


def settle(current: Session, ids: Sequence[int]) -> None:
    """Forget rows whose effect has happened."""
    if ids:
        gone = delete(OutboxRow).where(OutboxRow.id.in_(numbers(current, ids)))
        current.execute(gone, execution_options={"synchronize_session": False})


def postpone(current: Session, ids: Sequence[int], until: datetime) -> None:
    """Try rows again later."""
    if ids:
        current.execute(
            update(OutboxRow)
            .where(OutboxRow.id.in_(numbers(current, ids)))
            .values(not_before=until, attempts=OutboxRow.attempts + 1)
            .execution_options(synchronize_session=False)
        )


def oldest(current: Session) -> datetime | None:
    """Since when the effect that has waited longest is due; None when none is."""
    first = select(func.min(OutboxRow.not_before)).where(OutboxRow.not_before <= clock.now())
    return current.scalar(first)


def depth(current: Session) -> int:
    """How many effects wait."""
    return current.scalar(select(func.count()).select_from(OutboxRow)) or 0
