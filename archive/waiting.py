"""Batches ahead of what is held: kept sealed, in bounded numbers, until the records before them have come.

Keeping them only saves a phone from sending twice: it gets no receipt for them and sends again from its watermark.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, select

from archive import batches
from archive.batches import ReadBatch
from archive.models import WaitingBatch
from core import clock
from core.crypto import jose, packing
from core.db import insert_rows, session
from core.ids import new_id
from core.runtime import runtime

MAX_BATCHES = 32
MAX_BYTES = 4 * 1024 * 1024
KEEP = timedelta(days=30)
_WAITING: Table = WaitingBatch.__table__


@dataclass(slots=True)
class Waiting:
    """A batch that waits; `batch` is read when it is needed, `stored` when it has a row."""

    id: str
    device_id: str
    first: int
    last: int
    head: bytes
    size: int
    sealed: bytes
    received_at: datetime
    late: bool
    stored: bool = True
    batch: ReadBatch | None = None

    def read(self) -> ReadBatch:
        """The batch itself; it was checked when it came."""
        if self.batch is None:
            packed = runtime().envelope.open(self.sealed, _place(self.device_id, self.id))
            self.batch = batches.read(jose.unpack(packed))
        return self.batch


def _place(device_id: str, waiting_id: str) -> str:
    return f"waiting:{device_id}:{waiting_id}"


def load(device_ids: Collection[str]) -> dict[str, list[Waiting]]:
    """What waits for these phones, nearest first; one query."""
    found: dict[str, list[Waiting]] = defaultdict(list)
    for row in session().execute(
        select(
            WaitingBatch.id,
            WaitingBatch.device_id,
            WaitingBatch.first,
            WaitingBatch.last,
            WaitingBatch.head,
            WaitingBatch.size,
            WaitingBatch.sealed,
            WaitingBatch.received_at,
            WaitingBatch.late,
        )
        .where(WaitingBatch.device_id.in_(device_ids))
        .order_by(WaitingBatch.first, WaitingBatch.id)
    ):
        found[row.device_id].append(Waiting(*row))
    return found


def keep(mine: list[Waiting], device_id: str, batch: ReadBatch, received_at: datetime, *, late: bool) -> bool:
    """Add a batch to what waits for a phone, unless it waits already or the bound is reached."""
    if any(other.first == batch.first and other.head == batch.claimed for other in mine):
        return False
    waiting_id = new_id()
    sealed = runtime().envelope.seal(packing.pack(batch.plain), _place(device_id, waiting_id))
    if len(mine) >= MAX_BATCHES or sum(other.size for other in mine) + len(sealed) > MAX_BYTES:
        return False
    mine.append(
        Waiting(
            waiting_id,
            device_id,
            batch.first,
            batch.last,
            batch.claimed,
            len(sealed),
            sealed,
            received_at,
            late,
            stored=False,
            batch=batch,
        )
    )
    mine.sort(key=lambda waiting: waiting.first)
    return True


def save(still: Sequence[Waiting], gone: Sequence[Waiting]) -> None:
    """Insert what waits anew, drop what waits no more."""
    insert_rows(session(), _WAITING, [_row(waiting) for waiting in still if not waiting.stored])
    done = [waiting.id for waiting in gone if waiting.stored]
    if done:
        session().execute(
            delete(WaitingBatch).where(WaitingBatch.id.in_(done)).execution_options(synchronize_session=False)
        )


def _row(waiting: Waiting) -> dict[str, Any]:
    return {
        "id": waiting.id,
        "device_id": waiting.device_id,
        "first": waiting.first,
        "last": waiting.last,
        "head": waiting.head,
        "size": waiting.size,
        "sealed": waiting.sealed,
        "received_at": waiting.received_at,
        "late": waiting.late,
    }


def forget_old() -> int:
    """Drop batches whose gap has not closed for thirty days; the phone still holds what they carried."""
    gone = session().execute(delete(WaitingBatch).where(WaitingBatch.received_at < clock.now() - KEEP))
    return getattr(gone, "rowcount", 0)
