"""Tables of notices. Private to this room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
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
