"""A phone as the API shows it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Holder(BaseModel):
    """Who holds the phone; `person` is an id."""

    person: str | None
    confirmed: bool
    name: str | None = None
    employee_no: str | None = None


class PresenceView(BaseModel):
    """Whether it is there; a hint."""

    online: bool
    last_seen_at: str | None
    since: str | None
    heartbeat_at: str | None = None
    battery: float | None = None
    charging: bool | None = None
    network: str | None = None
    queue_records: int | None = None


class PolicyView(BaseModel):
    """The policy that it should have and what it reported."""

    desired: dict[str, Any]
    reported: dict[str, Any]


class FindingView(BaseModel):
    """Something that is not as it should be."""

    code: str
    since: str
    detail: dict[str, Any]
    severity: str | None = None
    excepted_until: str | None = None


class Compliance(BaseModel):
    """`compliant`, `noncompliant`, or `unknown` before the first heartbeat; `step`: what the ladder last did."""

    state: str
    step: str | None = None
    findings: list[FindingView]


class DeviceView(BaseModel):
    """A phone in a list."""

    id: str
    state: str
    serial: str
    manufacturer: str
    model: str
    os: str
    os_version: str
    agent_version: str
    holder: Holder
    org_unit: str
    groups: list[str]
    enrolled_at: str
    presence: PresenceView
    policy: PolicyView
    compliance: Compliance


class DeviceDetail(DeviceView):
    """A phone by itself."""

    state_since: str
    state_reason: str
    imei: list[str]
    agent: str
    enrollment_specific_id: str | None
    claimed_employee_no: str | None
    serial_confirmed_at: str | None
    notice: dict[str, Any]
    certificate_expires_at: str
    certificates: list[dict[str, Any]]
    holdings: list[dict[str, Any]]
    inventory: dict[str, Any] | None
    posture: dict[str, Any] | None
    history: list[dict[str, Any]] = Field(default_factory=list)
