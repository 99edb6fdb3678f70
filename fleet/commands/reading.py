"""Commands as people see them, in their scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import NotFound
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from fleet.commands import approval, drops, lookup, sealing
from fleet.commands.models import Command, CommandBatch, CommandStep
from fleet.commands.registry import kind_of
from fleet.commands.states import State
from fleet.commands.views import BatchView, CommandView, Step
from fleet.visibility import visible
from identity import approvals
from identity.approval_views import ApprovalView

MAX_STEPS = 200


def of_device(actor: Actor, device_id: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[CommandView]:
    """A page of a phone's commands, newest first, without outputs. Raises NotFound."""
    actor.require(Permission.COMMAND_READ)
    query = select(Command).where(Command.device_id == visible(actor, device_id).id)
    page = keyset(session(), query, [Command.requested_at, Command.id], cursor, limit, descending=True)
    return page.map(lambda command: view(command, output=False))


def waiting(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[CommandView]:
    """A page of the commands that wait for a second person, newest first."""
    actor.require(Permission.COMMAND_READ)
    query = lookup.in_sight(actor).where(Command.state == State.PENDING_APPROVAL)
    page = keyset(session(), query, [Command.requested_at, Command.id], cursor, limit, descending=True)
    return page.map(lambda command: view(command, output=False))


def get(actor: Actor, some_id: str) -> CommandView | BatchView:
    """One command with its history, or one batch. Raises NotFound.

    An output that is content is for those who send commands or read the archive, and each reading is audited.
    """
    actor.require(Permission.COMMAND_READ)
    found = lookup.commands(actor, some_id)
    if found[0].id != some_id:
        return _batch(actor, some_id)
    command = found[0]
    content = kind_of(command.type).content and command.result is not None
    readable = not content or actor.may(Permission.COMMAND_SEND) or actor.may(Permission.ARCHIVE_READ)
    if content and readable:
        audit.record(actor, "command.read_output", ("command", command.id), {"device": command.device_id})
    return view(command, output=readable, history=_steps(command.id), asked=_approval(command.approval_id))


def _batch(actor: Actor, batch_id: str) -> BatchView:
    batch = session().get_one(CommandBatch, batch_id)
    counted = lookup.in_sight(actor).where(Command.batch_id == batch_id)
    counted = counted.with_only_columns(Command.state, func.count(), maintain_column_froms=True)  # type: ignore[assignment]
    states = Counter({row[0]: row[1] for row in session().execute(counted.group_by(Command.state))})
    approval_id = session().scalar(select(Command.approval_id).where(Command.batch_id == batch_id).limit(1))
    return BatchView(
        id=batch.id,
        type=batch.type,
        selector=batch.selector,
        reason=batch.reason,
        status=_least(states),
        total=batch.total,
        states=dict(states),
        dropped=drops.of_batch(actor, batch_id),
        requested_by=batch.requested_by,
        requested_by_name=batch.requested_by_name,
        requested_at=batch.requested_at,
        approval=_approval(approval_id),
    )


def _least(states: Counter[str]) -> str:
    """The state of the batch: the earliest that any of its commands is in."""
    order = [State.PENDING_APPROVAL, State.QUEUED, State.SENT, State.RECEIVED, State.UNCONFIRMED]
    return str(next((state for state in (*order, *State) if states[state]), State.SUCCEEDED))


def _steps(command_id: str) -> list[Step]:
    query = select(CommandStep).where(CommandStep.command_id == command_id).order_by(CommandStep.id).limit(MAX_STEPS)
    return [
        Step(at=row.at, old=row.old, new=row.new, why=row.why, actor=row.actor_name) for row in session().scalars(query)
    ]


def _approval(approval_id: str | None) -> ApprovalView | None:
    if approval_id is None:
        return None
    try:
        return approvals.get(approval.SIGNER, approval_id)
    except NotFound:
        return None


def view(
    command: Command, *, output: bool, history: Sequence[Step] = (), asked: ApprovalView | None = None
) -> CommandView:
    """The command as it is shown; without `output` the phone's answer says only how it went."""
    result = sealing.open_result(command.id, command.result) if command.result else None
    if result is not None and not output:
        result = {name: value for name, value in result.items() if name != "output"}
    return CommandView(
        id=command.id,
        device_id=command.device_id,
        batch_id=command.batch_id,
        type=command.type,
        args=sealing.open_args(command.id, command.args),
        reason=command.reason,
        destructive=command.destructive,
        origin=command.origin,
        status=command.state,
        since=command.state_since,
        held=command.held,
        requested_by=command.requested_by,
        requested_by_name=command.requested_by_name,
        requested_at=command.requested_at,
        expires_at=command.expires_at,
        due_at=command.due_at,
        alive_until=clock.from_unix(command.last_exp) if command.last_exp else None,
        offers=command.offers,
        sent_at=command.sent_at,
        received_at=command.received_at,
        finished_at=command.finished_at,
        after_cancel=command.after_cancel,
        result=result,
        approval=asked,
        history=list(history),
    )
