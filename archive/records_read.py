"""Reading the archive: what is held of a phone, and its texts for those who may, each time audited."""

from __future__ import annotations

from sqlalchemy import func, select

from archive import ledger, texts
from archive.models import OPEN, Chain, RefusedBatch, Seam, StoredRecord, WaitingBatch
from archive.views import ChainView, OpenedRecordView, RecordView, SeamView
from core import audit
from core.actor import Actor
from core.db import session
from core.errors import NotFound
from core.paging import Page, keyset
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from mqtt.contract import chain as hashes

MAX_SEAMS = 200


def chain(actor: Actor, device_id: str) -> ChainView:
    """The state of a phone's chain. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    fleet.ref(actor, device_id)
    current = session()
    row = current.get(Chain, device_id)
    waiting = select(func.count()).select_from(WaitingBatch).where(WaitingBatch.device_id == device_id)
    refused = select(func.count()).select_from(RefusedBatch)
    refused = refused.where(RefusedBatch.device_id == device_id, RefusedBatch.state == OPEN)
    seams = select(Seam).where(Seam.device_id == device_id).order_by(Seam.seq, Seam.opened_at).limit(MAX_SEAMS)
    return ChainView(
        through=row.through if row else 0,
        head=(row.head if row else hashes.origin(device_id)).hex(),
        highest_seen=row.highest_seen if row else 0,
        waiting=current.scalar(waiting) or 0,
        refused=current.scalar(refused) or 0,
        seams=[_seam(seam) for seam in current.scalars(seams)],
    )


def _seam(seam: Seam) -> SeamView:
    prev = seam.prev.hex() if seam.prev else None
    missing = seam.seq - seam.missing_from
    return SeamView(seq=seam.seq, prev=prev, missing=missing, cause=seam.cause, opened_at=seam.opened_at)


def metadata(actor: Actor, device_id: str, cursor: str | None, limit: int) -> Page[RecordView]:
    """Records of a phone without their texts, newest first. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    fleet.ref(actor, device_id)
    return _page(device_id, cursor, limit).map(_view)


def opened(actor: Actor, device_id: str, cursor: str | None, limit: int) -> Page[OpenedRecordView]:
    """Records of a phone with their texts, newest first; the reading is audited. Raises NotFound."""
    actor.require(Permission.ARCHIVE_READ)
    fleet.ref(actor, device_id)
    page = _page(device_id, cursor, limit)
    seqs = [row.seq for row in page.items]
    if seqs:
        detail = {"first": min(seqs), "last": max(seqs), "records": len(seqs)}
        audit.record(actor, "records.read", ("device", device_id), detail)
    return page.map(_opened)


def one(actor: Actor, device_id: str, branch: int, seq: int) -> OpenedRecordView:
    """One record with its text; the reading is audited. Raises NotFound."""
    actor.require(Permission.ARCHIVE_READ)
    fleet.ref(actor, device_id)
    row = session().get(StoredRecord, (device_id, branch, seq))
    if row is None:
        raise NotFound("no_such_record", Text("没有这条记录。", "There is no such record."))
    audit.record(actor, "records.read", ("device", device_id), {"first": seq, "last": seq, "records": 1})
    return _opened(row)


def _page(device_id: str, cursor: str | None, limit: int) -> Page[StoredRecord]:
    query = select(StoredRecord).where(StoredRecord.device_id == device_id)
    return keyset(session(), query, [StoredRecord.seq, StoredRecord.branch], cursor, limit, descending=True)


def _opened(row: StoredRecord) -> OpenedRecordView:
    return OpenedRecordView(**dict(_view(row)), text=_text(row))


def _text(row: StoredRecord) -> str | None:
    if row.sealed is None:
        return None
    return texts.shown(ledger.opened(row.device_id, row.branch, row.seq, row.sealed))


def _view(row: StoredRecord) -> RecordView:
    return RecordView(
        seq=row.seq,
        branch=row.branch,
        leaf=row.leaf.hex(),
        size=row.size,
        received_at=row.received_at,
        late=row.late,
        opaque=row.opaque,
        contested=row.contested,
        erased=row.sealed is None,
        at=row.at,
        channel=row.channel,
        kind=row.kind,
        direction=row.direction,
        event_id=row.event_id,
    )
