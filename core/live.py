"""The live feed: what changed, for pages that move by themselves.

Rows are written in the transaction that made the change and read once per web process. They carry ids only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock, wake
from core.bulk import insert_each
from core.db import Base, SerialKey, session

WAKE_CHANNEL = "shouji_live"
KEEP = timedelta(minutes=10)


class LiveEvent(Base):
    """One change of one thing."""

    __tablename__ = "live_events"

    id: Mapped[SerialKey]
    topic: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(index=True)


def announce(topic: str, keys: Iterable[str]) -> None:
    """Tell open pages that the things with these ids changed, once the current unit has committed."""
    listed = list(keys)
    if listed:
        insert_each(session(), LiveEvent.__table__, "key", listed, {"topic": topic, "at": clock.now()})
        wake.notify(session(), WAKE_CHANNEL)


def latest(current: Session) -> int:
    """Id of the newest event, 0 when there is none."""
    return current.scalar(select(func.max(LiveEvent.id))) or 0


def since(current: Session, last: int, limit: int = 5000) -> list[LiveEvent]:
    """Events after the given id, oldest first."""
    return list(current.scalars(select(LiveEvent).where(LiveEvent.id > last).order_by(LiveEvent.id).limit(limit)))


def forget_old(current: Session) -> None:
    """Drop events that no page waits for any more."""
    current.execute(delete(LiveEvent).where(LiveEvent.at < clock.now() - KEEP))
