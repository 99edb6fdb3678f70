"""What this room does when others tell something: phones that say hello, are lost, found or closed; approvals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from core import outbox
from core.actor import Actor, system_actor
from core.db import session
from fleet import states as device_states
from fleet.commands import approval, moves, offers, request
from fleet.commands.models import Command
from fleet.commands.moves import Move, carry_out
from fleet.commands.registry import EFFECT, all_kinds, approval_kind
from fleet.commands.request import BY_LOSS
from fleet.commands.states import OPEN, State, Trigger
from fleet.events import Closed, DeviceChange, HelloReceived, devices_changed, devices_closed, hello_received
from fleet.models import Device
from identity.approvals import APPROVED
from identity.events import approval_decided, approvals_lapsed
from mqtt.contract.names import CommandType

ACTOR = system_actor("commands")


@hello_received.connect
def offer_again(_sender: object, hellos: Sequence[HelloReceived]) -> None:
    """Every unfinished command is offered at a hello, oldest first."""
    due: dict[datetime | None, list[str]] = defaultdict(list)
    for hello in hellos:
        due[hello.not_before].append(hello.device_id)
    for not_before, device_ids in due.items():
        offers.offer_unfinished(device_ids, not_before)


@devices_changed.connect
def follow_states(_sender: object, changes: Sequence[DeviceChange]) -> None:
    """A lost phone is locked; one that is found again before the lock reached it is not."""
    moved = [change for change in changes if change.what == "state"]
    for change in moved:
        if change.new == device_states.LOST:
            request.lock_lost(_actor_of(change), [change.device_id], change.reason)
    found = [change.device_id for change in moved if change.new == device_states.ACTIVE]
    if found:
        locks = moves.locked(
            Command.device_id.in_(found),
            Command.origin == BY_LOSS,
            Command.state.in_((State.QUEUED, State.SENT)),
        )
        carry_out([Move(command, Trigger.CANCELLED, ACTOR, "found_again") for command in locks])


@devices_closed.connect
def end_open(_sender: object, devices: Sequence[Closed]) -> None:
    """A closed phone gets nothing more, except its wipe while it is merely retired: `device/status` still brings it.

    A phone that lives on under another id keeps no wipe of its old life.
    """
    retired = {closed.device_id for closed in devices if closed.state == device_states.RETIRED}
    wiping = retired - _living_again(retired)
    open_ones = moves.locked(Command.device_id.in_([closed.device_id for closed in devices]), Command.state.in_(OPEN))
    ending = [command for command in open_ones if command.type != CommandType.WIPE or command.device_id not in wiping]
    carry_out([Move(command, Trigger.CLOSED, ACTOR) for command in ending])


@approval_decided.connect
def follow_decision(_sender: object, *, approval_id: str, kind: str, state: str, targets: Sequence[str]) -> None:
    """The second person decided: what was approved is queued and offered, what was denied ends."""
    if kind not in {approval_kind(str(known.type)) for known in all_kinds() if known.approval}:
        return
    waiting = moves.locked(Command.approval_id == approval_id, Command.state == State.PENDING_APPROVAL)
    trigger = Trigger.APPROVED if state == APPROVED else Trigger.DENIED
    actor = approval.decider(approval_id)
    moved = carry_out([Move(command, trigger, actor) for command in waiting])
    if trigger is Trigger.APPROVED:
        moved.sort(key=lambda command: (command.requested_at, command.id))
        outbox.enqueue(EFFECT, [command.id for command in moved])


@approvals_lapsed.connect
def end_lapsed(_sender: object, *, approval_ids: Sequence[str]) -> None:
    """Nobody decided in time, or what was approved was never signed."""
    waiting = moves.locked(
        Command.approval_id.in_(approval_ids), Command.state.in_((State.PENDING_APPROVAL, State.QUEUED))
    )
    carry_out([Move(command, Trigger.LAPSED, ACTOR) for command in waiting])


def _living_again(device_ids: set[str]) -> set[str]:
    """Those of the phones whose serial is in the fleet under a later enrollment."""
    later = aliased(Device)
    query = select(Device.id).join(later, (later.serial == Device.serial) & (later.id != Device.id))
    query = query.where(
        Device.id.in_(device_ids), later.state.in_(device_states.LIVING), later.enrolled_at >= Device.enrolled_at
    )
    return set(session().scalars(query))


def _actor_of(change: DeviceChange) -> Actor:
    """Whoever reported the change, to be named as the one who asked; it needs no right to send commands."""
    kind: Any = "system" if change.actor_id == change.actor_name else "staff"
    return Actor(kind, change.actor_id, change.actor_name)
