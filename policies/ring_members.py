"""Which phones are in which ring: the first whose selector finds them. Once in a ring, a phone stays in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core import clock
from core.bulk import insert_each, texts
from core.db import session
from fleet import groups as fleet_groups
from policies import groups
from policies.language.group_query import read_query
from policies.models import RolloutDevice, RolloutRing
from policies.rings import GROUP, PERCENTAGE, QUERY, share_of
from policies.rollouts import UNCHANGED
from policies.scopes import Place


def chosen(selector: Mapping[str, Any], device_ids: Sequence[str]) -> set[str]:
    """Those of the phones that a ring's selector finds."""
    if PERCENTAGE in selector:
        return {device_id for device_id in device_ids if share_of(device_id) < selector[PERCENTAGE]}
    if GROUP in selector:
        memberships = fleet_groups.of_devices(device_ids)
        return {device_id for device_id, names in memberships.items() if selector[GROUP] in names}
    if QUERY in selector:
        test = read_query(selector[QUERY])
        return {facts["id"] for facts in groups.facts_of(device_ids, grouped=bool(test.groups)) if test(facts)}
    return set(device_ids)


def enter(place: Place, device_ids: Collection[str]) -> None:
    """Put phones into a ring; one that is in a ring of the rollout already stays there."""
    same = {
        "rollout_id": place.rollout_id,
        "ring": place.position,
        "generation": 0,
        "state": UNCHANGED,
        "targeted_at": clock.now(),
    }
    keys = ["rollout_id", "device_id"]
    insert_each(session(), RolloutDevice.__table__, "device_id", sorted(device_ids), same, keys=keys)


def without_ring(rollout_id: str, device_ids: Collection[str]) -> list[str]:
    """Those of the phones that are in no ring of a rollout yet, in key order."""
    named = RolloutDevice.device_id.in_(texts(session(), device_ids))
    known = set(session().scalars(select(RolloutDevice.device_id).where(RolloutDevice.rollout_id == rollout_id, named)))
    return sorted(set(device_ids) - known)


def admit(places: Collection[Place], device_ids: Sequence[str]) -> dict[Place, set[str]]:
    """Phones that come late get what their ring has: they enter the first ring that finds them, if it has begun.

    `places` are the rings that have begun, of all rollouts whose versions are in force in rings. Returns who entered.
    """
    entered: dict[Place, set[str]] = {}
    for rollout_id in sorted({place.rollout_id for place in places}):
        left = without_ring(rollout_id, device_ids)
        query = select(RolloutRing.position, RolloutRing.selector).where(RolloutRing.rollout_id == rollout_id)
        for position, selector in session().execute(query.order_by(RolloutRing.position)).all():
            if not left:
                break
            found, place = chosen(selector, left), Place(rollout_id, position)
            if found and place in places:
                enter(place, found)
                entered[place] = found
            left = [device_id for device_id in left if device_id not in found]
    return entered
