"""Org tree scoping, in one place: what an actor sees is its own unit and all below.

Outside of it "not there" and "not yours" are the same answer, so rooms put `visible_units` into their queries and
raise the NotFound that they raise for an unknown id.
"""

from __future__ import annotations

from sqlalchemy import Select, false, select

from core.actor import Actor
from core.db import session
from identity.models import ROOT_ID, OrgUnit


def visible_units(actor: Actor) -> Select[tuple[str]]:
    """Ids of the units an actor sees, for `.in_()`."""
    return visible_at(actor.unit_path)


def visible_at(path: str | None) -> Select[tuple[str]]:
    """Ids of the units at or below an id path, for `.in_()`; none for None."""
    units = select(OrgUnit.id)
    return units.where(false()) if path is None else units.where(OrgUnit.path.startswith(path))


def in_scope(actor: Actor, unit_id: str | None) -> bool:
    """Whether the unit is the actor's own or below it."""
    if unit_id is None:
        return False
    return session().scalar(visible_units(actor).where(OrgUnit.id == unit_id)) is not None


def sees_everything(actor: Actor) -> bool:
    """Whether the actor stands at the root of the tree."""
    return actor.unit_path == "/"


def own_unit_id(actor: Actor) -> str:
    """Id of the unit that the actor stands at; the root's for the system and for whoever sees nothing."""
    return (actor.unit_path or "").strip("/").rpartition("/")[2] or ROOT_ID
