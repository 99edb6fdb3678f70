"""Tables of the notice and of who accepted it; private to this room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, SerialKey
from fleet.models import NAME


class Notice(Base):
    """One version of what holders are told before anything is collected; never changed afterwards."""

    __tablename__ = "notices"

    seq: Mapped[SerialKey]
    version: Mapped[str] = mapped_column(String(NAME), unique=True)
    texts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))


class NoticeAcceptance(Base):
    """Evidence that a version was accepted on a phone, by whoever held it then; an empty person is nobody known.

    `version` is the edition as the phone named it, `text_version` and `texts_sha256` say what stood there, `proof` is
    the phone's signature over that where it sent one.
    """

    __tablename__ = "notice_acceptances"
    __table_args__ = (
        Index("uq_notice_acceptances_once", "device_id", "version", "person_id", unique=True),
        Index("ix_notice_acceptances_person", "person_id"),
        Index("ix_notice_acceptances_received", "received_at", "id"),
    )

    id: Mapped[SerialKey]
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"))
    person_id: Mapped[IdColumn]
    version: Mapped[str] = mapped_column(String(NAME))
    text_version: Mapped[str] = mapped_column(String(NAME))
    texts_sha256: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(NAME))
    proof: Mapped[str | None] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    received_at: Mapped[datetime]


class NoticeCall(Base):
    """A phone changed hands, so its new holder is asked anew; the id is the edition that they have to accept."""

    __tablename__ = "notice_calls"
    __table_args__ = (
        Index("ix_notice_calls_version", "version", "id"),
        Index("ix_notice_calls_device", "device_id", "version"),
    )

    id: Mapped[SerialKey]
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"))
    person_id: Mapped[IdColumn]
    version: Mapped[str] = mapped_column(String(NAME))
    called_at: Mapped[datetime]
