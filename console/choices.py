"""What menus of forms and filters offer: units of the tree, groups."""

from __future__ import annotations

from core.actor import Actor
from core.permissions import Permission
from fleet import groups
from identity import org

MOST = 200


def units(actor: Actor) -> list[tuple[str, str]] | None:
    """The units that an actor sees; None where they are too many for a menu or not theirs to see."""
    if not actor.may(Permission.ORG_READ):
        return None
    page = org.find(actor, None, MOST)
    return None if page.next_cursor else [(unit.org_unit, unit.org_unit) for unit in page.items]


def group_names(actor: Actor) -> list[str]:
    """The first groups by name."""
    return [group.name for group in groups.find(actor, None, MOST).items] if actor.may(Permission.GROUP_READ) else []
