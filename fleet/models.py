"""Tables of phones and of who holds them; private to this room, others use `fleet.queries` and functions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey, SerialKey
from core.limits import MAX_NAME

NAME = 256
OPEN_HOLDING = text("ended_at IS NULL")
OPEN_FINDING = text("closed_at IS NULL")


class Device(Base):
    """One enrollment of one phone; a later enrollment of the same phone is another device."""

    __tablename__ = "devices"
    __table_args__ = (
        Index("ix_devices_serial", "serial"),
        # Lists are read in this order and narrowed within the index. An index by org unit would lead SQLite astray:
        # it would sort all phones of a large unit for one page.
        Index("ix_devices_enrolled", "enrolled_at", "id", "org_unit_id"),
        Index("ix_devices_state", "state", "enrolled_at", "id", "org_unit_id"),
        Index("ix_devices_person_id", "person_id"),
        Index("ix_devices_signing_kid", "signing_kid"),
        Index("ix_devices_token_kid", "token_id", "signing_kid"),
    )

    id: Mapped[IdKey]
    state: Mapped[str] = mapped_column(String(10))
    state_since: Mapped[datetime]
    state_reason: Mapped[str] = mapped_column(String(500), default="")
    serial: Mapped[str] = mapped_column(String(NAME))
    imei: Mapped[list[str]]
    manufacturer: Mapped[str] = mapped_column(String(NAME))
    model: Mapped[str] = mapped_column(String(NAME))
    os: Mapped[str] = mapped_column(String(NAME))
    os_version: Mapped[str] = mapped_column(String(NAME))
    agent: Mapped[str] = mapped_column(String(NAME))
    agent_version: Mapped[str] = mapped_column(String(NAME))
    specific_id: Mapped[str | None] = mapped_column(String(NAME))
    attestation: Mapped[list[str] | None]
    attestation_level: Mapped[str] = mapped_column(String(12), default="none", server_default="none")
    attestation_report: Mapped[dict[str, Any] | None]
    attestation_basis: Mapped[str | None] = mapped_column(String(64))
    search: Mapped[str] = mapped_column(Text)
    signing_key: Mapped[bytes] = mapped_column(LargeBinary)
    signing_kid: Mapped[str] = mapped_column(String(43))
    encryption_key: Mapped[bytes] = mapped_column(LargeBinary)
    encryption_kid: Mapped[str] = mapped_column(String(43))
    org_unit_id: Mapped[IdColumn]
    person_id: Mapped[str | None] = mapped_column(String(36))
    holder_confirmed: Mapped[bool]
    claimed_employee_no: Mapped[str | None] = mapped_column(String(NAME))
    serial_confirmed_at: Mapped[datetime | None]
    notice_version: Mapped[str | None] = mapped_column(String(NAME))
    token_id: Mapped[IdColumn]
    unit_from_token: Mapped[bool]
    enrolled_at: Mapped[datetime]
    certificate_expires_at: Mapped[datetime]


class Holding(Base):
    """Who had which phone from when to when; unconfirmed while it is only the phone's claim."""

    __tablename__ = "device_holdings"
    __table_args__ = (
        Index(
            "uq_device_holdings_open",
            "device_id",
            unique=True,
            sqlite_where=OPEN_HOLDING,
            postgresql_where=OPEN_HOLDING,
        ),
        Index("ix_device_holdings_person", "person_id", "started_at"),
        Index("ix_device_holdings_device", "device_id", "started_at"),
    )

    id: Mapped[IdKey]
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"))
    person_id: Mapped[IdColumn]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))


class Certificate(Base):
    """One client certificate of a phone; the serial is hex."""

    __tablename__ = "device_certificates"
    __table_args__ = (
        Index("ix_device_certificates_device", "device_id", "issued_at"),
        Index(
            "ix_device_certificates_revoked",
            "expires_at",
            sqlite_where=text("revoked_at IS NOT NULL"),
            postgresql_where=text("revoked_at IS NOT NULL"),
        ),
    )

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"))
    pem: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)


