"""After the database was restored: phones that were revoked since stay revoked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core import clock, witness
from core.actor import Actor
from core.db import session
from fleet import certificates, states
from fleet.certificates import Serial
from fleet.models import Device


@witness.after_restore
def revoke_again(actor: Actor) -> Mapping[str, Any]:
    """Close again what the witness file says was closed, and revoke the serials that the database no longer knows."""
    lines = witness.lines(states.CLOSED_LINE)
    serials = [Serial(serial, clock.from_wire(ends)) for line in lines for serial, ends in line["serials"]]
    certificates.revoke_orphans([one for one in serials if one.expires_at > clock.now()])
    closed = 0
    for line in lines:
        query = select(Device).where(Device.id == line["device"], Device.state.in_(states.LIVING)).with_for_update()
        device = session().scalars(query).one_or_none()
        if device is not None:
            states.close(actor, [device], line["state"], line["reason"])
            closed += 1
    return {"devices_closed_again": closed, "serials_revoked_again": len(serials)}
