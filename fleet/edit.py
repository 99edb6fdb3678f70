"""What an administrator changes about a phone: the org unit that it belongs to and the groups that it is in."""

from __future__ import annotations

from collections.abc import Collection

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
from identity import org

MAX_GROUPS = 50


def move(actor: Actor, device_id: str, org_unit: str) -> None:
    """Put a phone into an org unit (name path or id); it stays there when its holder moves to another.

    Raises NotFound, Invalid for an unknown unit, Conflict for a phone that left the fleet.
    """
    actor.require(Permission.DEVICE_WRITE)
    device = _living(actor, device_id)
    unit = org.place(actor, org_unit)
    if device.org_unit_id == unit.id:
        return
    before, device.org_unit_id, device.unit_from_token = device.org_unit_id, unit.id, True
    session().flush()
    audit.record(actor, "device.move", ("device", device.id), {"from": before, "to": unit.id})
    timeline.add([timeline.Line(device.id, "holder", "unit.changed", actor, unit.id, {"org_unit": unit.name_path})])
    guards.placed(actor, [device.id])
    live.announce("devices", [device.id])
    change = DeviceChange(device.id, "unit", before, unit.id, "", actor.id, actor.name)
    devices_changed.send(None, changes=[change])


def set_groups(actor: Actor, device_id: str, names: Collection[str]) -> None:
    """Make these the phone's groups. Groups that a query fills are left to their query.

    Raises NotFound, Invalid for a group that is not there, Conflict for a phone that left the fleet.
    """
    actor.require(Permission.DEVICE_WRITE)
    device = _living(actor, device_id)
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
    query = select(GroupMember.group_name).where(GroupMember.device_id == device.id)
    held = set(session().scalars(query)) & by_hand
    for name in sorted(held - set(names)):
        groups.leave(device.id, name)
    for name in sorted(set(names) - held):
        groups.join(device.id, name)
    changed = sorted(held ^ set(names))
    if changed:
        joined, left = sorted(set(names) - held), sorted(held - set(names))
        audit.record(actor, "device.groups", ("device", device.id), {"joined": joined, "left": left})
        detail = {"joined": joined, "left": left}
        timeline.add([timeline.Line(device.id, "holder", "groups.changed", actor, detail=detail)])
        guards.placed(actor, [device.id])
        for name in changed:
            groups.tell_changed(actor, [device.id], name)


def choices(actor: Actor) -> list[str]:
    """Names of the groups that a person puts phones into: those without a query."""
    actor.require(Permission.DEVICE_READ)
    return list(session().scalars(select(Group.name).where(Group.query.is_(None)).order_by(Group.name)))


def _living(actor: Actor, device_id: str) -> Device:
    device = locked(actor, device_id)
    if device.state not in LIVING:
        raise Conflict(
            "device_closed",
            Text("设备已停用，不能再修改。", "The phone left the fleet, so nothing of it is changed any more."),
            state=device.state,
        )
    return device
