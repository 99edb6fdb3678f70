"""The start page: the fleet at a glance, what happened last, and what needs the viewer; a guide while it is empty."""

from __future__ import annotations

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from console import frame, labels, overview
from core.actor import Actor
from core.http.access import Access
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from fleet import devices, summary, timeline
from identity.roles import TITLES
from policies import ages

RECENT = 12

pages = Pages("home", __name__)


@pages.get("/", Access.SIGNED_IN)
def start() -> ResponseReturnValue:
    """The overview, or on to the first page that the viewer may see, or a word to those whose roles open none."""
    actor = current_actor()
    if actor.may(Permission.DEVICE_READ):
        return _overview(actor)
    address = frame.home_address()
    if address:
        return redirect(address, 303)
    return render_template("home.html", roles=[title for role, title in TITLES.items() if str(role) in actor.roles])


def _overview(actor: Actor) -> str:
    fleet = summary.summarise(actor)
    lines = timeline.recent(actor, RECENT)
    phones = {view.id: view for view in devices.views(actor, sorted({line.device_id for line in lines}))}
    return render_template(
        "_overview.html" if frame.wants_part() else "overview.html",
        fleet=fleet,
        tiles=overview.tiles(fleet),
        standing=overview.standing(fleet),
        policy=overview.policy(ages.counts(actor)),
        findings=overview.findings(fleet),
        needs=overview.needs(actor, fleet),
        guide=overview.guide(actor) if fleet.total == 0 else None,
        history=overview.history(actor),
        lines=lines,
        phones=phones,
        labels=labels,
        address=frame.here(),
    )
