"""Tables of commands. Private to this folder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey, SerialKey

OPEN = text("state IN ('pending_approval', 'queued', 'sent', 'received', 'unconfirmed')")


class Command(Base):
    """One command to one phone. Its id is the `jti`; `args` and `result` are sealed, some are content for people."""

    __tablename__ = "commands"
    __table_args__ = (
        Index("ix_commands_device", "device_id", "requested_at", "id"),
        Index("ix_commands_open", "device_id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_commands_expires", "expires_at", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_commands_due", "due_at", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_commands_batch", "batch_id", "id"),
        Index("ix_commands_approval", "approval_id"),
        Index("ix_commands_requested", "requested_at", "id"),
        Index("ix_commands_asked", "type", "requested_at"),
        Index("ix_commands_offered", "type", "first_offer_at"),
    )

    id: Mapped[IdKey]
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"))
    batch_id: Mapped[str | None] = mapped_column(String(36))
    type: Mapped[str] = mapped_column(String(32))
    args: Mapped[bytes] = mapped_column(LargeBinary)
    destructive: Mapped[bool]
    holder_id: Mapped[str | None] = mapped_column(String(36))
    origin: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500))
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(20))
    state_since: Mapped[datetime]
    approval_id: Mapped[str | None] = mapped_column(String(36))
    held: Mapped[str | None] = mapped_column(String(20))
    expires_at: Mapped[datetime | None]
    grace_s: Mapped[int | None]
    due_at: Mapped[datetime | None]
    offers: Mapped[int] = mapped_column(default=0)
    first_offer_at: Mapped[datetime | None]
    last_exp: Mapped[int | None]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result_iat: Mapped[int | None]
    result: Mapped[bytes | None] = mapped_column(LargeBinary)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    after_cancel: Mapped[bool] = mapped_column(default=False)


class CommandBatch(Base):
    """One request for the same command to many phones."""

    __tablename__ = "command_batches"

    id: Mapped[IdKey]
    type: Mapped[str] = mapped_column(String(32))
    selector: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(500))
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(200))
    requested_at: Mapped[datetime] = mapped_column(index=True)
    total: Mapped[int]


class CommandStep(Base):
    """One step of a command's history."""

    __tablename__ = "command_steps"
    __table_args__ = (Index("ix_command_steps_command", "command_id", "id"),)

    id: Mapped[SerialKey]
    command_id: Mapped[IdColumn]
    at: Mapped[datetime]
    old: Mapped[str | None] = mapped_column(String(20))
    new: Mapped[str] = mapped_column(String(20))
    why: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[str | None] = mapped_column(String(64))
    actor_name: Mapped[str | None] = mapped_column(String(200))


class Freeze(Base):
    """Whether destructive commands are held, fleet-wide: one row, which also is the lock of their caps."""

    __tablename__ = "command_freeze"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    frozen: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(500))
    since: Mapped[datetime | None]
    by_id: Mapped[str | None] = mapped_column(String(64))
    by_name: Mapped[str | None] = mapped_column(String(200))
