"""The audit log: filters in the address, whether its chain is whole, and an export for those who check it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response, current_app, render_template, url_for

from console import audit_words, frame, lists, times, words
from core import clock, csv_text, jobs
from core.audit import HASHED
from core.db import json_text
from core.http.identity import current_actor
from core.http.routes import Pages
from core.permissions import Permission
from identity import audit_trail
from identity.audit_trail import CHAIN_JOB, AuditFilter

FILTERS = ("actor", "action", "target_kind", "target", "outcome", "since", "until")

pages = Pages("audit", __name__)


@pages.get("/audit", Permission.AUDIT_READ)
def show_list() -> str:
    """The log, newest first."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    wanted = _wanted(shown)
    page = audit_trail.find(actor, wanted, lists.cursor(), lists.LIMIT)
    return render_template(
        "_audit.html" if frame.wants_part() else "audit.html",
        entries=page.items,
        total=audit_trail.count(actor, wanted),
        paging=lists.paging(page, shown),
        shown=shown,
        words=words,
        audit=audit_words,
        json=json_text,
        chain=jobs.last_run(CHAIN_JOB),
        export=lists.address_of(url_for("page_audit.export"), shown),
        whole=actor.unit_path == "/",
    )


@pages.post("/audit/verify", Permission.AUDIT_READ, reads=True)
def verify() -> str:
    """Walk the whole chain now."""
    return render_template("_chain.html", state=audit_trail.verify(current_actor()))


@pages.get("/audit/export.csv", Permission.AUDIT_READ, writes=True)
def export() -> Response:
    """What the filters find as CSV, oldest first; the export itself is audited."""
    entries = audit_trail.export(current_actor(), _wanted(lists.shown(FILTERS)))
    rows = ([_cell(entry[name]) for name in HASHED] for entry in entries)
    answer = current_app.response_class(csv_text.render([HASHED, *rows]), mimetype="text/csv")
    name = f"audit-{times.local(clock.now())[:10]}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _cell(value: Any) -> str:
    return json_text(value) if isinstance(value, Mapping) else str(value)


def _wanted(shown: dict[str, str]) -> AuditFilter:
    since, until = shown.get("since"), shown.get("until")
    return AuditFilter(
        actor_id=shown.get("actor"),
        action=shown.get("action"),
        target_kind=shown.get("target_kind"),
        target_id=shown.get("target"),
        outcome=shown.get("outcome"),
        since=times.day(since) if since else None,
        until=times.day(until) + timedelta(days=1) if until else None,
    )
