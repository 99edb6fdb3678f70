"""Leases: who may do leader-only work, on both databases alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.db import Base, upsert


class Lease(Base):
    """One piece of leader-only work and its present holder."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]


def acquire(current: Session, name: str, owner: str, duration: timedelta) -> bool:
    """Take or extend the lease; False while somebody else holds it. Needs a writing unit of work."""
    held = current.execute(select(Lease.owner, Lease.until).where(Lease.name == name).with_for_update()).one_or_none()
    now = clock.now()
    if held and held.owner != owner and held.until > now:
        return False
    upsert(current, Lease.__table__, [{"name": name, "owner": owner, "until": now + duration}], ["name"])
    return True


def release(current: Session, name: str, owner: str) -> None:
    """Give the lease back, if it is still the owner's."""
    current.execute(delete(Lease).where(Lease.name == name, Lease.owner == owner))
