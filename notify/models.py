"""Tables of notices. Private to this room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey


class InAppNotice(Base):
    """One notice in one person's list. `about_*` says which thing it leads to."""

    __tablename__ = "in_app_notices"
    __table_args__ = (Index("ix_in_app_notices_person", "person_id", "at", "id"),)

    id: Mapped[IdKey]
    person_id: Mapped[IdColumn]
    kind: Mapped[str] = mapped_column(String(40))
    text_zh: Mapped[str] = mapped_column(String(500))
    text_en: Mapped[str] = mapped_column(String(500))
    about_kind: Mapped[str] = mapped_column(String(32))
    about_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
    read_at: Mapped[datetime | None]


class Channel(Base):
    """A way out of the server that an administrator set up. `sealed` holds all that was typed in, secrets included."""

    __tablename__ = "notification_channels"

    id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(100))
    unit_id: Mapped[IdColumn]
    language: Mapped[str] = mapped_column(String(5))
    enabled: Mapped[bool]
    min_severity: Mapped[int]
    kinds: Mapped[list[str]]
    target: Mapped[str] = mapped_column(String(300))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(default=1)
    delivered_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(60))
    told_at: Mapped[datetime | None]


class Delivery(Base):
    """One notice on its way through one channel, or by mail to one person when there is no channel."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        Index("ix_notification_deliveries_channel", "channel_id", "at", "id"),
        Index("ix_notification_deliveries_state", "state", "at"),
    )

    id: Mapped[IdKey]
    channel_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("notification_channels.id", ondelete="CASCADE")
    )
    person_id: Mapped[str | None] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(40))
    text_zh: Mapped[str] = mapped_column(String(500))
    text_en: Mapped[str] = mapped_column(String(500))
    about_kind: Mapped[str] = mapped_column(String(32))
    about_id: Mapped[str] = mapped_column(String(64))
    test: Mapped[bool]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int]
    next_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(60))


class Preference(Base):
    """How somebody wants to be told: in which language, by mail or not, about which topics (None: all that matter)."""

    __tablename__ = "notification_preferences"

    person_id: Mapped[IdKey]
    language: Mapped[str] = mapped_column(String(5))
    mail: Mapped[bool]
    kinds: Mapped[list[str] | None]
