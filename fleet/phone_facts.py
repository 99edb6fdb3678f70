"""What is known of phones, all of it in one statement, for whoever judges them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.bulk import texts
from core.db import session
from fleet.models import Device, Inventory, Presence
from fleet.states import LIVING
from mqtt.contract.limits import HEARTBEAT_DEFAULT_S


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """One phone: enrollment with the report on its attestation, newest heartbeat (`heartbeat_at`, `posture`), newest
    hello (`hello_at`)."""

    id: str
    state: str
    os: str
    os_version: str
    org_unit_id: str
    person_id: str | None
    holder_confirmed: bool
    notice_version: str | None
    enrolled_at: datetime
    certificate_expires_at: datetime
    attestation_level: str
    attestation: Mapping[str, Any] | None = None
    last_seen_at: datetime | None = None
    heartbeat_at: datetime | None = None
    expected_s: int = HEARTBEAT_DEFAULT_S
    posture: Mapping[str, Any] | None = None
    hello_at: datetime | None = None


_COLUMNS = (
    Device.id,
    Device.state,
    Device.os,
    Device.os_version,
    Device.org_unit_id,
    Device.person_id,
    Device.holder_confirmed,
    Device.notice_version,
    Device.enrolled_at,
    Device.certificate_expires_at,
    Device.attestation_level,
    Device.attestation_report.label("attestation"),
    Presence.last_seen_at,
    Presence.heartbeat_at,
    Presence.expected_s,
    Presence.posture,
    Inventory.received_at.label("hello_at"),
)


def phone_facts(device_ids: Collection[str]) -> dict[str, PhoneFacts]:
    """Facts of those of the phones that are in the fleet, by id in key order."""
    query = (
        select(*_COLUMNS)
        .outerjoin(Presence, Presence.device_id == Device.id)
        .outerjoin(Inventory, Inventory.device_id == Device.id)
        .where(Device.id.in_(texts(session(), device_ids)), Device.state.in_(LIVING))
    )
    rows = session().execute(query.order_by(Device.id)).mappings()
    return {row["id"]: PhoneFacts(**{**row, "expected_s": row["expected_s"] or HEARTBEAT_DEFAULT_S}) for row in rows}
