"""A phone as the API shows it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.views import Moment, View
from identity.queries import PersonRef


class Holder(View):
    """Who holds the phone; `person` is an id."""

    person: str | None
    confirmed: bool
    name: str | None = None
    employee_no: str | None = None


class PersonName(View):
    """A person by name."""

    id: str
    name: str
    employee_no: str | None

    @classmethod
    def of(cls, person: PersonRef | None) -> PersonName | None:
        """The name of somebody, where there is somebody."""
        return cls(id=person.id, name=person.name, employee_no=person.employee_no) if person else None


class PresenceView(View):
    """Whether it is there; a hint."""

    online: bool
    last_seen_at: Moment | None
    since: Moment | None
    heartbeat_at: Moment | None = None
    battery: float | None = None
    charging: bool | None = None
    network: str | None = None
    queue_records: int | None = None


class PolicyView(View):
    """The policy that it should have and what it reported."""

    desired: dict[str, Any]
    reported: dict[str, Any]


class FindingView(View):
    """Something that is not as it should be."""

    code: str
    since: Moment
    detail: dict[str, Any]
    severity: str | None = None
    excepted_until: Moment | None = None


class Compliance(View):
    """`compliant`, `noncompliant`, or `unknown` before the first heartbeat; `step`: what the ladder last did."""

    state: str
    step: str | None = None
    findings: list[FindingView]


class AttestationView(View):
    """What a phone's key attestation proves: where its key lies (`none`, `unverified`, `software`, `tee`, `strongbox`),
    why it proves no more, and what was true when the key was made."""

    level: str
    reasons: list[str]
    judged_at: Moment | None
    boot_state: str | None = None
    bootloader_locked: bool | None = None
    os_version: int | None = None
    patch_level: int | None = None


class DeviceView(View):
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
    enrolled_at: Moment
    presence: PresenceView
    policy: PolicyView
    compliance: Compliance


class DeviceDetail(DeviceView):
    """A phone by itself."""

    state_since: Moment
    state_reason: str
    imei: list[str]
    agent: str
    enrollment_specific_id: str | None
    claimed_employee_no: str | None
    serial_confirmed_at: Moment | None
    notice: dict[str, Any]
    certificate_expires_at: Moment
    certificates: list[dict[str, Any]]
    holdings: list[dict[str, Any]]
    inventory: dict[str, Any] | None
    posture: dict[str, Any] | None
    attestation: AttestationView
    history: list[dict[str, Any]] = Field(default_factory=list)
