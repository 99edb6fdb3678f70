"""A restored server must not destroy anything that was decided, or undone, after its backup was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import audit, witness
from core.actor import Actor
from fleet.commands import approval, freeze, moves, take_back
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.states import OPEN, Trigger

REASON = "restored from a backup 从备份恢复"


def expire_open_destructive(actor: Actor) -> int:
    """End every open destructive command, approvals included. Returns how many.

    Called at the first start after a restore, before anything is offered. A phone's own word still counts after it.
    """
    open_ones = moves.locked(Command.destructive.is_(True), Command.state.in_(OPEN))
    ended = carry_out([Move(command, Trigger.RESTORED, actor) for command in open_ones])
    approval.withdraw_unneeded(actor, [command.approval_id for command in ended if command.approval_id])
    detail = {"commands": [command.id for command in ended[:100]], "count": len(ended)}
    audit.record(actor, "command.restore_expire", ("command", "destructive"), detail)
    return len(ended)


@witness.after_restore
def start_frozen(actor: Actor) -> Mapping[str, Any]:
    """What a restored server does first: expire what destroys, freeze until a person has looked, empty the queues."""
    count = expire_open_destructive(actor)
    freeze.change(actor, True, REASON)
    return {"commands_expired": count, "frozen": True, "phones_cut": take_back.take_back_everything()}
