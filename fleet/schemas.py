"""Bodies and queries of this room's HTTP interface."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, StrictBool, StrictInt

from core.http.fields import Body, PageQuery
from core.limits import MAX_NAME, MAX_UNIT_PATH
from fleet.enrollment_tokens import TokenView

ComplianceState = Literal["compliant", "noncompliant", "unknown"]
State = Literal["active", "lost", "retired", "wiped"]
Name = Field(min_length=1, max_length=256)
Reason = Field(min_length=1, max_length=500)
UnitPath = Field(None, max_length=MAX_UNIT_PATH)


class DeviceQuery(PageQuery):
    """Which phones."""

    q: str | None = Field(None, max_length=200)
    state: State | None = None
    online: bool | None = None
    group: str | None = Field(None, max_length=MAX_NAME)
    org_unit: str | None = UnitPath
    compliance: ComplianceState | None = None


class StateChange(Body):
    """A phone's new state and why."""

    state: State
    reason: str = Reason


class ConfirmBody(Body):
    """Who holds the phone: id or employee number; left out, whom the phone claims."""

    person: str | None = Field(None, min_length=1, max_length=64)


class ReasonBody(Body):
    """Why."""

    reason: str = Reason


class TokenBody(Body):
    """A new enrollment token; `expires_in` in seconds. `bind_expected`: phones that were announced get their person."""

    max_uses: StrictInt = 1
    expires_in: StrictInt = 86_400
    org_unit: str | None = UnitPath
    groups: list[str] = Field(default_factory=list, max_length=50)
    person: str | None = Field(None, min_length=1, max_length=64)
    allow_reenroll: StrictBool = False
    bind_expected: StrictBool = False


class TokenCreated(TokenView):
    """A new token with its code, which is told only now, and the content of its QR code."""

    token: str
    qr: dict[str, Any]


class ExpectedQuery(PageQuery):
    """Which expected phones: `awaited` has not come yet, `arrived` has."""

    state: Literal["awaited", "arrived"] | None = None
    q: str | None = Field(None, max_length=100)


class ExpectedBody(Body):
    """A phone that will come: a serial, an IMEI or both, and whom it is for (id or employee number)."""

    serial: str | None = Field(None, max_length=64)
    imei: list[str] = Field(default_factory=list, max_length=4)
    person: str = Field(min_length=1, max_length=64)
    org_unit: str | None = UnitPath
    groups: list[str] = Field(default_factory=list, max_length=50)


class ExpectedCounts(BaseModel):
    """How many announced phones came and how many did not yet."""

    awaited: int
    arrived: int


class NoticeBody(Body):
    """Texts of a new notice by language; without a version it is numbered."""

    version: str | None = Field(None, min_length=1, max_length=64)
    texts: dict[str, str]


class JwksQuery(BaseModel):
    """Key ids that the phone trusts, so that the answer is signed by one of them."""

    kid: list[str] = Field(default_factory=list, max_length=20)
