"""Tables of compliance. Private to this room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey

_RUNNING = text("ended_at IS NULL")


class ComplianceState(Base):
    """How one phone stands; only phones in the fleet have a row.

    `findings` count, `excepted` would without an exception, `hints` never do. `step` is what the ladder last did,
    because of `step_code`; `step_held` says why a lock waits. `due_at`: when time alone may change something.
    """

    __tablename__ = "compliance_states"
    __table_args__ = (
        Index("ix_compliance_states_due_at", "due_at"),
        Index("ix_compliance_states_state", "state", "device_id"),
    )

    device_id: Mapped[IdKey]
    state: Mapped[str] = mapped_column(String(12))
    since: Mapped[datetime]
    severity: Mapped[str | None] = mapped_column(String(10))
    findings: Mapped[int]
    excepted: Mapped[int]
    hints: Mapped[int]
    step: Mapped[str] = mapped_column(String(16))
    step_since: Mapped[datetime | None]
    step_code: Mapped[str | None] = mapped_column(String(64))
    step_held: Mapped[str | None] = mapped_column(String(10))
    evaluated_at: Mapped[datetime]
    due_at: Mapped[datetime]


class ComplianceException(Base):
    """A finding that is allowed for a while: on one device, a group, or an org unit with all below it."""

    __tablename__ = "compliance_exceptions"
    __table_args__ = (
        Index("ix_compliance_exceptions_running", "until", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
        Index("ix_compliance_exceptions_created_at", "created_at", "id"),
    )

    id: Mapped[IdKey]
    code: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(63))
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    created_by_name: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_by_name: Mapped[str | None] = mapped_column(String(200))


class ComplianceSample(Base):
    """How many phones of one org unit (itself alone) were in a state, or had an open finding of a code, at a time."""

    __tablename__ = "compliance_samples"

    span: Mapped[str] = mapped_column(String(4), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    org_unit_id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    devices: Mapped[int]


class SimBaseline(Base):
    """The SIMs that a phone is known by, and whether its newest heartbeat showed others."""

    __tablename__ = "compliance_sims"

    device_id: Mapped[IdColumn] = mapped_column(primary_key=True)
    sims: Mapped[list[str]]
    changed: Mapped[bool]
    since: Mapped[datetime]
