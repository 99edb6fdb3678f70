"""Time passing: commands whose lifetime is over, and wipes whose last word is due."""

from __future__ import annotations

from sqlalchemy import select

from core import clock, outbox
from core.db import session
from fleet.commands import last_words, moves
from fleet.commands.checks import FROZEN
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.registry import EFFECT
from fleet.commands.states import UNFINISHED, State, Trigger

CHUNK = 1000


def expire() -> int:
    """End the commands that waited too long. Returns how many."""
    over = Command.expires_at <= clock.now()
    waiting = Command.state.in_((State.QUEUED, State.SENT, State.RECEIVED))
    return len(carry_out([Move(command, Trigger.TIMED_OUT) for command in moves.locked(waiting, over, limit=CHUNK)]))


def mark_overdue() -> int:
    """Make wipes `unconfirmed` whose last word did not come, and keep the undelivered from being silent."""
    due = Command.due_at <= clock.now()
    delivered = moves.locked(Command.state.in_((State.SENT, State.RECEIVED)), due, limit=CHUNK)
    waiting = moves.locked(Command.state == State.QUEUED, due, limit=CHUNK)
    last_words.observe_undelivered(waiting)
    return len(carry_out([Move(command, Trigger.OVERDUE) for command in delivered]))


def retry_held() -> int:
    """Look again at what waits for something that may have passed; the end of a freeze tells by itself."""
    query = select(Command.id).where(
        Command.state.in_(UNFINISHED), Command.held.is_not(None), Command.held != FROZEN, Command.withdrawn.is_(False)
    )
    ids = list(session().scalars(query.order_by(Command.requested_at, Command.id).limit(CHUNK)))
    outbox.enqueue(EFFECT, ids)
    return len(ids)
