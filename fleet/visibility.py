"""Which phones an actor sees, in one place: those of its own org unit and below."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, true

from core.actor import Actor
from core.db import session
from core.errors import NotFound
from core.text import Text
from fleet.models import Device
from identity.scope import sees_everything, visible_units


def in_scope(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Device` that an actor sees it."""
    return true() if sees_everything(actor) else Device.org_unit_id.in_(visible_units(actor))


def visible(actor: Actor, device_id: str) -> Device:
    """A phone in the actor's scope. Raises NotFound: not there and not yours look alike."""
    device = session().scalars(select(Device).where(Device.id == device_id, in_scope(actor))).one_or_none()
    if device is None:
        raise no_such_device()
    return device


def locked(actor: Actor, device_id: str) -> Device:
    """A phone in the actor's scope, locked until the unit of work ends. Raises NotFound."""
    query = select(Device).where(Device.id == device_id, in_scope(actor)).with_for_update()
    device = session().scalars(query.execution_options(populate_existing=True)).one_or_none()
    if device is None:
        raise no_such_device()
    return device


def no_such_device() -> NotFound:
    """The error for a phone that is not there or not in scope."""
    return NotFound("no_such_device", Text("没有这台设备。", "There is no such phone."))
