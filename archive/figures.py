"""Figures of the archive for /metrics."""

from __future__ import annotations

from sqlalchemy import func, select

from archive.models import OPEN, IntegrityAlert, RefusedBatch, WaitingBatch
from core.db import session
from core.metrics import Gauge, collects


@collects
def archive_figures() -> list[Gauge]:
    """What waits for records before it, and what waits for a person."""
    current = session()
    waiting = current.scalar(select(func.count()).select_from(WaitingBatch)) or 0
    refused = select(func.count()).select_from(RefusedBatch).where(RefusedBatch.state == OPEN)
    unseen = select(func.count()).select_from(IntegrityAlert).where(IntegrityAlert.acknowledged_at.is_(None))
    return [
        Gauge("archive_waiting_batches", "Batches ahead of what is held.", [({}, waiting)]),
        Gauge(
            "archive_refused_batches", "Refused batches that nobody has settled.", [({}, current.scalar(refused) or 0)]
        ),
        Gauge(
            "archive_unseen_alerts", "Integrity alerts that nobody has seen to.", [({}, current.scalar(unseen) or 0)]
        ),
    ]
