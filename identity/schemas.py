"""Bodies of this room's HTTP interface."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from core.http.fields import Body, Instant, PageQuery
from core.limits import MAX_UNIT_PATH
from identity.sessions import SessionView

RoleName = Literal[
    "platform_admin", "it_admin", "policy_author", "compliance_officer", "supervisor", "employee", "auditor"
]
State = Literal["active", "inactive"]
Secret = Annotated[str, Field(min_length=1, max_length=256)]
UnitPath = Annotated[str, Field(max_length=MAX_UNIT_PATH)]


class SignInBody(Body):
    """Credentials."""

    username: str = Field(min_length=1, max_length=128)
    password: Secret
    otp: str | None = Field(None, max_length=32)


class TokenRead(BaseModel):
    """An access token."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: int
    must_change_password: bool = Field(description="Until `auth/password` was used, nothing else is answered.")


class PasswordBody(Body):
    """One's present and new password."""

    current_password: Secret
    new_password: Secret


class CodeBody(Body):
    """A code of the second factor."""

    code: str = Field(min_length=6, max_length=32)


class RecoveryRead(BaseModel):
    """Recovery codes; shown once."""

    recovery_codes: list[str]


class MeRead(BaseModel):
    """Who is signed in and what they may do."""

    id: str
    username: str | None
    name: str
    org_unit: str
    roles: list[str]
    permissions: list[str]
    totp: bool
    must_change_password: bool


class SessionPage(BaseModel):
    """One's own sessions."""

    items: list[SessionView]


class SetupBody(Body):
    """The first administrator."""

    token: str = Field(min_length=1, max_length=64)
    username: str = Field("admin", min_length=1, max_length=64)
    name: str = Field("管理员", min_length=1, max_length=100)
    password: Secret


class StaffBody(Body):
    """A new person; without a user name an employee who does not sign in."""

    name: str = Field(min_length=1, max_length=100)
    username: str | None = Field(None, max_length=64)
    employee_no: str | None = Field(None, max_length=64)
    email: str | None = Field(None, max_length=254)
    password: str | None = Field(None, max_length=256)
    roles: list[RoleName] = Field(default_factory=list, max_length=7)
    org_unit: UnitPath = "/"


class StaffChange(Body):
    """What to change of a person; members left out stay as they are. `revision` guards against a lost edit."""

    name: str | None = Field(None, max_length=100)
    username: str | None = Field(None, max_length=64)
    employee_no: str | None = Field(None, max_length=64)
    email: str | None = Field(None, max_length=254)
    password: str | None = Field(None, max_length=256)
    roles: list[RoleName] | None = Field(None, max_length=7)
    org_unit: UnitPath | None = None
    state: State | None = None
    revision: int | None = None


class StaffQuery(PageQuery):
    """Which people."""

    q: str | None = Field(None, max_length=100)
    state: State | None = None
    role: RoleName | None = None
    org_unit: UnitPath | None = None


class OrgUnitBody(Body):
    """A new unit: a name below a parent (name path or id), or a whole `path` whose missing units are made too."""

    name: str | None = Field(None, min_length=1, max_length=64)
    parent: UnitPath = "/"
    path: UnitPath | None = None


class OrgUnitChange(Body):
    """A new name, a new parent, or both."""

    name: str | None = Field(None, min_length=1, max_length=64)
    parent: UnitPath | None = None
    revision: int | None = None


class OrgUnitEnd(Body):
    """The last day of an outsourced agency, null to take it away, and why."""

    ends_on: date | None
    reason: str = Field(min_length=1, max_length=500)


class AuditQuery(PageQuery):
    """Which entries of the audit log."""

    actor: str | None = Field(None, max_length=64)
    action: str | None = Field(None, max_length=64)
    target_kind: str | None = Field(None, max_length=32)
    target: str | None = Field(None, max_length=200)
    outcome: Literal["done", "refused"] | None = None
    since: Instant | None = None
    until: Instant | None = None


class ApprovalQuery(PageQuery):
    """Which approvals."""

    state: Literal["pending", "approved", "denied", "withdrawn", "lapsed", "used", "void"] | None = None
