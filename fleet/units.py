"""Phones and the org tree: where a phone belongs follows its holder, and a unit stays while phones belong to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from core import clock, live
from core.actor import Actor, system_actor
from core.db import session
from core.permissions import Permission
from core.text import Text
from fleet import findings, guards, timeline
from fleet.chunks import chunks
from fleet.events import DeviceChange, devices_changed
from fleet.models import Device, EnrollmentToken, ExpectedPhone
from fleet.states import LIVING
from identity import queries
from identity.events import people_changed
from identity.guards import before_unit_removal
from identity.operations import Doing, operation

ACTOR = system_actor("org")
FOLLOW = "device.follow"
Held = Sequence[tuple[Device, queries.PersonRef]]


@before_unit_removal
def why_unit_stays(unit_id: str) -> Text | None:
    """The reason for a unit to stay, if this room has one."""
    phone = select(Device.id).where(Device.org_unit_id == unit_id, Device.state.in_(LIVING)).limit(1)
    if session().scalar(phone):
        return Text("请先将该组织的设备移走或停用。", "Move or retire the unit's phones first.")
    token = select(EnrollmentToken.id).where(
        EnrollmentToken.org_unit_id == unit_id,
        EnrollmentToken.revoked_at.is_(None),
        EnrollmentToken.expires_at > clock.now(),
        EnrollmentToken.used < EnrollmentToken.max_uses,
    )
    if session().scalar(token.limit(1)):
        return Text("请先吊销该组织的注册令牌。", "Revoke the unit's enrollment tokens first.")
    awaited = select(ExpectedPhone.id).where(ExpectedPhone.org_unit_id == unit_id, ExpectedPhone.arrived_at.is_(None))
    if session().scalar(awaited.limit(1)):
        return Text("请先删除分配到该组织的待到设备。", "Remove the expected phones that are announced for it first.")
    return None


@people_changed.connect
def follow_holders(_sender: Any, person_ids: Sequence[str], actor: Actor) -> None:
    """Phones whose unit came from their holder move along; a holder who left is a finding.

    A person moves at once, whatever that means for phones: those whose policy it would loosen stay where they are until
    a second person lets them follow.
    """
    for some in chunks(person_ids):
        held = _held(Device.person_id.in_(some))
        session().flush()
        findings.observe(
            [findings.Observation(device.id, findings.HOLDER_INACTIVE, not holder.active) for device, holder in held]
        )
        _follow(actor, held)


@operation(FOLLOW, Permission.STAFF_WRITE)
def _follow_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    for some in chunks(arguments["devices"]):
        _follow(actor, _held(Device.id.in_(some)))
    return {}


def _held(which: ColumnElement[bool]) -> Held:
    """Phones in the fleet with a confirmed holder, each with that person."""
    query = select(Device).where(which, Device.holder_confirmed, Device.state.in_(LIVING))
    devices = list(session().scalars(query.order_by(Device.id)))
    people = queries.person_refs({device.person_id for device in devices if device.person_id})
    return [(device, people[device.person_id]) for device in devices if device.person_id in people]


def _follow(actor: Actor, held: Held) -> None:
    moving = {
        device.id: (device, holder.unit_id)
        for device, holder in held
        if not device.unit_from_token and device.org_unit_id != holder.unit_id
    }
    if not moving:
        return
    before = {device_id: device.org_unit_id for device_id, (device, _) in moving.items()}
    for device, unit_id in moving.values():
        device.org_unit_id = unit_id
    session().flush()
    stay = guards.followed(actor, list(moving), lambda some: _following(before, moving, some))
    for device_id in stay:
        moving[device_id][0].org_unit_id = before[device_id]
    session().flush()
    changes = [
        DeviceChange(one, "unit", before[one], unit_id, "", ACTOR.id, ACTOR.name)
        for one, (_, unit_id) in moving.items()
        if one not in stay
    ]
    if changes:
        timeline.add([timeline.Line(one.device_id, "holder", "unit.followed", ACTOR, one.new) for one in changes])
        live.announce("devices", [one.device_id for one in changes])
        devices_changed.send(None, changes=changes)


def _following(before: Mapping[str, str], moving: Mapping[str, tuple[Device, str]], some: Collection[str]) -> Doing:
    """Phones that follow their holders, to be done again."""
    chosen = sorted(some)
    rests = {one: [moving[one][0].person_id, before[one], moving[one][1]] for one in chosen}
    units = queries.unit_refs({unit_id for _, *both in rests.values() for unit_id in both if unit_id})
    ways = sorted({f"{units[was].name_path} → {units[to].name_path}" for _, was, to in rests.values() if was and to})
    return Doing(FOLLOW, {"devices": chosen}, rests, "; ".join(ways)[:500], frozenset(units))