class ExpectedPhone(Base):
    """A phone that is known before it arrives: whom it is for, and the enrollment that it became."""

    __tablename__ = "expected_phones"
    __table_args__ = (
        Index("ix_expected_phones_created", "created_at", "id"),
        Index("ix_expected_phones_person", "person_id"),
        Index("ix_expected_phones_device", "device_id"),
    )

    id: Mapped[IdKey]
    serial: Mapped[str | None] = mapped_column(String(64))
    imei: Mapped[list[str]]
    person_id: Mapped[IdColumn]
    org_unit_id: Mapped[str | None] = mapped_column(String(36))
    groups: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    device_id: Mapped[str | None] = mapped_column(String(36))
    arrived_at: Mapped[datetime | None]


class ExpectedKey(Base):
    """A serial (`serial:…`) or IMEI (`imei:…`) by which an expected phone is known; each stands for one phone."""

    __tablename__ = "expected_phone_keys"
    __table_args__ = (Index("ix_expected_phone_keys_phone", "phone_id"),)

    value: Mapped[str] = mapped_column(String(80), primary_key=True)
    phone_id: Mapped[str] = mapped_column(String(36), ForeignKey("expected_phones.id"))


class OrphanRevocation(Base):
    """A revoked serial of a phone that a restored database does not know; the list names it all the same."""

    __tablename__ = "orphan_revocations"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]


class EnrollmentToken(Base):
    """A permission to enroll; of its code only the hash is stored."""

    __tablename__ = "enrollment_tokens"
    __table_args__ = (Index("ix_enrollment_tokens_created", "created_at", "id"),)

    id: Mapped[IdKey]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    org_unit_id: Mapped[str | None] = mapped_column(String(36))
    person_id: Mapped[str | None] = mapped_column(String(36))
    groups: Mapped[list[str]]
    max_uses: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
    allow_reenroll: Mapped[bool]
    bind_expected: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Presence(Base):
    """The newest of each phone, one row, written by every heartbeat: no foreign key and no index on what moves.

    `living` repeats that the phone is in the fleet, so that ingest looks into this table alone.
    """

    __tablename__ = "presence"
    __table_args__ = (
        Index("ix_presence_online", "device_id", sqlite_where=text("online = 1"), postgresql_where=text("online")),
    )

    device_id: Mapped[IdKey]
    living: Mapped[bool] = mapped_column(default=True)
    online: Mapped[bool] = mapped_column(default=False)
    connection: Mapped[str | None] = mapped_column(String(36))
    since: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    expected_s: Mapped[int] = mapped_column(default=60)
    battery: Mapped[float | None]
    charging: Mapped[bool | None]
    network: Mapped[str | None] = mapped_column(String(10))
    storage_free: Mapped[int | None]
    uptime_s: Mapped[int | None]
    queue_records: Mapped[int | None]
    queue_oldest: Mapped[datetime | None]
    generation: Mapped[int | None]
    bundle: Mapped[str | None] = mapped_column(String(64))
    posture: Mapped[dict[str, Any] | None]
    signals: Mapped[str] = mapped_column(String(200), default="")
    location: Mapped[bytes | None] = mapped_column(LargeBinary)
    location_at: Mapped[datetime | None]
    sampled_at: Mapped[datetime | None]


class HeartbeatSample(Base):
    """A heartbeat kept for history, one in a while."""

    __tablename__ = "heartbeat_samples"
    __table_args__ = (Index("ix_heartbeat_samples_device", "device_id", "at"), Index("ix_heartbeat_samples_at", "at"))

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    at: Mapped[datetime]
    battery: Mapped[float | None]
    charging: Mapped[bool | None]
    network: Mapped[str | None] = mapped_column(String(10))
    storage_free: Mapped[int | None]
    queue_records: Mapped[int | None]
    generation: Mapped[int | None]
    signals: Mapped[str] = mapped_column(String(200))


