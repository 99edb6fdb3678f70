"""Tables of documents, versions, rollouts, blobs and states; private to this room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey, SerialKey

EVERYWHERE = "*"


class PolicyDocument(Base):
    """A document of any kind as it was last applied; `spec` of published kinds is a draft until it is published.

    `managed_by` tells where its author works: `files`, `console` or `api`. `source` is the text that the author wrote,
    where it says more than `spec`: comments, quotes, order.
    """

    __tablename__ = "policy_documents"
    __table_args__ = (Index("uq_policy_documents_kind_name", "kind", "name", unique=True),)

    id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(63))
    title: Mapped[str | None] = mapped_column(String(100))
    spec: Mapped[dict[str, Any]]
    source: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int]
    version: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String(200))
    managed_by: Mapped[str] = mapped_column(String(10), default="api", server_default="api")
    deleted_at: Mapped[datetime | None]


class DocumentVersion(Base):
    """A published version: never changed, numbered upward."""

    __tablename__ = "policy_document_versions"

    document_id: Mapped[str] = mapped_column(String(36), ForeignKey("policy_documents.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str | None] = mapped_column(String(100))
    spec: Mapped[dict[str, Any]]
    source: Mapped[str | None] = mapped_column(Text)
    restores: Mapped[int | None]
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(500), default="")


class VersionInForce(Base):
    """(document, device scope) -> version: the only source of merging. The scope `*` is every device."""

    __tablename__ = "policy_versions_in_force"

    document_id: Mapped[str] = mapped_column(String(36), ForeignKey("policy_documents.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    version: Mapped[int]
    rollout_id: Mapped[IdColumn]
    since: Mapped[datetime]


class AssignmentTarget(Base):
    """A policy bound to one org unit and all below, one group, or one device; in effect as it stands here."""

    __tablename__ = "policy_assignments"

    document_id: Mapped[str] = mapped_column(String(36), ForeignKey("policy_documents.id"), primary_key=True)
    policy_id: Mapped[str] = mapped_column(String(36), ForeignKey("policy_documents.id"), index=True)
    org_unit_id: Mapped[str | None] = mapped_column(String(36), index=True)
    group_name: Mapped[str | None] = mapped_column(String(63))
    device_id: Mapped[str | None] = mapped_column(String(36))


class HeldChange(Base):
    """A change that waits for its second person: what is done again once it is approved, and with whose rules.

    `base` is what it rests on, `loosened` pairs of paths and ids of the phones whose rules become looser there;
    `result` names what it made.
    """

    __tablename__ = "policy_held_changes"

    approval_id: Mapped[IdKey]
    operation: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]]
    base: Mapped[dict[str, Any]]
    loosened: Mapped[list[Any]]
    result: Mapped[dict[str, Any] | None]


class Rollout(Base):
    """A change on its way to phones: published versions, or a changed assignment, group or unit (`kind`).

    A `staged` one goes ring by ring. `why` says what paused or stopped it, `rolls_back` which rollout it undoes.
    """

    __tablename__ = "rollouts"

    id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    emergency: Mapped[bool] = mapped_column(default=False)
    staged: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(500), default="")
    why: Mapped[dict[str, Any] | None]
    approval_id: Mapped[str | None] = mapped_column(String(36), index=True)
    rolls_back: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    created_by_id: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime | None]
    evaluated_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RolloutItem(Base):
    """One document that a rollout carries: its version, and the `previous` one that was in force everywhere."""

    __tablename__ = "rollout_items"

    rollout_id: Mapped[str] = mapped_column(String(36), ForeignKey("rollouts.id"), primary_key=True)
    document_id: Mapped[str] = mapped_column(String(36), ForeignKey("policy_documents.id"), primary_key=True)
    version: Mapped[int]
    previous: Mapped[int | None]


class RolloutRing(Base):
    """One ring: whom it holds, and what it takes to go on to the next.

    It is filled in the order of device ids up to `cursor`. `elapsed_ms` is how long it has been in its state: the sum
    of what passed between evaluations, so that a clock that jumps back takes nothing away.
    """

    __tablename__ = "rollout_rings"

    rollout_id: Mapped[str] = mapped_column(String(36), ForeignKey("rollouts.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(63))
    selector: Mapped[dict[str, Any]]
    gates: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    cursor: Mapped[str] = mapped_column(String(36), default="")
    elapsed_ms: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RolloutDevice(Base):
    """A phone in a ring of a rollout, and how far it is.

    `state`: unchanged (the rollout makes no difference to it), targeted (given a new desired state), sent, applied,
    rejected, failed, withdrawn (it had not answered when the rollout was rolled back).
    """

    __tablename__ = "rollout_devices"
    __table_args__ = (
        Index("ix_rollout_devices_device", "device_id", "generation"),
        Index("ix_rollout_devices_state", "rollout_id", "ring", "state"),
    )

    rollout_id: Mapped[str] = mapped_column(String(36), ForeignKey("rollouts.id"), primary_key=True)
    device_id: Mapped[IdKey]
    ring: Mapped[int]
    generation: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    targeted_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Blob(Base):
    """A blob's stored bytes, made once for each document and never packed again."""

    __tablename__ = "policy_blobs"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    document_digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(63))
    size: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    retained: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class BundlePart(Base):
    """A blob that a bundle names."""

    __tablename__ = "policy_bundle_parts"

    bundle_digest: Mapped[str] = mapped_column(String(64), ForeignKey("policy_blobs.digest"), primary_key=True)
    blob_digest: Mapped[str] = mapped_column(String(64), ForeignKey("policy_blobs.digest"), primary_key=True)


class Mixture(Base):
    """The policies, versions and assignments that a bundle was merged from."""

    __tablename__ = "policy_mixtures"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    sources: Mapped[list[Any]]


class DesiredState(Base):
    """What one phone is to have in force."""

    __tablename__ = "desired_states"
    __table_args__ = (Index("ix_desired_states_bundle", "bundle"),)

    device_id: Mapped[IdKey]
    generation: Mapped[int]
    bundle: Mapped[str] = mapped_column(String(64))
    mixture: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime]


class DesiredHistory(Base):
    """Every desired state that a phone ever had."""

    __tablename__ = "desired_history"
    __table_args__ = (Index("ix_desired_history_device", "device_id", "generation"),)

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    generation: Mapped[int]
    bundle: Mapped[str] = mapped_column(String(64))
    mixture: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class ReportedState(Base):
    """What one phone said last of its desired state."""

    __tablename__ = "reported_states"

    device_id: Mapped[IdKey]
    iat: Mapped[int]
    generation: Mapped[int | None]
    bundle: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(10))
    detail: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    rules: Mapped[dict[str, Any]]
    applied_generation: Mapped[int | None]
    applied_bundle: Mapped[str | None] = mapped_column(String(64))
    applied_at: Mapped[datetime | None]


class ReportedHistory(Base):
    """Every change of what a phone said: tells for any past minute which bundle was in force on it."""

    __tablename__ = "reported_history"
    __table_args__ = (Index("ix_reported_history_device", "device_id", "at"),)

    id: Mapped[SerialKey]
    device_id: Mapped[IdColumn]
    generation: Mapped[int | None]
    bundle: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    received_at: Mapped[datetime]


class PolicyLock(Base):
    """One row that a change of policies holds alone, and a change of single phones shares: neither misses the other."""

    __tablename__ = "policy_lock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
