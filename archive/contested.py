"""Refused batches before a compliance officer: accepted as contested, with their defect, or dismissed.

An accepted batch is stored, the chain goes on from what the phone claims, and a seam says where and why. A text that
contradicts a held one is stored beside it on a branch: both stay evidence.
"""

from __future__ import annotations

from sqlalchemy import func, select

from archive import archived, batches, chains, intake, refused, state
from archive.batches import ReadBatch
from archive.ledger import Ledger
from archive.models import CONTESTED, DISMISSED, MAIN, OPEN, RefusedBatch
from archive.scope import visible_devices
from archive.state import CONTEST, ChainState, SeamState
from archive.views import RefusedView
from core import audit, clock, live
from core.actor import Actor
from core.crypto import jose
from core.db import session
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.paging import Page, keyset
from core.permissions import Permission
from core.reasons import clean_reason
from core.runtime import runtime
from core.text import Text
from fleet import queries as fleet
from fleet import timeline

LIVE_TOPIC = "alerts"


def find(actor: Actor, *, device_id: str | None, settled: bool, cursor: str | None, limit: int) -> Page[RefusedView]:
    """Refused batches of phones in the actor's scope, those seen last first; open ones unless `settled`."""
    actor.require(Permission.ARCHIVE_READ)
    query = select(RefusedBatch).where(RefusedBatch.device_id.in_(visible_devices(actor)))
    query = query.where(RefusedBatch.state != OPEN if settled else RefusedBatch.state == OPEN)
    if device_id:
        query = query.where(RefusedBatch.device_id == device_id)
    columns = [RefusedBatch.last_seen_at, RefusedBatch.id]
    return keyset(session(), query, columns, cursor, limit, descending=True).map(_view)


def accept(actor: Actor, refused_id: str, reason: str) -> RefusedView:
    """Store a refused batch as contested; its phone gets a receipt. Raises NotFound, Invalid, Conflict."""
    row = _open(actor, refused_id)
    reason = clean_reason(reason)
    packed = runtime().envelope.open(row.sealed, refused.place(row.device_id, row.id))
    batch = batches.read(jose.unpack(packed))
    chain = chains.lock([row.device_id])[row.device_id]
    if batch.first > chain.through + 1:
        raise Conflict(
            "ahead_of_gap",
            Text(
                f"该批次之前的记录尚未收到（已收至 {chain.through}），请等待设备补传。",
                f"Records before this batch have not come yet (held up to {chain.through}). Wait for the phone.",
            ),
            through=chain.through,
        )
    chains.load_held({row.device_id: chain}, [(row.device_id, batch.first, batch.last)])
    row.branch = _append(chain, batch, row)
    _settle(actor, row, CONTESTED, reason)
    archived.answer([row.device_id])
    intake.resume([row.device_id])
    return _view(row)


def dismiss(actor: Actor, refused_id: str, reason: str) -> RefusedView:
    """Leave a refused batch out for good; it stays where it is, sealed. Raises NotFound, Invalid, Conflict."""
    row = _open(actor, refused_id)
    _settle(actor, row, DISMISSED, clean_reason(reason))
    return _view(row)


def _open(actor: Actor, refused_id: str) -> RefusedBatch:
    actor.require(Permission.ARCHIVE_CONTEST)
    row = session().get(RefusedBatch, refused_id, with_for_update=True, populate_existing=True)
    if row is None or not fleet.in_scope_of(actor, [row.device_id]):
        raise NotFound("no_such_batch", Text("没有这个被拒批次。", "There is no such refused batch."))
    if row.state != OPEN:
        raise Conflict(
            "settled_already",
            Text("该批次已处理。", "This batch was settled already."),
            state=row.state,
        )
    return row


def _append(chain: ChainState, batch: ReadBatch, row: RefusedBatch) -> int | None:
    """Put what is new on the chain and what contradicts on a branch; the branch's number, if there is one."""
    beside = [
        seq
        for seq, leaf, _ in batch.items()
        if seq <= chain.through and (seq not in chain.held or chain.held[seq][0] != leaf)
    ]
    fresh = list(range(max(chain.through + 1, batch.first), batch.last + 1))
    ledger, branch = Ledger(), _next_branch(row.device_id) if beside else None
    if branch is not None:
        ledger.add(row.device_id, batch, beside, row.received_at, late=row.late, branch=branch, contested=row.id)
    ledger.add(row.device_id, batch, fresh, row.received_at, late=row.late, branch=MAIN, contested=row.id)
    _go_on(chain, batch, fresh, row.id)
    chains.save([chain])
    ledger.write()
    return branch


def _go_on(chain: ChainState, batch: ReadBatch, fresh: list[int], ref: str) -> None:
    if not fresh:
        return
    account = batch.head_at(chain.through)
    if account is not None and account != chain.head:
        _seam(chain, chain.through + 1, account, ref)
    state.append(chain, batch, fresh, clock.now())
    if batch.heads[-1] != batch.claimed:
        _seam(chain, batch.last + 1, batch.claimed, ref)


def _seam(chain: ChainState, seq: int, prev: bytes, ref: str) -> None:
    now = clock.now()
    chain.seams.append(SeamState(new_id(), seq, prev, seq, CONTEST, ref, now, now, now, changed=True))
    chain.changed = True


def _next_branch(device_id: str) -> int:
    query = select(func.max(RefusedBatch.branch)).where(RefusedBatch.device_id == device_id)
    return (session().scalar(query) or MAIN) + 1


def _settle(actor: Actor, row: RefusedBatch, outcome: str, reason: str) -> None:
    row.state, row.settled_at, row.settled_by, row.settled_reason = outcome, clock.now(), actor.id, reason
    session().flush()
    detail = {"device": row.device_id, "first": row.first, "last": row.last, "defect": row.reason, "reason": reason}
    audit.record(actor, f"records.{outcome}", ("refused_batch", row.id), detail)
    line = {"first": row.first, "last": row.last, "defect": row.reason}
    timeline.add([timeline.Line(row.device_id, "integrity", f"batch_{outcome}", actor, row.id, line)])
    refused.close_finding(row.device_id)
    live.announce(LIVE_TOPIC, [row.id])


def _view(row: RefusedBatch) -> RefusedView:
    return RefusedView.model_validate(row, from_attributes=True)
