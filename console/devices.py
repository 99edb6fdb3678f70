"""The device list, which moves by itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import render_template, request, url_for

from console import device_view, frame, labels
from core.actor import Actor
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from fleet import devices, groups
from fleet.devices import Filters
from identity import org

LIMIT = 50
CHOICES = 200
FILTERS = ("q", "state", "online", "group", "org_unit")
ONLINE = {"true": True, "false": False}

pages = Pages("devices", __name__)


@pages.get("/devices", Permission.DEVICE_READ)
def show_list() -> str:
    """The list, or for htmx the part of it that changes; filters and place stand in the address."""
    actor, shown = current_actor(), _shown()
    filters = Filters(
        q=shown.get("q"),
        state=shown.get("state"),
        online=ONLINE.get(shown.get("online", "")),
        group=shown.get("group"),
        org_unit=shown.get("org_unit"),
    )
    page = devices.find(actor, filters, request.args.get("cursor") or None, LIMIT)
    part = frame.wants_part()
    return render_template(
        "_device_list.html" if part else "devices.html",
        rows=device_view.rows(page.items),
        total=devices.count(actor, filters),
        limit=LIMIT,
        shown=shown,
        address=request.full_path.rstrip("?"),
        first=_address(shown) if request.args.get("cursor") else None,
        following=_address({**shown, "cursor": page.next_cursor}) if page.next_cursor else None,
        **({} if part else _choices(actor)),
    )


def _shown() -> dict[str, str]:
    return {name: request.args[name] for name in FILTERS if request.args.get(name, "").strip()}


def _address(parameters: dict[str, str]) -> str:
    return f"{url_for('page_devices.show_list')}?{urlencode(parameters)}"


def _choices(actor: Actor) -> dict[str, Any]:
    """What the filters offer; a tree of more units than fit into a menu is filtered by typing the path."""
    units = org.find(actor, None, CHOICES) if actor.may(Permission.ORG_READ) else None
    names = groups.find(actor, None, CHOICES) if actor.may(Permission.GROUP_READ) else None
    return {
        "states": labels.DEVICE_STATES,
        "units": [unit.org_unit for unit in units.items] if units and not units.next_cursor else None,
        "groups": [group.name for group in names.items] if names else [],
    }
