"""What one unit of work adds to the archive, collected for many phones and written in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from archive import event_store, texts
from archive.batches import ReadBatch
from archive.event_store import Sighting
from archive.models import MAIN, StoredRecord
from archive.signals import ArchivedMessage, message_archived
from core.db import insert_rows, session
from core.runtime import runtime

_RECORDS: Table = StoredRecord.__table__


def place(device_id: str, branch: int, seq: int) -> str:
    """Where a record's text is sealed for."""
    return f"record:{device_id}:{branch}:{seq}"


def opened(device_id: str, branch: int, seq: int, sealed: bytes) -> bytes:
    """The text of a stored record. Raises ValueError, zlib.error for what was never sealed for this place."""
    return texts.unpack(runtime().envelope.open(sealed, place(device_id, branch, seq)))


@dataclass(slots=True)
class Ledger:
    """Records to be written, and what they tell."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    messages: list[ArchivedMessage] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)

    def add(
        self,
        device_id: str,
        batch: ReadBatch,
        seqs: Sequence[int],
        received_at: datetime,
        *,
        late: bool,
        branch: int = MAIN,
        contested: str | None = None,
    ) -> None:
        """Take records of a batch, by seq."""
        envelope = runtime().envelope
        for seq in seqs:
            index, raw = seq - batch.first, batch.text(seq)
            record, opaque = texts.read(seq, raw)
            event = texts.event_of(record) if record else None
            self.rows.append(
                {
                    "device_id": device_id,
                    "branch": branch,
                    "seq": seq,
                    "leaf": batch.leaves[index],
                    "chain": batch.heads[index],
                    "sealed": envelope.seal(texts.pack(raw), place(device_id, branch, seq)),
                    "size": len(raw),
                    "received_at": received_at,
                    "late": late,
                    "opaque": opaque,
                    "contested": contested,
                    "at": record.at if record else None,
                    "channel": record.channel if record else None,
                    "kind": record.kind if record else None,
                    "direction": record.direction if record else None,
                    "event_id": event.id if event else None,
                }
            )
            self.messages.append(
                ArchivedMessage(device_id, branch, seq, received_at, late, contested is not None, record)
            )
            if event:
                self.sightings.append(Sighting(device_id, event, received_at, record_seq=seq))

    def write(self) -> None:
        """Write everything, join events, tell higher rooms."""
        insert_rows(session(), _RECORDS, self.rows)
        event_store.note(self.sightings)
        if self.messages:
            message_archived.send(None, messages=self.messages)
