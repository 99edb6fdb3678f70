"""Look-ups for other rooms, so that none of them needs this room's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, select

from archive.models import Chain, StoredRecord
from core.db import session


def archived_through(device_ids: Sequence[str]) -> Mapping[str, int]:
    """The seq up to which every record of a phone is held (or its loss proven); one that sent none is missing."""
    query = select(Chain.device_id, Chain.through).where(Chain.device_id.in_(device_ids), Chain.through > 0)
    return {row.device_id: row.through for row in session().execute(query)}


def records() -> Select[tuple[str, int, int]]:
    """Columns `device_id`, `branch`, `seq` of all records, to join as a subquery."""
    return select(StoredRecord.device_id, StoredRecord.branch, StoredRecord.seq)
