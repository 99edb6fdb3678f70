"""The device list, which moves by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

from console import command_forms, device_view, frame, labels, language, lists
from core.actor import Actor
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import devices, groups
from fleet.devices import Filters
from identity import org, saved_views

LIMIT = lists.LIMIT
CHOICES = 200
PAGE = "devices"
FILTERS = ("q", "state", "online", "compliance", "model", "os", "group", "org_unit", "finding")
ONLINE = {"true": True, "false": False}
PRESENCE = {"true": Text("在线", "Online"), "false": Text("离线", "Offline")}

pages = Pages("devices", __name__)


@pages.get("/devices", Permission.DEVICE_READ)
def show_list() -> str:
    """The list, or for htmx the part of it that changes; filters and place stand in the address."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    filters = filters_of(shown)
    page = devices.find(actor, filters, lists.cursor(), LIMIT)
    part = frame.wants_part()
    return render_template(
        "_device_list.html" if part else "devices.html",
        rows=device_view.rows(page.items),
        total=devices.count(actor, filters),
        paging=lists.paging(page, shown, LIMIT),
        shown=shown,
        kinds=command_forms.kinds() if actor.may(Permission.COMMAND_SEND) else [],
        address=request.full_path.rstrip("?"),
        views=saved_views.of_page(actor, PAGE),
        **({} if part else {"choices": _choices(actor)}),
    )


def filters_of(shown: Mapping[str, str]) -> Filters:
    """The filters of the list as the fleet knows them."""
    return Filters(
        q=shown.get("q"),
        state=shown.get("state"),
        online=ONLINE.get(shown.get("online", "")),
        group=shown.get("group"),
        org_unit=shown.get("org_unit"),
        compliance=shown.get("compliance"),
        model=shown.get("model"),
        os=shown.get("os"),
        finding=shown.get("finding"),
    )


def _choices(actor: Actor) -> dict[str, Any]:
    """What the filters offer; a tree of more units than fit into a menu is filtered by typing the path."""
    units = org.find(actor, None, CHOICES) if actor.may(Permission.ORG_READ) else None
    names = groups.find(actor, None, CHOICES) if actor.may(Permission.GROUP_READ) else None
    models, systems = devices.models_and_systems(actor)
    return {
        "states": language.pairs(labels.DEVICE_STATES),
        "online": language.pairs(PRESENCE),
        "compliance": language.pairs(labels.COMPLIANCE),
        "models": _same(models),
        "systems": _same(systems),
        "units": _same([unit.org_unit for unit in units.items]) if units and not units.next_cursor else None,
        "groups": _same([group.name for group in names.items]) if names else [],
    }


def _same(names: list[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]
