"""All that checks look at, of many phones in a constant number of statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archive import queries as archive
from fleet import editions
from fleet.phone_facts import PhoneFacts, phone_facts
from identity import agencies
from policies import standing
from policies.standing import Standing


@dataclass(frozen=True, slots=True)
class Facts:
    """One phone: what the fleet knows, its policy against what it reported, unseen alerts about its records by code."""

    phone: PhoneFacts
    policy: Standing
    alerts: Mapping[str, datetime] = field(default_factory=dict)
    notice: str = ""
    unit_ends_at: datetime | None = None


def load(device_ids: Collection[str]) -> dict[str, Facts]:
    """Facts of those of the phones that are in the fleet, by id."""
    phones = phone_facts(device_ids)
    policies = standing.of_devices(list(phones))
    alerts = archive.unseen_alerts(list(phones))
    named = editions.named_to(list(phones))
    ends = agencies.ends_of({phone.org_unit_id for phone in phones.values()})
    return {
        device_id: Facts(
            phone,
            policies.get(device_id, standing.NONE),
            alerts.get(device_id, {}),
            named[device_id],
            ends.get(phone.org_unit_id),
        )
        for device_id, phone in phones.items()
    }
