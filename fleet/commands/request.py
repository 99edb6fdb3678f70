"""Asking for a command: one phone or many, checked whole, written before anything is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core import audit, clock, live, outbox
from core.actor import Actor
from core.db import insert_rows, session
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.permissions import Permission
from core.reasons import MAX_REASON, clean_reason
from core.runtime import settings
from core.text import Text
from fleet import timeline
from fleet.commands import approval, caps, guards, sealing, selection
from fleet.commands.models import Command, CommandBatch, CommandStep
from fleet.commands.registry import EFFECT, Kind, kind_of
from fleet.commands.selection import Selector, Target
from fleet.commands.states import OPEN, State
from fleet.commands.views import Requested

BY_REQUEST, BY_LOSS = "request", "lost"
MIN_LIFETIME_S, MAX_LIFETIME_S = 60, 90 * 86400


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks a phone to do. `expires_in`: seconds that it may wait for its phone (None: the kind's own)."""

    type: str
    args: Mapping[str, Any]
    reason: str = ""
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    """A request that passed all checks."""

    kind: Kind
    args: dict[str, Any]
    reason: str
    destructive: bool
    lifetime: timedelta | None
    origin: str = BY_REQUEST


def send(actor: Actor, device_id: str, wish: Wish) -> Requested:
    """Ask one phone.

    Raises Forbidden, NotFound, Invalid for type, args or a missing reason, Conflict for the phone's state, an open wipe
    or a guard's objection, TooMany over a cap.
    """
    actor.require(Permission.COMMAND_SEND)
    kind = kind_of(wish.type)
    return _issue(actor, _checked(actor, kind, wish, 1), selection.one(actor, device_id, kind.states), None)


def send_many(actor: Actor, selector: Selector, wish: Wish, previewed: str | None = None) -> Requested:
    """Ask many phones in one request, which is taken or refused whole; what may stop a business has a reason.

    `previewed` is the digest of a preview: Conflict when it would hit others by now. Else raises as `send`.
    """
    actor.require(Permission.COMMAND_SEND)
    kind = kind_of(wish.type)
    if kind.needs_reason_in_bulk:
        clean_reason(wish.reason)
    targets = selection.resolve(actor, selector, kind.states)
    selection.require_previewed(targets, previewed)
    return _issue(actor, _checked(actor, kind, wish, len(targets)), targets, selector)


def lock_lost(actor: Actor, device_ids: Sequence[str], reason: str) -> None:
    """The lock that follows when phones are reported lost; who reports them needs no right to send commands."""
    kind = kind_of("lock")
    order = _Order(kind, kind.checked_args({}, ""), reason, False, kind.lifetime, BY_LOSS)
    for target in selection.living(device_ids):
        _issue(actor, order, [target], None)


def by_rule(actor: Actor, origin: str, wishes: Mapping[str, Wish]) -> None:
    """Commands of one type that a rule of the server asks for, by device id, all at once.

    Phones that left the fleet are passed over. Raises ValueError for a kind that needs approval: no rule asks for it.
    """
    targets = selection.living(list(wishes))
    if not targets:
        return
    kind = kind_of(next(iter(wishes.values())).type)
    if kind.approval:
        raise ValueError(f"{kind.type} is never asked for by a rule")
    now = clock.now()
    orders = {one.id: replace(_checked(actor, kind, wishes[one.id], len(targets)), origin=origin) for one in targets}
    rows = [_row(actor, orders[target.id], target, None, now) for target in targets]
    insert_rows(session(), Command.__table__, rows)
    _tell(actor, orders[targets[0].id], rows, now)
    for target, row in zip(targets, rows, strict=True):
        audit.record(actor, "command.request", ("command", row["id"]), _detail(orders[target.id], [target], None))
    outbox.enqueue(EFFECT, [row["id"] for row in rows])


def count_of(origin: str, type: str, since: datetime) -> int:
    """How many commands of a type a rule asked for since then."""
    query = select(func.count()).select_from(Command)
    query = query.where(Command.type == type, Command.requested_at > since, Command.origin == origin)
    return session().scalar(query) or 0


def _checked(actor: Actor, kind: Kind, wish: Wish, phones: int) -> _Order:
    destructive = kind.is_destructive(phones, settings().bulk_lock_threshold)
    actor.require(kind.permission(destructive))
    reason = clean_reason(wish.reason) if destructive else _optional(wish.reason)
    return _Order(kind, kind.checked_args(wish.args, reason), reason, destructive, _lifetime(kind, wish.expires_in))


def _optional(reason: str) -> str:
    return clean_reason(reason) if reason.strip() else ""


def _lifetime(kind: Kind, expires_in: int | None) -> timedelta | None:
    if expires_in is None or kind.lifetime is None:
        return kind.lifetime
    if not MIN_LIFETIME_S <= expires_in <= MAX_LIFETIME_S:
        raise Invalid(
            "bad_lifetime",
            Text(
                f"expires_in 应为 {MIN_LIFETIME_S} 到 {MAX_LIFETIME_S} 秒。",
                f"expires_in is {MIN_LIFETIME_S} to {MAX_LIFETIME_S} seconds.",
            ),
        )
    return timedelta(seconds=expires_in)


