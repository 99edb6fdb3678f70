"""Look-ups for other rooms, so that none of them needs this room's models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select

from archive.models import Chain, IntegrityAlert, StoredRecord
from core.bulk import texts
from core.db import session


def archived_through(device_ids: Sequence[str]) -> Mapping[str, int]:
    """The seq up to which every record of a phone is held (or its loss proven); one that sent none is missing."""
    query = select(Chain.device_id, Chain.through).where(Chain.device_id.in_(device_ids), Chain.through > 0)
    return {row.device_id: row.through for row in session().execute(query)}


def records() -> Select[tuple[str, int, int]]:
    """Columns `device_id`, `branch`, `seq` of all records, to join as a subquery."""
    return select(StoredRecord.device_id, StoredRecord.branch, StoredRecord.seq)


def unseen_alerts(device_ids: Collection[str]) -> dict[str, dict[str, datetime]]:
    """Integrity alerts that nobody has seen to, by phone and code, with the time of the oldest; in one statement."""
    query = select(IntegrityAlert.device_id, IntegrityAlert.code, func.min(IntegrityAlert.at).label("at")).where(
        IntegrityAlert.device_id.in_(texts(session(), device_ids)), IntegrityAlert.acknowledged_at.is_(None)
    )
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in session().execute(query.group_by(IntegrityAlert.device_id, IntegrityAlert.code)):
        found[row.device_id][row.code] = row.at
    return found
