"""The device list, which moves by itself."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from console import device_view, frame, labels, language, lists
from core.actor import Actor
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices, groups
from fleet.devices import Filters
from identity import org

LIMIT = lists.LIMIT
CHOICES = 200
FILTERS = ("q", "state", "online", "group", "org_unit")
ONLINE = {"true": True, "false": False}
PRESENCE = {"true": Text("在线", "Online"), "false": Text("离线", "Offline")}

pages = Pages("devices", __name__)


@pages.get("/devices", Permission.DEVICE_READ)
def show_list() -> str:
    """The list, or for htmx the part of it that changes; filters and place stand in the address."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    filters = Filters(
        q=shown.get("q"),
        state=shown.get("state"),
        online=ONLINE.get(shown.get("online", "")),
        group=shown.get("group"),
        org_unit=shown.get("org_unit"),
    )
    page = devices.find(actor, filters, lists.cursor(), LIMIT)
    part = frame.wants_part()
    return render_template(
        "_device_list.html" if part else "devices.html",
        rows=device_view.rows(page.items),
        total=devices.count(actor, filters),
        paging=lists.paging(page, shown, LIMIT),
        shown=shown,
        address=request.full_path.rstrip("?"),
        **({} if part else {"choices": _choices(actor)}),
    )


def _choices(actor: Actor) -> dict[str, Any]:
    """What the filters offer; a tree of more units than fit into a menu is filtered by typing the path."""
    units = org.find(actor, None, CHOICES) if actor.may(Permission.ORG_READ) else None
    names = groups.find(actor, None, CHOICES) if actor.may(Permission.GROUP_READ) else None
    return {
        "states": _said(labels.DEVICE_STATES),
        "online": _said(PRESENCE),
        "units": _same([unit.org_unit for unit in units.items]) if units and not units.next_cursor else None,
        "groups": _same([group.name for group in names.items]) if names else [],
    }


def _said(texts: dict[str, Text]) -> list[tuple[str, str]]:
    return [(code, language.say(text)) for code, text in texts.items()]


def _same(names: list[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]
