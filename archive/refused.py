"""Refused batches: kept whole and sealed, once for each distinct content, alerted once, answered every time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, func, select, tuple_, update

from archive import alerts
from archive.alerts import Cause
from archive.batches import ReadBatch
from archive.models import CONTESTED, OPEN, RefusedBatch
from core.crypto import packing
from core.db import insert_rows, session
from core.ids import new_id
from core.runtime import runtime
from fleet import findings
from fleet.findings import Observation
from mqtt.routes import Inbound

MAX_OPEN = 200
FINDING = "records_refused"
_REFUSED: Table = RefusedBatch.__table__
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A batch that does not fit, and why."""

    device_id: str
    batch: ReadBatch
    reason: str
    received_at: datetime
    late: bool
    message: Inbound | None = None

    @property
    def key(self) -> _Key:
        """What makes it distinct."""
        return self.device_id, self.batch.digest


def place(device_id: str, refused_id: str) -> str:
    """Where a refused batch is sealed for."""
    return f"refused:{device_id}:{refused_id}"


def accepted(rejected: Sequence[Rejected]) -> set[_Key]:
    """Keys of those that a compliance officer has accepted as contested: these are held, and receipted."""
    return {key for key, (_, state) in _known(rejected).items() if state == CONTESTED}


def note(rejected: Sequence[Rejected]) -> None:
    """Keep refused batches: a new one raises an alert and opens a finding, a known one is counted."""
    if not rejected:
        return
    known = _known(rejected)
    again = [one for one in rejected if one.key in known]
    _count(again, known)
    fresh = list({one.key: one for one in reversed(rejected) if one.key not in known}.values())
    kept = _within_bounds(fresh)
    rows = [_row(one) for one in kept]
    insert_rows(session(), _REFUSED, rows)
    alerts.raise_all([_cause(row) for row in rows])
    findings.observe([Observation(one.device_id, FINDING, True, {"reason": one.reason}) for one in kept])


def _known(rejected: Sequence[Rejected]) -> dict[_Key, tuple[str, str]]:
    if not rejected:
        return {}
    columns = (RefusedBatch.device_id, RefusedBatch.digest, RefusedBatch.id, RefusedBatch.state)
    keys = {one.key for one in rejected}
    query = select(*columns).where(tuple_(RefusedBatch.device_id, RefusedBatch.digest).in_(keys))
    return {(row.device_id, row.digest): (row.id, row.state) for row in session().execute(query)}


def _count(again: Sequence[Rejected], known: dict[_Key, tuple[str, str]]) -> None:
    if not again:
        return
    query = update(_REFUSED).where(_REFUSED.c.id == bindparam("row"))
    query = query.values(times=_REFUSED.c.times + 1, last_seen_at=bindparam("now"))
    session().connection().execute(query, [{"row": known[one.key][0], "now": one.received_at} for one in again])


def _within_bounds(fresh: list[Rejected]) -> list[Rejected]:
    """Those to keep: whoever sends nothing but rubbish fills no table; the rest is only in quarantine."""
    if not fresh:
        return []
    room = {device_id: MAX_OPEN - count for device_id, count in _open_counts({one.device_id for one in fresh}).items()}
    kept = []
    for one in sorted(fresh, key=lambda one: (one.received_at, one.batch.first)):
        left = room.get(one.device_id, MAX_OPEN)
        if left > 0:
            kept.append(one)
        room[one.device_id] = left - 1
    return kept


def _open_counts(device_ids: Collection[str]) -> dict[str, int]:
    query = select(RefusedBatch.device_id, func.count()).where(
        RefusedBatch.device_id.in_(device_ids), RefusedBatch.state == OPEN
    )
    return {row[0]: row[1] for row in session().execute(query.group_by(RefusedBatch.device_id))}


def _row(one: Rejected) -> dict[str, Any]:
    refused_id, batch = new_id(), one.batch
    return {
        "id": refused_id,
        "device_id": one.device_id,
        "digest": batch.digest,
        "first": batch.first,
        "last": batch.last,
        "reason": one.reason,
        "size": len(batch.plain),
        "sealed": runtime().envelope.seal(packing.pack(batch.plain), place(one.device_id, refused_id)),
        "late": one.late,
        "received_at": one.received_at,
        "last_seen_at": one.received_at,
        "times": 1,
        "state": OPEN,
        "branch": None,
        "settled_at": None,
        "settled_by": None,
        "settled_reason": None,
    }


def _cause(row: dict[str, Any]) -> Cause:
    detail = {"first": row["first"], "last": row["last"], "reason": row["reason"]}
    return Cause(row["device_id"], alerts.REFUSED, row["id"], detail)


def close_finding(device_id: str) -> None:
    """Close the finding of a phone that has no open refused batch left."""
    if not _open_counts([device_id]):
        findings.observe([Observation(device_id, FINDING, False)])
