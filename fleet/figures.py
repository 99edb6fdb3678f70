"""Figures of this room for /metrics."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from core import metrics
from core.db import session
from core.metrics import Gauge
from fleet.models import Device, Finding, Presence


@metrics.collects
def fleet_gauges() -> Iterable[Gauge]:
    """Phones by state, phones online, open findings by code."""
    states = session().execute(select(Device.state, func.count()).group_by(Device.state).order_by(Device.state))
    yield Gauge("devices", "Phones by state.", [({"state": name}, float(count)) for name, count in states])
    online = session().scalar(select(func.count()).select_from(Presence).where(Presence.online)) or 0
    yield Gauge("devices_online", "Phones that are online.", [({}, float(online))])
    query = select(Finding.code, func.count()).where(Finding.closed_at.is_(None)).group_by(Finding.code)
    found = session().execute(query.order_by(Finding.code))
    yield Gauge("device_findings", "Open findings by code.", [({"code": code}, float(count)) for code, count in found])
