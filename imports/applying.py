"""The second half of an import: its batches are applied, each in one transaction with the note that it was.

Whatever ends the worker between two batches, the next run goes on with the first that is not noted; no row comes twice.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from core import audit, clock, live
from core.db import session
from core.errors import Forbidden
from core.uow import unit_of_work
from core.verdicts import CHANGE, CREATE, ERROR
from imports import acting, entries, registry
from imports.entries import Entry
from imports.models import Import, ImportBatch
from imports.states import APPLYING, DONE
from imports.uploads import TOPIC


def apply_next(import_id: str) -> None:
    """Apply the next batch of an import, or finish it."""
    with unit_of_work():
        row = session().get_one(Import, import_id, with_for_update=True)
        if row.state != APPLYING or row.confirmed_by is None:
            return
        waiting = select(ImportBatch).where(ImportBatch.import_id == import_id, ImportBatch.applied_at.is_(None))
        batch = session().scalars(waiting.order_by(ImportBatch.number).limit(1)).one_or_none()
        try:
            if batch is None:
                _finish(row)
            else:
                _apply(row, batch, row.confirmed_by)
        except Forbidden as error:
            acting.fail(import_id, error.code, error.text)
        live.announce(TOPIC, [import_id])


def _apply(row: Import, batch: ImportBatch, who: str) -> None:
    kind = registry.kind_of(row.kind)
    actor = acting.actor(who, kind)
    batch_entries = entries.unseal(row.id, batch.number, batch.sealed)
    wanted = [entry for entry in batch_entries if entry.outcome in (CREATE, CHANGE)]
    for entry, verdict in zip(wanted, kind.take(actor, entries.values(wanted)) if wanted else (), strict=True):
        entry.judge(verdict, row.layout["places"])
    _note(row, batch, batch_entries)


def _note(row: Import, batch: ImportBatch, batch_entries: list[Entry]) -> None:
    """The batch is applied; of its lines only those with errors are kept, for whoever corrects them."""
    outcomes = entries.count(batch_entries)
    batch.outcomes, batch.applied_at = outcomes, clock.now()
    batch.sealed = entries.seal(row.id, batch.number, [entry for entry in batch_entries if entry.outcome == ERROR])
    row.done = dict(Counter(row.done) + Counter(outcomes))
    row.applied += batch.rows
    row.attempts = 0


def _finish(row: Import) -> None:
    row.state, row.finished_at = DONE, clock.now()
    audit.record(acting.ACTOR, "import.finish", ("import", row.id), {"kind": row.kind, "done": dict(row.done)})
