"""The second person of a command: asked when it is requested, checked again whenever it is signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core.actor import Actor, system_actor
from core.db import session
from core.errors import Conflict, NotFound
from core.permissions import Permission
from core.text import Text
from fleet.commands import guards, lookup, sealing
from fleet.commands.models import Command
from fleet.commands.registry import Kind, approval_kind
from fleet.commands.selection import Target, holders_of
from fleet.commands.states import State
from identity import approvals, queries

SIGNER = system_actor("commands")
LOSS = Permission.COMMAND_APPROVE_RECORD_LOSS


def ask(
    actor: Actor, kind: Kind, request_id: str, args: Mapping[str, Any], reason: str, targets: Sequence[Target]
) -> str:
    """Ask for a second person; where records would be lost, for a compliance officer. Returns the approval's id."""
    device_ids = [target.id for target in targets]
    losing = _losing(device_ids, args)
    permissions = [Permission.COMMAND_APPROVE, *([LOSS] if losing else [])]
    return approvals.request(
        actor,
        kind=approval_kind(str(kind.type)),
        content=_content(request_id, str(kind.type), args, holders_of(targets)),
        targets=device_ids,
        unit_ids={target.org_unit_id for target in targets},
        reason=reason,
        permissions=permissions,
        summary={
            "command": request_id,
            "type": str(kind.type),
            "args": dict(args),
            "devices": len(device_ids),
            "units": by_unit(targets),
            "loses_records": len(losing),
        },
    )


def approve(actor: Actor, command_id: str, reason: str) -> None:
    """The second person lets a command, or its whole batch, happen. Raises NotFound, Forbidden, Conflict."""
    command = _awaiting(actor, command_id)
    args = sealing.open_args(command.id, command.args)
    also = [LOSS] if _losing(list(_holders_when_asked(command)), args) else []
    approvals.approve(actor, command.approval_id or "", reason, also)


def deny(actor: Actor, command_id: str, reason: str) -> None:
    """The second person refuses a command, or its whole batch. Raises NotFound, Forbidden, Conflict."""
    approvals.deny(actor, _awaiting(actor, command_id).approval_id or "", reason)


def withdraw_unneeded(actor: Actor, approval_ids: Sequence[str]) -> None:
    """Take back requests none of whose commands wants it any more."""
    for approval_id in sorted(set(approval_ids)):
        waiting = select(Command.id).where(
            Command.approval_id == approval_id, Command.state.in_((State.PENDING_APPROVAL, State.QUEUED))
        )
        if session().scalar(waiting.limit(1)) is None:
            approvals.withdraw(actor, approval_id)


class Checker:
    """Re-checks approvals for one round of signing; what is true of a batch is asked once."""

    def __init__(self, *, may_spend: bool) -> None:
        self._may_spend = may_spend
        self._known: dict[str, bool] = {}

    def holds(self, command: Command, args: Mapping[str, Any]) -> bool:
        """Whether the command's approval was given for exactly this; the first time spends it."""
        request_id = command.batch_id or command.id
        if request_id not in self._known:
            self._known[request_id] = command.approval_id is not None and self._check(command, request_id, args)
        return self._known[request_id]

    def _check(self, command: Command, request_id: str, args: Mapping[str, Any]) -> bool:
        approval_id, kind = command.approval_id or "", approval_kind(command.type)
        content = _content(request_id, command.type, args, _holders_when_asked(command))
        if approvals.still_holds(approval_id, kind=kind, content=content, used_for=request_id):
            return True
        if not self._may_spend:
            return False
        try:
            approvals.consume(SIGNER, approval_id, kind=kind, content=content, used_for=request_id)
        except Conflict:
            return False
        return True


def decider(approval_id: str) -> Actor | None:
    """The second person, to be named in a history."""
    person_id = approvals.get(SIGNER, approval_id).decided_by or ""
    person = queries.person_refs([person_id]).get(person_id)
    return Actor("staff", person.id, person.name) if person else None


def approver_of(command: Command) -> str | None:
    """Who approved the command's request, if anybody had to and did."""
    if command.approval_id is None:
        return None
    try:
        return approvals.get(SIGNER, command.approval_id).decided_by
    except NotFound:
        return None


def may_lose_records(command: Command, unit_id: str) -> bool:
    """Whether whoever approved the command may let records be lost for a phone of that unit."""
    approver = approver_of(command)
    return approver is not None and approver in queries.holders_of([LOSS], unit_id)


def _losing(device_ids: Sequence[str], args: Mapping[str, Any]) -> set[str]:
    return set() if args.get("preserve_records", True) else guards.would_lose_records(device_ids)


def _content(request_id: str, command_type: str, args: Mapping[str, Any], holders: Mapping[str, str]) -> dict[str, Any]:
    return {"request": request_id, "type": command_type, "args": dict(args), "devices": dict(holders)}


def by_unit(targets: Sequence[Target]) -> dict[str, int]:
    """How many phones of each org unit, by its path of names: approvers see whom it hits."""
    counted = Counter(target.org_unit_id for target in targets)
    units = queries.unit_refs(counted)
    return {units[unit_id].name_path: count for unit_id, count in counted.most_common(20) if unit_id in units}


def _holders_when_asked(command: Command) -> dict[str, str]:
    """The phones of the command's whole request, with who held each when it was asked for."""
    if command.batch_id is None:
        return {command.device_id: command.holder_id or ""}
    query = select(Command.device_id, Command.holder_id).where(Command.batch_id == command.batch_id)
    return {row.device_id: row.holder_id or "" for row in session().execute(query)}


def _awaiting(actor: Actor, command_id: str) -> Command:
    # Locked ahead of the approval, in the order in which signing and cancelling take the two.
    command = lookup.commands(actor, command_id, lock=True)[0]
    if command.approval_id is None:
        raise Conflict("no_approval_needed", Text("该命令不需要审批。", "This command needs no approval."), audit=True)
    return command
