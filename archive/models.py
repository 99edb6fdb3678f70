"""Tables of the archive; private to this room.

Hashes are 32 raw bytes. `through` and `seq` count records of one device from 1.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey, SerialKey

MAIN = 0
OPEN = "open"
CONTESTED = "contested"
DISMISSED = "dismissed"
_STILL_OPEN = text("state = 'open'")
_UNSEEN = text("acknowledged_at IS NULL")


class Chain(Base):
    """One row for each device: the head of its chain. Whoever appends locks it, which is all the deduplication."""

    __tablename__ = "archive_chains"
    __table_args__ = (Index("ix_archive_chains_verified_at", "verified_at"),)

    device_id: Mapped[IdKey]
    through: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary)
    highest_seen: Mapped[int]
    refused_first: Mapped[int | None]
    refused_reason: Mapped[str | None] = mapped_column(String(32))
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]


class StoredRecord(Base):
    """One record as it came, sealed. `branch` 0 is the chain; others hold contested texts beside it.

    Nothing is unique here, so that the table can be partitioned by month. `chain` is h(seq); leaf and chain stay when
    the text is erased. `opaque` says why a record could not be read, `contested` names the batch it was accepted with.
    """

    __tablename__ = "archive_records"
    __table_args__ = (
        Index("ix_archive_records_device_id_seq", "device_id", "seq"),
        Index("ix_archive_records_received_at", "received_at"),
    )

    device_id: Mapped[str] = mapped_column(String(36))
    branch: Mapped[int] = mapped_column()
    seq: Mapped[int] = mapped_column()
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int]
    received_at: Mapped[datetime]
    late: Mapped[bool]
    opaque: Mapped[str | None] = mapped_column(String(32))
    contested: Mapped[str | None] = mapped_column(String(36))
    at: Mapped[datetime | None]
    channel: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str | None] = mapped_column(String(16))
    direction: Mapped[str | None] = mapped_column(String(4))
    event_id: Mapped[str | None] = mapped_column(String(36))

    __mapper_args__ = {"primary_key": [device_id, branch, seq]}  # noqa: RUF012


class WaitingBatch(Base):
    """A verified batch that is ahead of what is held, kept sealed until the records before it have come."""

    __tablename__ = "archive_waiting"
    __table_args__ = (Index("ix_archive_waiting_device_id_first", "device_id", "first"),)

    id: Mapped[IdKey]
    device_id: Mapped[IdColumn]
    first: Mapped[int]
    last: Mapped[int]
    head: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(index=True)
    late: Mapped[bool]


class Seam(Base):
    """A place where the chain goes on from a claimed hash: after a gap, or with a contested batch.

    The record `seq` follows `prev` (None until the phone has sent it); `missing_from` to `seq - 1` are not held.
    """

    __tablename__ = "archive_seams"
    __table_args__ = (Index("ix_archive_seams_device_id_seq", "device_id", "seq"),)

    id: Mapped[IdKey]
    device_id: Mapped[IdColumn]
    seq: Mapped[int]
    prev: Mapped[bytes | None] = mapped_column(LargeBinary)
    missing_from: Mapped[int]
    cause: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str | None] = mapped_column(String(36))
    opened_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    healed_at: Mapped[datetime | None]


class RefusedBatch(Base):
    """A batch that does not fit the chain, once for each distinct content, until a compliance officer settles it."""

    __tablename__ = "archive_refused"
    __table_args__ = (
        Index("uq_archive_refused_device_id_digest", "device_id", "digest", unique=True),
        Index("ix_archive_refused_last_seen_at", "last_seen_at", "id"),
        Index("ix_archive_refused_open", "device_id", sqlite_where=_STILL_OPEN, postgresql_where=_STILL_OPEN),
    )

    id: Mapped[IdKey]
    device_id: Mapped[IdColumn]
    digest: Mapped[str] = mapped_column(String(64))
    first: Mapped[int]
    last: Mapped[int]
    reason: Mapped[str] = mapped_column(String(32))
    size: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    late: Mapped[bool]
    received_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    times: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    branch: Mapped[int | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(64))
    settled_reason: Mapped[str | None] = mapped_column(String(500))


class IntegrityAlert(Base):
    """Something that puts the completeness of a phone's records in doubt, until somebody has seen to it."""

    __tablename__ = "archive_alerts"
    __table_args__ = (
        Index("ix_archive_alerts_at", "at", "id"),
        Index("ix_archive_alerts_open", "device_id", sqlite_where=_UNSEEN, postgresql_where=_UNSEEN),
    )

    id: Mapped[IdKey]
    device_id: Mapped[IdColumn]
    code: Mapped[str] = mapped_column(String(32))
    ref: Mapped[str | None] = mapped_column(String(36))
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(64))


class StoredEvent(Base):
    """One event of a phone: `told_at` when its fast copy came, `record_seq` the record that is its durable copy."""

    __tablename__ = "archive_events"
    __table_args__ = (
        Index("ix_archive_events_seen_at", "seen_at"),
        Index("ix_archive_events_device_id_seen_at", "device_id", "seen_at"),
    )

    device_id: Mapped[IdKey]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seen_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    record_seq: Mapped[int | None]
    at: Mapped[datetime]
    type: Mapped[str] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(10))
    rule: Mapped[str | None] = mapped_column(String(256))
    blocked: Mapped[bool]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ShadowCount(Base):
    """How many messages of one phone a shadow rule would have acted on in one day of the organisation's zone.

    `org_unit_id` is where the phone was then: whoever sees that unit sees the figure.
    """

    __tablename__ = "archive_shadow_counts"
    __table_args__ = (Index("ix_archive_shadow_counts_keyword_set", "keyword_set", "day"),)

    policy: Mapped[str] = mapped_column(String(63), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    policy_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    keyword_set: Mapped[str] = mapped_column(String(63), primary_key=True)
    set_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    action: Mapped[str] = mapped_column(String(10), primary_key=True)
    org_unit_id: Mapped[IdKey]
    device_id: Mapped[IdKey]
    messages: Mapped[int]


class ShadowTerm(Base):
    """How many messages of one day held a term that a shadow rule looks for; a term is named by its id alone."""

    __tablename__ = "archive_shadow_terms"
    __table_args__ = (Index("ix_archive_shadow_terms_keyword_set", "keyword_set", "day"),)

    policy: Mapped[str] = mapped_column(String(63), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    policy_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    keyword_set: Mapped[str] = mapped_column(String(63), primary_key=True)
    set_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    term: Mapped[str] = mapped_column(String(128), primary_key=True)
    org_unit_id: Mapped[IdKey]
    messages: Mapped[int]


class ShadowHit(Base):
    """One of the newest messages that a shadow rule would have acted on: where its record stands, and no text."""

    __tablename__ = "archive_shadow_hits"
    __table_args__ = (
        Index("ix_archive_shadow_hits_policy", "policy", "keyword_set", "id"),
        Index("ix_archive_shadow_hits_keyword_set", "keyword_set", "id"),
    )

    id: Mapped[SerialKey]
    policy: Mapped[str] = mapped_column(String(63))
    policy_version: Mapped[int]
    keyword_set: Mapped[str] = mapped_column(String(63))
    set_version: Mapped[int]
    action: Mapped[str] = mapped_column(String(10))
    terms: Mapped[list[str]]
    device_id: Mapped[IdColumn]
    branch: Mapped[int]
    seq: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(index=True)
