"""The page of one phone: facts, holder, whether it is there, its policy and why, commands, findings and history."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import render_template, request, url_for

from compliance import finding_views
from compliance.views import FindingView
from console import command_forms, device_view, frame, labels
from core.actor import Actor
from core.db import json_text
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from fleet import devices, notices
from fleet.commands import reading
from fleet.commands.views import CommandView
from policies.explain import explain
from policies.views import Explanation, Value

LINES = 30
COMMANDS = 10

pages = Pages("device", __name__)


@pages.get("/devices/<id>", Permission.DEVICE_READ)
def show(id: str) -> str:
    """One phone; for htmx the part that changes."""
    actor = current_actor()
    device = devices.get(actor, id)
    history = devices.history(actor, id, request.args.get("cursor") or None, LINES)
    return render_template(
        "_device.html" if frame.wants_part() else "device.html",
        device=device,
        row=device_view.row(device),
        findings=_findings(actor, id),
        kinds=command_forms.kinds(),
        quick=command_forms.QUICK,
        commands=_commands(actor, id),
        acceptances=notices.acceptances(actor, id),
        explained=_explained(actor, id),
        history=history.items,
        labels=labels,
        address=frame.here(),
        older=url_for("page_device.show", id=id, cursor=history.next_cursor) if history.next_cursor else None,
        newest=url_for("page_device.show", id=id) if request.args.get("cursor") else None,
    )


def _commands(actor: Actor, device_id: str) -> list[CommandView] | None:
    """The newest commands; None for whoever may not see them."""
    if not actor.may(Permission.COMMAND_READ):
        return None
    return reading.of_device(actor, device_id, None, COMMANDS).items


def _findings(actor: Actor, device_id: str) -> list[FindingView] | None:
    """What is not in order, why, and what to do; None for whoever may see no findings."""
    if not actor.may(Permission.COMPLIANCE_READ):
        return None
    return finding_views.of_device(actor, device_id)


def _explained(actor: Actor, device_id: str) -> dict[str, Any] | None:
    """The effective values by family with their sources; None for whoever may not see policies."""
    if not actor.may(Permission.DOCUMENT_READ):
        return None
    found: Explanation = explain(actor, device_id)
    values = [_value(value) for value in found.values]
    families = {family: list(rows) for family, rows in groupby(values, key=lambda row: row["path"].partition(".")[0])}
    return {"policies": found.policies, "families": families}


def _value(value: Value) -> dict[str, Any]:
    sources = sorted({(one["policy"], one["version"], one["assignment"]) for one in value.sources})
    return {"path": value.path, "value": json_text(value.value), "sources": sources}
