"""What the rules of a document that are in the shadow would have done: by day, rule and term, and which messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request

from archive import shadow_read
from archive.shadow_views import ShadowDayView
from console import frame, language, lists, words
from console.device_view import BAD, IDLE, WARN, Label
from console.policy_form.values import common
from core.actor import Actor
from core.db import json_text
from core.errors import NotFound
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from policies import documents, keyword_terms

SPANS = (7, 30, 90)
MESSAGES = 20
TONES = {"block": BAD, "warn": WARN}

pages = Pages("shadow", __name__)


@pages.get("/policies/<kind>/<name>/shadow", Permission.DOCUMENT_READ)
def show(kind: str, name: str) -> str:
    """The figures of a policy or a keyword set."""
    require_kind(kind)
    actor, days = current_actor(), _days()
    found = shadow_read.counts(actor, kind, name, days)
    return render_template(
        "_shadow.html" if frame.wants_part() else "shadow.html",
        document=documents.get(actor, kind, name),
        found=found,
        chart=_drawn(found.by_day),
        spans=[(lists.address({"days": str(one)}), span(one), one == days) for one in SPANS],
        action=action,
        address=frame.here(),
        words=words,
        **_messages(actor, kind, name, days),
    )


def require_kind(kind: str) -> None:
    """Raise NotFound for documents that hold no rules to try."""
    if kind not in shadow_read.KINDS:
        raise NotFound("no_such_page", Text("没有这个页面。", "There is no such page."))


def action(code: str) -> Label:
    """What a rule would have done, in its colour."""
    return Label(common(code), TONES.get(code, IDLE))


def span(days: int) -> Text:
    """A span that ends today."""
    return Text(f"近 {days} 天", f"{days} day{'' if days == 1 else 's'}")


def _days() -> int:
    asked = request.args.get("days", "")
    return next((one for one in SPANS if str(one) == asked), SPANS[0])


def _drawn(days: Sequence[ShadowDayView]) -> str:
    """The chart: messages by day."""
    series = [{"name": language.t("命中", "Hits"), "tone": WARN, "values": [one.messages for one in days]}]
    return json_text({"at": [f"{one.day:%m-%d}" for one in days], "series": series})


def _messages(actor: Actor, kind: str, name: str, days: int) -> dict[str, Any]:
    """The newest messages with their phones and terms, for whoever may read texts."""
    if not actor.may(Permission.ARCHIVE_READ):
        return {"messages": None}
    page = shadow_read.messages(actor, kind, name, lists.cursor(), MESSAGES)
    return {
        "messages": page.items,
        "phones": fleet.refs(list({one.device_id for one in page.items})),
        "terms": {one: keyword_terms.texts(one) for one in {found.keyword_set for found in page.items}},
        "paging": lists.paging(page, {"days": str(days)}, MESSAGES),
    }