def _issue(actor: Actor, order: _Order, targets: Sequence[Target], selector: Selector | None) -> Requested:
    caps.require_room(actor, order.kind, len(targets))
    _require_possible(order, [target.id for target in targets])
    now = clock.now()
    batch_id = _keep_batch(actor, order, selector, len(targets), now) if selector else None
    rows = [_row(actor, order, target, batch_id, now) for target in targets]
    request_id = batch_id or str(rows[0]["id"])
    approval_id = None
    if order.kind.approval:
        approval_id = approval.ask(actor, order.kind, request_id, order.args, order.reason, targets)
    for row in rows:
        row["approval_id"] = approval_id
    insert_rows(session(), Command.__table__, rows)
    _tell(actor, order, rows, now)
    target = ("command_batch", batch_id) if batch_id else ("command", request_id)
    audit.record(actor, "command.request", target, _detail(order, targets, selector))
    if approval_id is None:
        outbox.enqueue(EFFECT, [row["id"] for row in rows])
    return Requested(id=request_id, status=rows[0]["state"], devices=len(rows), approval_id=approval_id)


def _require_possible(order: _Order, device_ids: Sequence[str]) -> None:
    """One command that needs approval at a time for each phone, and no guard against it. Raises Conflict."""
    if not order.kind.approval:
        return
    busy = under_way(device_ids, order.kind)
    if busy:
        raise Conflict(
            "command_under_way",
            Text(
                "该设备已有未完成的同类命令，请先取消它。", "The phone has such a command already. Cancel that first."
            ),
            devices=busy[:20],
            audit=True,
        )
    against = guards.objections(device_ids, preserve_records=bool(order.args.get("preserve_records")))
    if against:
        first = sorted(against)[0]
        raise Conflict("wipe_refused", against[first], devices=sorted(against)[:20], audit=True)


def under_way(device_ids: Sequence[str], kind: Kind) -> list[str]:
    """Those of the phones that have an open command of that kind, sorted."""
    same = select(Command.device_id).where(
        Command.device_id.in_(device_ids),
        Command.type == str(kind.type),
        Command.state.in_(OPEN),
        Command.withdrawn.is_(False),
    )
    return sorted(session().scalars(same))


def _keep_batch(actor: Actor, order: _Order, selector: Selector, total: int, now: datetime) -> str:
    batch = CommandBatch(
        id=new_id(),
        type=str(order.kind.type),
        selector=selector.shown(),
        reason=order.reason,
        requested_by=actor.id,
        requested_by_name=actor.name,
        requested_at=now,
        total=total,
    )
    session().add(batch)
    session().flush()
    return batch.id


def _row(actor: Actor, order: _Order, target: Target, batch_id: str | None, now: datetime) -> dict[str, Any]:
    command_id, kind = new_id(), order.kind
    grace = kind.grace(order.args) + settings().unconfirmed_after if kind.grace else None
    return {
        "id": command_id,
        "device_id": target.id,
        "batch_id": batch_id,
        "type": str(kind.type),
        "args": sealing.seal_args(command_id, order.args),
        "destructive": order.destructive,
        "holder_id": target.holder_id,
        "origin": order.origin,
        "reason": order.reason[:MAX_REASON],
        "requested_by": actor.id,
        "requested_by_name": actor.name,
        "requested_at": now,
        "state": str(State.PENDING_APPROVAL if kind.approval else State.QUEUED),
        "state_since": now,
        "expires_at": now + order.lifetime if order.lifetime else None,
        "grace_s": grace,
    }


def _tell(actor: Actor, order: _Order, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    steps = [
        {
            "command_id": row["id"],
            "at": now,
            "old": None,
            "new": row["state"],
            "why": "requested" if order.origin == BY_REQUEST else order.origin,
            "actor_id": actor.id,
            "actor_name": actor.name,
        }
        for row in rows
    ]
    insert_rows(session(), CommandStep.__table__, steps)
    timeline.add(
        [
            timeline.Line(
                row["device_id"],
                "command",
                f"command.{row['state']}",
                actor,
                row["id"],
                {"type": row["type"], "reason": row["reason"]},
            )
            for row in rows
        ]
    )
    live.announce("commands", [row["id"] for row in rows])
    live.announce("devices", [row["device_id"] for row in rows])


def _detail(order: _Order, targets: Sequence[Target], selector: Selector | None) -> dict[str, Any]:
    """For the audit log: args without texts for people."""
    plain = {name: value for name, value in order.args.items() if not isinstance(value, str) or name == "scope"}
    detail: dict[str, Any] = {
        "type": str(order.kind.type),
        "reason": order.reason,
        "args": plain,
        "destructive": order.destructive,
        "origin": order.origin,
        "devices": [target.id for target in targets[:100]],
        "count": len(targets),
    }
    return {**detail, "selector": selector.shown()} if selector else detail