class Inventory(Base):
    """What a phone said in its newest hello, and when it is answered."""

    __tablename__ = "device_inventory"

    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"), primary_key=True)
    iat: Mapped[int]
    jtis: Mapped[list[str]]
    received_at: Mapped[datetime]
    answer_at: Mapped[datetime]
    connection: Mapped[IdColumn]
    boot_id: Mapped[str] = mapped_column(String(NAME))
    boots: Mapped[list[str]]
    agent_version: Mapped[str] = mapped_column(String(NAME))
    capabilities: Mapped[list[str]]
    generation: Mapped[int]
    highest_generation: Mapped[int]
    bundle: Mapped[str | None] = mapped_column(String(64))
    contacts_version: Mapped[int]
    next_seq: Mapped[int]
    oldest_seq: Mapped[int]
    archived_through: Mapped[int]
    clock_skew_s: Mapped[int]
    notice_version: Mapped[str | None] = mapped_column(String(NAME))


class Group(Base):
    """A named set of phones; `query` is kept for whoever evaluates it."""

    __tablename__ = "device_groups"

    name: Mapped[str] = mapped_column(String(MAX_NAME), primary_key=True)
    title: Mapped[str] = mapped_column(String(NAME), default="")
    query: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class GroupMember(Base):
    """A phone in a group; `source` tells what put it there (`document`, `token` or `person`)."""

    __tablename__ = "device_group_members"
    __table_args__ = (Index("ix_device_group_members_device", "device_id"),)

    group_name: Mapped[str] = mapped_column(String(MAX_NAME), ForeignKey("device_groups.name"), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(36), ForeignKey("devices.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(10))


class Finding(Base):
    """Something about a phone that is not as it should be, open until it is.

    `seen_at`: when it was last seen to be so; `source` and `judged_at`: the message that said so. `excepted_until`: an
    exception covers it; `counted_from`: when its standing began to count again after one (None: since it opened).
    """

    __tablename__ = "device_findings"
    __table_args__ = (
        Index(
            "uq_device_findings_open",
            "device_id",
            "code",
            unique=True,
            sqlite_where=OPEN_FINDING,
            postgresql_where=OPEN_FINDING,
        ),
        Index("ix_device_findings_device", "device_id", "since"),
        Index(
            "ix_device_findings_code", "code", "since", "id", sqlite_where=OPEN_FINDING, postgresql_where=OPEN_FINDING
        ),
        Index("ix_device_findings_since", "since", "id", sqlite_where=OPEN_FINDING, postgresql_where=OPEN_FINDING),
        Index("ix_device_findings_closed", "closed_at"),
    )

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    code: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]
    detail: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]
    source: Mapped[str | None] = mapped_column(String(16))
    judged_at: Mapped[datetime]
    excepted_until: Mapped[datetime | None]
    counted_from: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class TimelineEntry(Base):
    """One line of a phone's history, from whichever room."""

    __tablename__ = "device_timeline"
    __table_args__ = (Index("ix_device_timeline_device", "device_id", "at", "id"),)

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    code: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[str | None] = mapped_column(String(64))
    actor_name: Mapped[str | None] = mapped_column(String(200))
    ref: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]


class UsedJti(Base):
    """Ids of device tokens that were used; kept until such a token would be expired anyway."""

    __tablename__ = "device_used_jtis"
    __table_args__ = (Index("ix_device_used_jtis_expires", "expires_at"),)

    device_id: Mapped[IdKey]
    jti: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    expires_at: Mapped[datetime]


class Revocation(Base):
    """One phone that a person cut off; the caps per hour are counted here."""

    __tablename__ = "device_revocations"
    __table_args__ = (Index("ix_device_revocations_by", "by_id", "at"),)

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    by_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)
