"""Phones that dropped out of a request between asking and signing: counted for the request, told to whoever asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from core import audit
from core.actor import Actor, system_actor
from core.db import session
from core.text import Text
from fleet.commands import lookup
from fleet.commands.checks import DROPPED
from fleet.commands.models import Command, CommandStep
from fleet.commands.states import State
from notify import notices
from notify.topics import Severity, register

ACTOR = system_actor("commands")
KIND = register(
    "targets_dropped", Severity.WARNING, Text("部分设备未执行操作", "Some phones dropped out of an operation")
)


def tell(commands: Sequence[Command], why: Mapping[str, str]) -> None:
    """Record and tell, once for each request."""
    requests: dict[str, list[Command]] = defaultdict(list)
    for command in commands:
        requests[command.batch_id or command.id].append(command)
    for request_id, dropped in requests.items():
        first = dropped[0]
        counts = dict(Counter(why[command.id] for command in dropped))
        kind = "command_batch" if first.batch_id else "command"
        detail = {"why": counts, "devices": [command.device_id for command in dropped[:100]]}
        audit.record(ACTOR, "command.dropped", (kind, request_id), detail)
        number = len(dropped)
        text = Text(
            f"{number} 台设备在申请后更换了使用人或移出范围，未执行。",
            f"Not done for {number} phones: since it was asked for, they changed holder or left the scope.",
        )
        notices.send([first.requested_by], KIND, text, ("command", request_id))


def of_batch(actor: Actor, batch_id: str) -> dict[str, int]:
    """How many phones dropped out of a batch, by reason, as far as the actor sees them."""
    mine = lookup.in_sight(actor).where(Command.batch_id == batch_id).with_only_columns(Command.id)
    query = select(CommandStep.why, func.count()).where(
        CommandStep.command_id.in_(mine), CommandStep.new == State.EXPIRED, CommandStep.why.in_(DROPPED)
    )
    return {row[0]: row[1] for row in session().execute(query.group_by(CommandStep.why))}
