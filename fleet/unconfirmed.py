"""Phones whose holder or serial nobody has vouched for yet: what an administrator looks through after a batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select

from core.actor import Actor
from core.db import session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from fleet.models import Device
from fleet.states import LIVING
from fleet.visibility import in_scope
from identity import queries


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A phone that waits: what it says of itself, and the person that its claim or its token leads to."""

    id: str
    manufacturer: str
    model: str
    serial: str
    imei: list[str]
    org_unit: str
    claimed_employee_no: str | None
    person: queries.PersonRef | None
    holder_confirmed: bool
    serial_confirmed: bool
    older_enrollments: int
    enrolled_at: datetime


def find(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Unconfirmed]:
    """Living phones in scope without a confirmed holder or serial, the newest enrollment first."""
    actor.require(Permission.DEVICE_READ)
    columns = [Device.enrolled_at, Device.id]
    page = keyset(session(), _waiting(select(Device), actor), columns, cursor, limit, descending=True)
    return Page(_views(page.items), page.next_cursor)


def count(actor: Actor) -> int:
    """How many there are."""
    actor.require(Permission.DEVICE_READ)
    return session().scalar(_waiting(select(func.count(Device.id)), actor)) or 0


def _waiting(query: Select[Any], actor: Actor) -> Select[Any]:
    unsure = or_(Device.holder_confirmed.is_(False), Device.serial_confirmed_at.is_(None))
    return query.where(Device.state.in_(LIVING), unsure, in_scope(actor))


def _views(devices: list[Device]) -> list[Unconfirmed]:
    people = queries.person_refs({device.person_id for device in devices if device.person_id})
    units = queries.unit_refs({device.org_unit_id for device in devices})
    living = _living_by_serial([device.serial for device in devices if device.serial])
    return [
        Unconfirmed(
            id=device.id,
            manufacturer=device.manufacturer,
            model=device.model,
            serial=device.serial,
            imei=device.imei,
            org_unit=units[device.org_unit_id].name_path if device.org_unit_id in units else "",
            claimed_employee_no=device.claimed_employee_no,
            person=people.get(device.person_id or ""),
            holder_confirmed=device.holder_confirmed,
            serial_confirmed=device.serial_confirmed_at is not None,
            older_enrollments=max(0, living.get(device.serial, 0) - 1),
            enrolled_at=device.enrolled_at,
        )
        for device in devices
    ]


def _living_by_serial(serials: list[str]) -> dict[str, int]:
    query = select(Device.serial, func.count(Device.id)).where(Device.serial.in_(serials), Device.state.in_(LIVING))
    return {row[0]: row[1] for row in session().execute(query.group_by(Device.serial))}
