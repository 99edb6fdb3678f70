"""Device scopes of versions in force: everywhere, or one ring of a rollout, whose phones stand in its rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select

from core.bulk import texts
from core.db import session
from policies.models import RolloutDevice


class Place(NamedTuple):
    """One ring of one rollout."""

    rollout_id: str
    position: int


def scope_of(place: Place) -> str:
    """The ring as a scope of the table of versions in force."""
    return f"{place.rollout_id}/{place.position}"


def place_of(scope: str) -> Place:
    """The ring that a scope is."""
    rollout_id, _, position = scope.partition("/")
    return Place(rollout_id, int(position))


def places_of(device_ids: Sequence[str], wanted: Collection[Place]) -> dict[str, frozenset[Place]]:
    """For each phone the wanted rings that it is in, in one query; one that is in none is missing."""
    row = RolloutDevice
    query = select(row.device_id, row.rollout_id, row.ring).where(
        row.rollout_id.in_({place.rollout_id for place in wanted}), row.device_id.in_(texts(session(), device_ids))
    )
    found: dict[str, set[Place]] = {}
    for device_id, rollout_id, ring in session().execute(query):
        place = Place(rollout_id, ring)
        if place in wanted:
            found.setdefault(device_id, set()).add(place)
    return {device_id: frozenset(places) for device_id, places in found.items()}
