"""What an administrator changes about a phone: the org unit that it belongs to and the groups that it is in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from core import audit, live
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid
from core.permissions import Permission
from core.text import Text
from fleet import groups, guards, timeline
from fleet.events import DeviceChange, devices_changed
from fleet.models import Device, Group, GroupMember
from fleet.states import LIVING
from fleet.visibility import locked
from identity import org, queries
from identity.operations import Doing, operation

MAX_GROUPS = 50
PLACE = "device.place"


def place(
    actor: Actor, device_id: str, *, org_unit: str | None = None, in_groups: Collection[str] | None = None
) -> None:
    """Put a phone into an org unit (name path or id), where it stays when its holder moves, and into these groups.

    None leaves either as it is, and groups that a query fills are left to their query. Raises NotFound, Invalid for an
    unknown unit or group, Conflict for a phone that left the fleet, Waits where that loosens what the phone has.
    """
    actor.require(Permission.DEVICE_WRITE)
    device = _living(actor, device_id)
    doing = _placing(actor, device, org_unit, in_groups)
    moved = None if org_unit is None else _move(actor, device, org_unit)
    changed = [] if in_groups is None else _regroup(actor, device, in_groups)
    if moved is None and not changed:
        return
    guards.placed(actor, [device.id], doing)
    if moved is not None:
        live.announce("devices", [device.id])
        devices_changed.send(None, changes=[moved])
    for name in changed:
        groups.tell_changed(actor, [device.id], name)


def choices(actor: Actor) -> list[str]:
    """Names of the groups that a person puts phones into: those without a query."""
    actor.require(Permission.DEVICE_READ)
    return list(session().scalars(select(Group.name).where(Group.query.is_(None)).order_by(Group.name)))


@operation(PLACE, Permission.DEVICE_WRITE, Permission.DOCUMENT_PUBLISH)
def _place_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    place(actor, arguments["device"], org_unit=arguments["org_unit"], in_groups=arguments["groups"])
    return {}


def _placing(actor: Actor, device: Device, org_unit: str | None, in_groups: Collection[str] | None) -> Doing:
    """The change of a phone's places, to be done again; called before any of it is written."""
    unit_id = None if org_unit is None else org.resolve(actor, org_unit).id
    units = queries.unit_refs({device.org_unit_id, unit_id or device.org_unit_id})
    held = sorted(_held(device) & set(choices(actor)))
    places = [] if unit_id is None else [f"{units[one].name_path}" for one in (device.org_unit_id, unit_id)]
    named = [] if in_groups is None else [", ".join(held) or "–", ", ".join(sorted(in_groups)) or "–"]
    return Doing(
        PLACE,
        {"device": device.id, "org_unit": unit_id, "groups": None if in_groups is None else sorted(in_groups)},
        {"org_unit": device.org_unit_id, "groups": held},
        "; ".join(" → ".join(pair) for pair in (places, named) if pair)[:500],
        frozenset(units),
    )


def _move(actor: Actor, device: Device, org_unit: str) -> DeviceChange | None:
    unit = org.place(actor, org_unit)
    if device.org_unit_id == unit.id:
        return None
    before, device.org_unit_id, device.unit_from_token = device.org_unit_id, unit.id, True
    session().flush()
    audit.record(actor, "device.move", ("device", device.id), {"from": before, "to": unit.id})
    timeline.add([timeline.Line(device.id, "holder", "unit.changed", actor, unit.id, {"org_unit": unit.name_path})])
    return DeviceChange(device.id, "unit", before, unit.id, "", actor.id, actor.name)


def _regroup(actor: Actor, device: Device, names: Collection[str]) -> list[str]:
    """Make these the phone's groups of those that people fill; returns the names of what changed."""
    by_hand = set(choices(actor))
    unknown = sorted(set(names) - by_hand)
    if unknown or len(names) > MAX_GROUPS:
        raise Invalid(
            "unknown_group",
            Text(
                f"不能加入分组“{(unknown or ['…'])[0][:63]}”：没有该分组，或它由查询条件决定。",
                f"“{(unknown or ['…'])[0][:63]}” cannot be joined: there is no such group, or a query fills it.",
            ),
            groups=unknown[:20],
        )
    held = _held(device) & by_hand
    joined, left = sorted(set(names) - held), sorted(held - set(names))
    for name in left:
        groups.leave(device.id, name)
    for name in joined:
        groups.join(device.id, name)
    if joined or left:
        detail = {"joined": joined, "left": left}
        audit.record(actor, "device.groups", ("device", device.id), detail)
        timeline.add([timeline.Line(device.id, "holder", "groups.changed", actor, detail=detail)])
    return sorted([*joined, *left])


def _held(device: Device) -> set[str]:
    return set(session().scalars(select(GroupMember.group_name).where(GroupMember.device_id == device.id)))


def _living(actor: Actor, device_id: str) -> Device:
    device = locked(actor, device_id)
    if device.state not in LIVING:
        raise Conflict(
            "device_closed",
            Text("设备已停用，不能再修改。", "The phone left the fleet, so nothing of it is changed any more."),
            state=device.state,
        )
    return device
