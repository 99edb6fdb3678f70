"""How far phones are behind their policy: current, or not, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import case, func, select

from core import clock
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from fleet import queries as fleet
from identity.scope import sees_everything, visible_units
from mqtt.contract.names import Outcome
from policies.models import DesiredState, ReportedState

CURRENT, REJECTED, FAILED, NONE = "current", "rejected", "failed", "none"
BEHIND = {"behind_hour": timedelta(hours=1), "behind_day": timedelta(days=1), "behind_week": timedelta(days=7)}
BEHIND_LONG = "behind_long"
ORDER = (CURRENT, *BEHIND, BEHIND_LONG, REJECTED, FAILED, NONE)
"""`behind_hour`: the policy waits for less than an hour to be in force on the phone; `none`: no policy reaches it."""


def counts(actor: Actor) -> Mapping[str, int]:
    """Phones in the fleet that the actor sees, by how they stand to their policy; two queries."""
    actor.require(Permission.DEVICE_READ)
    now, wanted, said = clock.now(), DesiredState, ReportedState
    same = said.generation == wanted.generation
    age = case(
        (same & (said.outcome == str(Outcome.APPLIED)), CURRENT),
        ((same | said.generation.is_(None)) & (said.outcome == str(Outcome.REJECTED)), REJECTED),
        (same & (said.outcome == str(Outcome.FAILED)), FAILED),
        *((wanted.since > now - span, name) for name, span in BEHIND.items()),
        else_=BEHIND_LONG,
    )
    query = select(age, func.count()).select_from(wanted).outerjoin(said, said.device_id == wanted.device_id)
    living = fleet.living_ids().subquery()
    all_living = select(func.count()).select_from(living)
    if sees_everything(actor):
        # Few phones ever left the fleet: to pass over those is less work than to look each of the others up.
        query = query.where(wanted.device_id.not_in(fleet.closed_ids()))
    else:
        mine = living.c.org_unit_id.in_(visible_units(actor))
        query = query.join(living, living.c.id == wanted.device_id).where(mine)
        all_living = all_living.where(mine)
    found = {row[0]: row[1] for row in session().execute(query.group_by(age))}
    found[NONE] = (session().scalar(all_living) or 0) - sum(found.values())
    return {name: found.get(name, 0) for name in ORDER}
