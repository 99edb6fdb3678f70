"""Tables of people and what belongs to them. Private to this room; `queries.py` hands out selectables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, IdColumn, IdKey, SerialKey
from core.limits import MAX_UNIT_PATH

ACTIVE = "active"
INACTIVE = "inactive"
ROOT_ID = "00000000-0000-0000-0000-000000000000"


class OrgUnit(Base):
    """A unit of the org tree. `path` holds ids (`/a/b/`), `name_path` names (`/总部/电销`); the root is `/` in both.

    `ends_on` is the last day of an outsourced agency.
    """

    __tablename__ = "org_units"
    __table_args__ = (UniqueConstraint("parent_id", "name"),)

    id: Mapped[IdKey]
    parent_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("org_units.id"))
    name: Mapped[str] = mapped_column(String(64))
    path: Mapped[str] = mapped_column(String(800), unique=True)
    name_path: Mapped[str] = mapped_column(String(MAX_UNIT_PATH), unique=True)
    revision: Mapped[int] = mapped_column(default=1)
    ends_on: Mapped[date | None]


class Person(Base):
    """Somebody of the organisation, with or without a login. Never deleted: history points here.

    `must_change_password`: somebody else set the password; until they choose their own they may do nothing else.
    """

    __tablename__ = "people"
    __table_args__ = (Index("ix_people_name", "name", "id"),)

    id: Mapped[IdKey]
    username: Mapped[str | None] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    employee_no: Mapped[str | None] = mapped_column(String(64), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    unit_id: Mapped[IdColumn] = mapped_column(ForeignKey("org_units.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default=ACTIVE)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(36))
    last_sign_in_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)


class RoleGrant(Base):
    """A role that a person holds."""

    __tablename__ = "role_grants"

    person_id: Mapped[IdKey] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    granted_at: Mapped[datetime]
    granted_by: Mapped[str | None] = mapped_column(String(36))


class AccountChange(Base):
    """Who created, granted to or reset whose account. Approvals ask it whether an approver is independent."""

    __tablename__ = "account_changes"

    id: Mapped[SerialKey]
    person_id: Mapped[IdColumn]
    by_id: Mapped[IdColumn]
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(index=True)


class SignInSession(Base):
    """A signed-in session: a console cookie (its hash) or the life of an API token. Revocable at any moment."""

    __tablename__ = "sign_in_sessions"

    id: Mapped[IdKey]
    person_id: Mapped[IdColumn] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Failed attempts at one user name, whether anybody bears it or not: so the answer does not tell."""

    __tablename__ = "sign_in_throttles"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class TotpSecret(Base):
    """A second factor: the sealed secret and the newest time step that was spent."""

    __tablename__ = "totp_secrets"

    person_id: Mapped[IdKey] = mapped_column(ForeignKey("people.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A code that stands in for a lost second factor once."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[IdColumn] = mapped_column(ForeignKey("people.id"), index=True)
    used_at: Mapped[datetime | None]


class SetupLink(Base):
    """The one-time link that makes the first administrator."""

    __tablename__ = "setup_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Installation(Base):
    """When this installation began; one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    installed_at: Mapped[datetime]


class Approval(Base):
    """A request that a second person decides; `content_sha256` is over the canonical JSON of what will be done."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_open", "state", "expires_at"),)

    id: Mapped[IdKey]
    kind: Mapped[str] = mapped_column(String(32))
    content_sha256: Mapped[str] = mapped_column(String(64))
    targets: Mapped[list[str]]
    unit_id: Mapped[IdColumn]
    permissions: Mapped[list[str]]
    reason: Mapped[str] = mapped_column(String(500))
    summary: Mapped[dict[str, Any]]
    requested_by: Mapped[IdColumn] = mapped_column(index=True)
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    decided_by: Mapped[str | None] = mapped_column(String(36))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(String(500))
    used_for: Mapped[str | None] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class SavedView(Base):
    """A list as a person keeps it: which page, its filters as they stand in the address, and a name."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("uq_saved_views_name", "person_id", "page", "name", unique=True),)

    id: Mapped[IdKey]
    person_id: Mapped[str] = mapped_column(String(36), ForeignKey("people.id"))
    page: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000))
    shared: Mapped[bool]
    created_at: Mapped[datetime]
