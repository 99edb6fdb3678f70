"""Many phones cut off together: under the caps of an hour, and only those that a preview showed."""

from __future__ import annotations

from sqlalchemy import select

from core import audit
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from core.reasons import clean_reason
from fleet import states
from fleet.chunks import chunks
from fleet.commands import caps, selection
from fleet.commands.registry import LIVING
from fleet.commands.selection import Selector
from fleet.models import Device


def revoke_many(actor: Actor, selector: Selector, reason: str, previewed: str) -> int:
    """Cut phones off for good, all or none; returns how many. `previewed` is the digest that their preview gave.

    Raises NotFound, Invalid without a reason or phones, Conflict when others would be hit by now, when a named one is
    closed, or in a freeze; TooMany over a cap.
    """
    actor.require(Permission.DEVICE_REVOKE)
    reason = clean_reason(reason)
    meant = selection.resolve(actor, selector, LIVING)
    selection.require_previewed(meant, previewed)
    ids = [target.id for target in meant]
    caps.note_revocations(actor, ids)
    detail = {"selector": selector.shown(), "count": len(ids), "reason": reason, "sha256": previewed}
    audit.record(actor, "device.revoke_many", ("device", "many"), detail)
    for some in chunks(ids):
        query = select(Device).where(Device.id.in_(some), Device.state.in_(LIVING)).order_by(Device.id)
        states.close(list(session().scalars(query.with_for_update())), states.RETIRED, reason, actor)
    return len(ids)
