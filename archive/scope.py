"""Which phones' records an actor may look at: those of its own org unit and below."""

from __future__ import annotations

from sqlalchemy import Select, select

from core.actor import Actor
from fleet import queries as fleet
from identity.scope import visible_units


def visible_devices(actor: Actor) -> Select[tuple[str]]:
    """Ids of the phones in the actor's scope, for `.in_()`."""
    devices = fleet.devices().subquery()
    return select(devices.c.id).where(devices.c.org_unit_id.in_(visible_units(actor)))
