"""What the clock does in this room: imports go on, and what is no longer needed is removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select

from core import clock, jobs
from core.db import session
from core.log import get_logger
from core.text import Text
from core.uow import unit_of_work
from imports import acting, uploads
from imports.applying import apply_next
from imports.models import Import, ImportBatch
from imports.reading import read
from imports.states import APPLYING, PREVIEW, READING, WORKING

JOB = "imports"
TURN_S = 10.0
LEASE = timedelta(seconds=20)
"""Two runs at once would do no harm: each batch is locked and noted in one transaction."""
MAX_ATTEMPTS = 3
PREVIEW_STAYS = timedelta(days=1)
ERRORS_STAY = timedelta(days=30)
_STEPS: dict[str, Callable[[str], None]] = {READING: read, APPLYING: apply_next}

log = get_logger(__name__)


def is_wanted() -> bool:
    """Whether an import waits for the worker."""
    with unit_of_work(write=False):
        return session().scalar(select(Import.id).where(Import.state.in_(WORKING)).limit(1)) is not None


@jobs.register(JOB, every=timedelta(seconds=2), wanted=is_wanted, own_units=True, lease=LEASE)
def go_on() -> str:
    """Read and apply for a while, the oldest import first. Every step is a transaction of its own."""
    ends, steps = clock.monotonic() + TURN_S, 0
    while clock.monotonic() < ends and (waiting := _next()) is not None:
        import_id, state = waiting
        try:
            _STEPS[state](import_id)
        except Exception as error:
            log.exception("import_step_failed", import_id=import_id, state=state)
            _note_failure(import_id, error)
        steps += 1
    return f"{steps} steps"


@jobs.register("imports-forget", every=timedelta(minutes=30))
def forget() -> str:
    """Give up previews that nobody confirmed in a day, and drop lines with errors after 30 days."""
    now = clock.now()
    stale = select(Import).where(Import.state == PREVIEW, Import.created_at < now - PREVIEW_STAYS)
    given_up = list(session().scalars(stale.with_for_update()))
    for row in given_up:
        uploads.give_up(acting.ACTOR, row)
    over = select(Import.id).where(Import.finished_at < now - ERRORS_STAY)
    session().execute(delete(ImportBatch).where(ImportBatch.import_id.in_(over)))
    return f"{len(given_up)} given up"


def _next() -> tuple[str, str] | None:
    query = select(Import.id, Import.state).where(Import.state.in_(WORKING)).order_by(Import.created_at, Import.id)
    with unit_of_work(write=False):
        row = session().execute(query.limit(1)).one_or_none()
    return (row.id, row.state) if row else None


def _note_failure(import_id: str, error: Exception) -> None:
    """A step that fails again and again ends its import, so that those behind it have their turn."""
    with unit_of_work():
        row = session().get_one(Import, import_id, with_for_update=True)
        row.attempts += 1
        if row.attempts < MAX_ATTEMPTS:
            return
        text = Text(
            "服务器内部错误，已记录。已完成的批次保留；请联系管理员后重新导入。",
            "An internal error; it is in the log. What was applied stays. Tell your administrator, then import again.",
        )
        acting.fail(import_id, f"internal_{type(error).__name__}"[:64].lower(), text)
