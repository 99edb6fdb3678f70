"""Who holds a phone, dated; a claim until a token or an administrator confirms it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import audit, clock, live
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid
from core.ids import new_id
from core.permissions import Permission
from core.text import Text
from fleet import binding, editions, findings, guards, states, timeline
from fleet.enrollment_tokens import find_person
from fleet.events import DeviceChange, devices_changed, notice_named
from fleet.hello import CLONED
from fleet.models import Device, Holding
from fleet.visibility import locked
from identity import queries
from identity.operations import Doing, operation

CONFIRM = "device.confirm"


def begin(device: Device, person_id: str, *, confirmed_by: str | None) -> None:
    """Start a holding now; one that is open must have been ended."""
    now = clock.now()
    session().add(
        Holding(
            id=new_id(),
            device_id=device.id,
            person_id=person_id,
            started_at=now,
            ended_at=None,
            confirmed_at=now if confirmed_by else None,
            confirmed_by=confirmed_by,
        )
    )


def confirm(actor: Actor, device_id: str, person: str | None = None) -> None:
    """An administrator says who holds the phone (by id or employee number; none: whom the phone claims) and that it is
    the phone it says it is, so an older enrollment of the same serial is retired.

    Raises NotFound, Invalid when nobody is named or claimed, Conflict for a closed phone, Waits where the phone moves
    to the person's unit and that loosens what it has.
    """
    actor.require(Permission.DEVICE_WRITE)
    device = locked(actor, device_id)
    if device.state not in states.LIVING:
        raise Conflict(
            "device_closed",
            Text("设备已停用，不能确认使用人。", "The phone is closed, so nobody is confirmed."),
            state=device.state,
        )
    reference = person or device.person_id
    if reference is None:
        raise Invalid(
            "person_needed",
            Text("设备未申报使用人，请指定人员。", "The phone claims no holder. Say which person holds it."),
        )
    holder = find_person(actor, reference)
    # Whoever confirms a phone has looked into it: what was the matter with its identity or its holder is settled.
    findings.observe([findings.Observation(device.id, code, False) for code in (CLONED, findings.HOLDER_INACTIVE)])
    if device.holder_confirmed and device.person_id == holder.id and device.serial_confirmed_at:
        return
    _hand_to(actor, device, holder)
    binding.settle(device)
    retire_older(actor, device, same_holder=False)


@operation(CONFIRM, Permission.DEVICE_WRITE, Permission.DOCUMENT_PUBLISH)
def _confirm_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    confirm(actor, arguments["device"], arguments["person"])
    return {}


def _handing(device: Device, holder: queries.PersonRef, stood: str, before: str | None) -> Doing:
    """A phone that goes to a person and their unit, to be done again."""
    units = queries.unit_refs({stood, device.org_unit_id})
    return Doing(
        CONFIRM,
        {"device": device.id, "person": holder.id},
        {"holder": before, "from": stood, "to": device.org_unit_id},
        f"{units[stood].name_path} → {units[device.org_unit_id].name_path}",
        frozenset(units),
    )


def retire_older(actor: Actor, device: Device, *, same_holder: bool) -> None:
    """Retire earlier enrollments of a confirmed phone's serial.

    The serial is the phone's claim: without an administrator's word, `same_holder`, only those of the same confirmed
    holder go, or anybody with a token could take a colleague's phone out of the fleet.
    """
    query = select(Device).where(
        Device.serial == device.serial,
        Device.id != device.id,
        Device.state.in_(states.LIVING),
        Device.enrolled_at <= device.enrolled_at,
    )
    if same_holder:
        query = query.where(Device.person_id == device.person_id, Device.holder_confirmed)
    older = list(session().scalars(query.order_by(Device.id).with_for_update()))
    states.close(actor, older, states.RETIRED, f"enrolled again as {device.id}")


def holdings(device_id: str) -> list[dict[str, Any]]:
    """Who held a phone, newest first."""
    query = select(Holding).where(Holding.device_id == device_id)
    rows = list(session().scalars(query.order_by(Holding.started_at.desc(), Holding.id).limit(100)))
    people = queries.person_refs({row.person_id for row in rows})
    return [_view(row, people.get(row.person_id)) for row in rows]


def _hand_to(actor: Actor, device: Device, holder: queries.PersonRef) -> None:
    now, stood = clock.now(), device.org_unit_id
    open_one = (
        session()
        .scalars(select(Holding).where(Holding.device_id == device.id, Holding.ended_at.is_(None)))
        .one_or_none()
    )
    before = device.person_id
    if open_one is not None and open_one.person_id != holder.id:
        open_one.ended_at = now
        session().flush()
        open_one = None
    if open_one is None:
        begin(device, holder.id, confirmed_by=actor.id)
    elif open_one.confirmed_at is None:
        open_one.confirmed_at, open_one.confirmed_by = now, actor.id
    if before not in (None, holder.id):
        # Where nobody was known, whoever accepted on the phone is the one who is confirmed now.
        editions.call(device, holder.id)
    device.person_id, device.holder_confirmed, device.serial_confirmed_at = holder.id, True, now
    changes = [DeviceChange(device.id, "holder", before, holder.id, "", actor.id, actor.name)]
    if not device.unit_from_token and device.org_unit_id != holder.unit_id:
        changes.append(DeviceChange(device.id, "unit", device.org_unit_id, holder.unit_id, "", actor.id, actor.name))
        device.org_unit_id = holder.unit_id
    session().flush()
    if device.org_unit_id != stood:
        guards.placed(actor, [device.id], _handing(device, holder, stood, before))
    audit.record(actor, "device.confirm", ("device", device.id), {"person": holder.id, "before": before})
    timeline.add([timeline.Line(device.id, "holder", "holder.confirmed", actor, holder.id, {"before": before})])
    live.announce("devices", [device.id])
    devices_changed.send(None, changes=changes)
    if before not in (None, holder.id):
        notice_named.send(None, device_ids=[device.id])


def _view(row: Holding, person: queries.PersonRef | None) -> dict[str, Any]:
    return {
        "person": row.person_id,
        "name": person.name if person else None,
        "employee_no": person.employee_no if person else None,
        "from": clock.to_wire(row.started_at),
        "to": clock.to_wire(row.ended_at) if row.ended_at else None,
        "confirmed_at": clock.to_wire(row.confirmed_at) if row.confirmed_at else None,
        "confirmed_by": row.confirmed_by,
    }
