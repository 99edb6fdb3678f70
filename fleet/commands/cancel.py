"""Cancelling: what is queued is not signed any more; what is sent dies with the last `exp` that was handed out."""

from __future__ import annotations

from core import audit
from core.actor import Actor
from core.errors import Conflict
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet.commands import approval, lookup
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.states import Trigger, following


def cancel(actor: Actor, command_id: str, reason: str) -> None:
    """Cancel a command, or all of a batch that still can be. Raises NotFound, Invalid, Conflict when nothing can be."""
    actor.require(Permission.COMMAND_SEND)
    reason = clean_reason(reason)
    found = lookup.commands(actor, command_id, lock=True)
    possible = [command for command in found if following(command.state, Trigger.CANCELLED)]
    if not possible:
        raise _too_late(found)
    moved = carry_out([Move(command, Trigger.CANCELLED, actor) for command in possible])
    approval.withdraw_unneeded(actor, [command.approval_id for command in moved if command.approval_id])
    kind = "command" if found[0].id == command_id else "command_batch"
    detail = {"reason": reason, "commands": [command.id for command in moved[:100]], "count": len(moved)}
    audit.record(actor, "command.cancel", (kind, command_id), detail)


def _too_late(found: list[Command]) -> Conflict:
    return Conflict(
        "not_cancellable",
        Text(
            f"命令当前状态为“{found[0].state}”，已不能取消。",
            f"The command is “{found[0].state}” and cannot be cancelled any more.",
        ),
        state=found[0].state,
        audit=True,
    )
