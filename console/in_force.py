"""In force when: choose a minute, see what a phone had in force then, from which policies, and how that is known."""

from __future__ import annotations

from datetime import datetime

from flask import render_template, request

from console import device_view, labels, times
from core import clock
from core.db import json_text
from core.errors import Invalid
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.runtime import settings
from core.text import Text
from fleet import devices
from policies import explain, in_force_when
from policies.views import InForceEvidence

pages = Pages("in_force", __name__)


@pages.get("/devices/<id>/in-force", Permission.DOCUMENT_READ)
def show(id: str) -> str:
    """What a phone had in force at the minute of the address, now without one."""
    actor, now = current_actor(), clock.now()
    device, problem, at = devices.get(actor, id), None, now
    try:
        at = _minute(request.args.get("at"), now)
    except Invalid as error:
        problem = error.text
    found = in_force_when.evidence(actor, id, at)
    wanted = explain.explain(actor, id, at)
    return render_template(
        "in_force.html",
        device=device,
        row=device_view.row(device),
        found=found,
        wanted=wanted,
        behind=wanted.bundle is not None and wanted.bundle != (found.in_force.bundle if found.in_force else None),
        families=_families(found),
        error=problem,
        error_field="at" if problem else None,
        chosen=times.minute_text(at),
        latest=times.minute_text(now),
        zone=settings().timezone,
        labels=labels,
    )


def _minute(text: str | None, now: datetime) -> datetime:
    """The end of the asked minute, as far as it has passed: what came into force in it counts."""
    if not text:
        return now
    at = times.minute(text)
    if at > now:
        raise Invalid("future_minute", Text("请选择已过去的时间。", "Choose a minute that has passed."))
    return min(now, at.replace(second=59, microsecond=999999))


def _families(found: InForceEvidence) -> list[tuple[Text, str, list[tuple[str, str]]]]:
    """The rules by family, each with its members as text."""
    return [
        (labels.FAMILIES.get(name) or labels.plain(name), name, _members(rule)) for name, rule in found.rules.items()
    ]


def _members(rule: object) -> list[tuple[str, str]]:
    members = rule if isinstance(rule, dict) else {"": rule}
    return [(name, json_text(value)) for name, value in members.items()]
