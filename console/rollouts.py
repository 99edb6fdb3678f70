"""Rollouts: the list, one as it goes on, and the phones behind each of its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, url_for

from console import frame, lists, rollout_words, words
from console.device_view import Label
from console.policies import tabs
from core.actor import Actor
from core.errors import NotFound
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from policies import rollout_reading
from policies.rollout_figures import CLASSES, counting, share
from policies.rollouts import OPEN
from policies.views import RingView, RolloutView

FILTERS = ("state",)
DEVICE_FILTERS = ("ring", "state")
SILENT = "silent"
SHOWN = 10

pages = Pages("rollouts", __name__)


@dataclass(frozen=True, slots=True)
class Count:
    """A figure of a ring and the list behind it."""

    label: Label
    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """A ring with its figures; `done` is the share that has applied, in percent."""

    ring: RingView
    counts: list[Count]
    done: float


@pages.get("/rollouts", Permission.DOCUMENT_READ)
def show_list() -> str:
    """Rollouts, the newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    state = shown.get("state") if shown.get("state") in rollout_words.STATES else None
    page = rollout_reading.find(actor, state, lists.cursor(), lists.LIMIT)
    return render_template(
        "_rollout_list.html" if frame.wants_part() else "rollouts.html",
        rollouts=page.items,
        total=rollout_reading.count(actor, state),
        paging=lists.paging(page, shown),
        shown=shown,
        address=frame.here(),
        states=words.options(rollout_words.STATES),
        tabs=tabs(actor, "rollouts"),
        said=rollout_words,
    )


@pages.get("/rollouts/<id>", Permission.DOCUMENT_READ)
def show(id: str) -> str:
    """One rollout: its rings, who did not answer, and what can be done."""
    actor = current_actor()
    rollout = rollout_reading.get(actor, id)
    return render_template(
        "_rollout.html" if frame.wants_part() else "rollout.html",
        rollout=rollout,
        rows=[_row(rollout.id, ring) for ring in rollout.rings],
        silent=rollout_reading.devices(actor, id, state=SILENT, limit=SHOWN).items,
        silent_total=sum(ring.devices[SILENT] for ring in rollout.rings),
        unanswered=sum(ring.devices[SILENT] + ring.devices["waiting"] for ring in rollout.rings),
        open=rollout.state in OPEN,
        acts=rollout_words.acts(rollout) if may_act(actor) else [],
        may_nudge=may_act(actor),
        address=frame.here(),
        words=words,
        said=rollout_words,
    )


@pages.get("/rollouts/<id>/devices", Permission.DOCUMENT_READ)
def show_devices(id: str) -> str:
    """The phones behind a figure, and why those that have not applied it have not."""
    actor, shown = current_actor(), lists.shown(DEVICE_FILTERS)
    rollout = rollout_reading.get(actor, id)
    ring, state = _ring(rollout, shown.get("ring")), shown.get("state")
    state = state if state in CLASSES else None
    page = rollout_reading.devices(actor, id, ring=ring, state=state, cursor=lists.cursor(), limit=lists.LIMIT)
    return render_template(
        "_rollout_devices.html" if frame.wants_part() else "rollout_devices.html",
        rollout=rollout,
        phones=page.items,
        total=rollout_reading.count_devices(actor, id, ring=ring, state=state),
        paging=lists.paging(page, shown),
        shown=shown,
        rings=[(str(one.position), one.name) for one in rollout.rings],
        ring_names={one.position: one.name for one in rollout.rings},
        classes=words.options(rollout_words.CLASSES),
        may_see=actor.may(Permission.DEVICE_READ),
        words=words,
        said=rollout_words,
    )


def may_act(actor: Actor) -> bool:
    """Whether somebody may do anything with rollouts: they reach phones of the whole tree."""
    return actor.may(Permission.DOCUMENT_PUBLISH) and actor.unit_path == "/"


def _row(rollout_id: str, ring: RingView) -> Row:
    counts = [
        Count(label, ring.devices[name], _behind(rollout_id, ring=str(ring.position), state=name))
        for name, label in rollout_words.CLASSES.items()
        if ring.devices[name] or name in rollout_words.ALWAYS
    ]
    reached = share(ring.devices["applied"], counting(ring.devices)) if counting(ring.devices) else 0.0
    return Row(ring, counts, round(reached, 1))


def _behind(rollout_id: str, **parameters: str) -> str:
    return lists.address_of(url_for("page_rollouts.show_devices", id=rollout_id), parameters)


def _ring(rollout: RolloutView, text: str | None) -> int | None:
    known: dict[str | None, Any] = {str(ring.position): ring.position for ring in rollout.rings}
    if text is not None and text not in known:
        raise NotFound("no_such_ring", Text("没有这个发布环。", "There is no such ring."))
    found: int | None = known.get(text)
    return found
