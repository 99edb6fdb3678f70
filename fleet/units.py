"""Phones and the org tree: where a phone belongs follows its holder, and a unit stays while phones belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core import clock, live
from core.actor import system_actor
from core.db import session
from core.text import Text
from fleet import findings, timeline
from fleet.chunks import chunks
from fleet.events import DeviceChange, devices_changed
from fleet.models import Device, EnrollmentToken, ExpectedPhone
from fleet.states import LIVING
from identity import queries
from identity.events import people_changed
from identity.guards import before_unit_removal

ACTOR = system_actor("org")


@before_unit_removal
def why_unit_stays(unit_id: str) -> Text | None:
    """The reason for a unit to stay, if this room has one."""
    phone = select(Device.id).where(Device.org_unit_id == unit_id, Device.state.in_(LIVING)).limit(1)
    if session().scalar(phone):
        return Text("请先将该组织的设备移走或停用。", "Move or retire the unit's devices first.")
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
def follow_holders(_sender: Any, person_ids: Sequence[str]) -> None:
    """Phones whose unit came from their holder move along; a holder who left is a finding."""
    for some in chunks(person_ids):
        query = select(Device).where(Device.person_id.in_(some), Device.holder_confirmed, Device.state.in_(LIVING))
        devices = list(session().scalars(query.order_by(Device.id)))
        people = queries.person_refs({device.person_id for device in devices if device.person_id})
        _move([(device, people[device.person_id]) for device in devices if device.person_id in people])


def _move(held: Sequence[tuple[Device, queries.PersonRef]]) -> None:
    changes = []
    for device, holder in held:
        if not device.unit_from_token and device.org_unit_id != holder.unit_id:
            changes.append(
                DeviceChange(device.id, "unit", device.org_unit_id, holder.unit_id, "", ACTOR.id, ACTOR.name)
            )
            device.org_unit_id = holder.unit_id
    session().flush()
    findings.observe(
        [findings.Observation(device.id, findings.HOLDER_INACTIVE, not holder.active) for device, holder in held]
    )
    if changes:
        timeline.add([timeline.Line(one.device_id, "holder", "unit.followed", ACTOR, one.new) for one in changes])
        live.announce("devices", [one.device_id for one in changes])
        devices_changed.send(None, changes=changes)
