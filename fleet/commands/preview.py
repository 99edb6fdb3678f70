"""Whom a request would hit, before it is made: how many, where, whom it passes over, and what would refuse it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.actor import Actor
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from core.views import Spoken, View
from fleet import devices
from fleet.commands import approval, caps, guards, request, selection
from fleet.commands.registry import LIVING, Kind, kind_of
from fleet.commands.request import Wish
from fleet.commands.selection import Selector, Target
from fleet.views import DeviceView
from identity import queries

SAMPLE, MOST_UNITS = 20, 50


class Refusal(View):
    """Something that would refuse the request whole: a stable code, a text, and some of the phones that cause it."""

    code: str
    text: Spoken
    devices: list[str]


class Preview(View):
    """Whom a request would hit right now.

    `units` by path of names; `dropped`: phones it passes over, by why; `room`: phones more this hour.
    """

    devices: int
    targets_sha256: str
    sample: list[DeviceView]
    units: dict[str, int]
    dropped: dict[str, int]
    refusals: list[Refusal]
    destructive: bool
    needs_approval: bool
    approvers: int | None
    loses_records: int
    room: int | None


Meant = tuple[list[Target], list[Refusal], dict[str, int]]
"""Whom a request means, what of that refuses it, and how many phones it passes over, by why."""


def command(actor: Actor, selector: Selector, wish: Wish) -> Preview:
    """Preview a command. Raises Forbidden and Invalid as the request would."""
    actor.require(Permission.COMMAND_SEND)
    kind = kind_of(wish.type)
    meant, refusals, dropped = _meant(actor, selector, kind.states)
    destructive = kind.is_destructive(len(meant), settings().bulk_lock_threshold)
    actor.require(kind.permission(destructive))
    return _command(actor, kind, (meant, refusals, dropped), kind.checked_args(wish.args, wish.reason))


def whom(actor: Actor, selector: Selector, type: str) -> Preview:
    """Preview a command whose arguments are still to be filled in. Raises as `command`."""
    actor.require(Permission.COMMAND_SEND)
    kind = kind_of(type)
    found = _meant(actor, selector, kind.states)
    actor.require(kind.permission(kind.is_destructive(len(found[0]), settings().bulk_lock_threshold)))
    return _command(actor, kind, found, {"preserve_records": True})


def _command(actor: Actor, kind: Kind, found: Meant, args: Mapping[str, Any]) -> Preview:
    meant, refusals, dropped = found
    destructive = kind.is_destructive(len(meant), settings().bulk_lock_threshold)
    ids = [target.id for target in meant]
    losing = guards.would_lose_records(ids) if kind.approval and not args.get("preserve_records", True) else set()
    if kind.approval:
        refusals += _approval_refusals(ids, kind, preserve_records=bool(args.get("preserve_records")))
    return _preview(
        actor,
        meant,
        refusals=refusals,
        dropped=dropped,
        destructive=destructive,
        needs_approval=kind.approval,
        approvers=_approvers(actor, meant, losing=bool(losing)) if kind.approval else None,
        losing=len(losing),
        capped=kind.capped,
    )


def revocation(actor: Actor, selector: Selector) -> Preview:
    """Preview a revocation of many phones. Raises Forbidden and Invalid as the request would."""
    actor.require(Permission.DEVICE_REVOKE)
    meant, refusals, dropped = _meant(actor, selector, LIVING)
    return _preview(
        actor,
        meant,
        refusals=refusals,
        dropped=dropped,
        destructive=True,
        needs_approval=len(meant) > 1,
        approvers=_approvers(actor, meant, losing=False) if len(meant) > 1 else None,
        losing=0,
        capped=True,
    )


def _meant(actor: Actor, selector: Selector, states: frozenset[str]) -> Meant:
    matched = selection.matched(actor, selector)
    by_name = selector.by == "devices"
    takes = states if by_name else states & LIVING
    meant = [target for target in matched if target.state in takes]
    others = [target for target in matched if target.state not in takes]
    refusals: list[Refusal] = []
    if by_name:
        known = {target.id for target in matched}
        unknown = sorted(set(selector.devices) - known)
        if unknown:
            text = Text("部分设备不存在。", "Some phones are not there.")
            refusals.append(_refusal("no_such_device", text, unknown))
        if others:
            text = Text("部分设备的状态不接受此操作。", "Some phones are in a state that does not take it.")
            refusals.append(_refusal("device_state", text, [target.id for target in others]))
        return meant, refusals, {}
    return meant, refusals, dict(Counter(f"state_{target.state}" for target in others))


def _approval_refusals(ids: Sequence[str], kind: Kind, *, preserve_records: bool) -> list[Refusal]:
    found: list[Refusal] = []
    under_way = request.under_way(ids, kind)
    if under_way:
        text = Text("部分设备已有未完成的同类命令。", "Some phones have such a command already.")
        found.append(_refusal("command_under_way", text, under_way))
    against = guards.objections(ids, preserve_records=preserve_records)
    if against:
        first = sorted(against)[0]
        found.append(_refusal("wipe_refused", against[first], sorted(against)))
    return found


def _refusal(code: str, text: Text, causes: Sequence[str] = ()) -> Refusal:
    return Refusal(code=code, text=text, devices=list(causes[:SAMPLE]))


def _approvers(actor: Actor, meant: Sequence[Target], *, losing: bool) -> int:
    """How many people besides the actor could be the second person."""
    permissions = [Permission.COMMAND_APPROVE, *([approval.LOSS] if losing else [])]
    unit_id = queries.common_unit({target.org_unit_id for target in meant}) or ""
    return len(set(queries.holders_of(permissions, unit_id)) - {actor.id})


def _preview(
    actor: Actor,
    meant: Sequence[Target],
    *,
    refusals: list[Refusal],
    dropped: dict[str, int],
    destructive: bool,
    needs_approval: bool,
    approvers: int | None,
    losing: int,
    capped: bool,
) -> Preview:
    room = caps.room(actor) if capped else None
    if not meant:
        refusals.append(_refusal("no_devices", selection.none_selected().text))
    if room is not None and len(meant) > room:
        text = Text(f"超过每小时上限，本小时还可处理 {room} 台。", f"Over the cap: {room} more phones this hour.")
        refusals.append(_refusal("cap", text))
    counted = Counter(target.org_unit_id for target in meant)
    units = queries.unit_refs(counted)
    return Preview(
        devices=len(meant),
        targets_sha256=selection.digest(meant),
        sample=_sample(actor, meant),
        units={units[key].name_path: count for key, count in counted.most_common(MOST_UNITS) if key in units},
        dropped=dropped,
        refusals=refusals,
        destructive=destructive,
        needs_approval=needs_approval,
        approvers=approvers,
        loses_records=losing,
        room=room,
    )


def _sample(actor: Actor, meant: Sequence[Target]) -> list[DeviceView]:
    if not actor.may(Permission.DEVICE_READ):
        return []
    shown = devices.views(actor, [target.id for target in meant[:SAMPLE]])
    return sorted(shown, key=lambda view: view.serial)
