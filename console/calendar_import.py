"""Days into a calendar: the statutory ones of a year or a table that was announced, previewed, then kept as a draft."""

from __future__ import annotations

import json
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import document_form, errors, forms
from core.errors import ShoujiError
from core.http.identity import current_actor
from core.http.routes import Pages
from core.limits import MAX_NAME, MAX_REVISION
from core.permissions import Permission
from core.text import Text
from imports import calendar_days, uploads
from policies import app_register, calendar_import, documents, draft_import, statutory_days
from policies.calendar_import import ForeseenDays
from policies.calendar_years import KIND
from policies.language.parse import typed

MAX_TABLE = 1_000_000
SHOWN = 100
FIELDS = {"bad_year": "year", "unknown_year": "year", "reason_required": "reason", "no_file": "file"}

pages = Pages("calendar_import", __name__)


@pages.get("/calendar-import", Permission.DOCUMENT_WRITE)
@errors.shows("page_calendar_import.preview")
def ask(problem: ShoujiError | None = None) -> str:
    """Which calendar, and which days: of a year, or from a file."""
    year = request.values.get("year", "")[:4]
    return render_template(
        "calendar_import.html",
        name=request.values.get("name", "")[:MAX_NAME],
        year=year or str(app_register.local_day().year + 1),
        announced=statutory_days.announced_through(),
        error=document_form.told(problem) if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


@pages.post("/calendar-import", Permission.DOCUMENT_WRITE, reads=True)
def preview() -> str:
    """What the days would do to the calendar; nothing is stored."""
    actor, name, sent = current_actor(), forms.field("name", MAX_NAME).strip(), request.files.get("file")
    if sent is not None and sent.filename:
        read = calendar_days.read(uploads.content_of(sent.stream))
        return _preview(calendar_import.foresee(actor, name, read.given, read.faults), None)
    year = forms.whole("year", 0, statutory_days.FIRST_YEAR, statutory_days.LAST_YEAR)
    return _preview(calendar_import.statutory(actor, name, year), None)


@pages.post("/calendar-import/save", Permission.DOCUMENT_WRITE, reads_first=True)
def save() -> ResponseReturnValue:
    """Store what was previewed as the draft of the calendar."""
    actor, foreseen = current_actor(), _sent()
    draft_import.save(
        actor,
        foreseen,
        revision=forms.whole("revision", 0, 0, MAX_REVISION) or None,
        reason=forms.field("reason"),
        managed_by="console",
        take_over=forms.field("take_over") == "yes",
    )
    text = Text("已保存为草稿，发布后下发到手机。", "Saved as a draft; phones get it once it is published.")
    address = url_for("page_calendars.show", name=foreseen.name, year=foreseen.years[-1], show="draft")
    return forms.done(address, text)


@errors.on_form("page_calendar_import.save")
def show_save_error(problem: ShoujiError) -> str:
    """The preview again with the error."""
    return _preview(_sent(), problem)


def _sent() -> ForeseenDays:
    """The days of the preview, looked at again as the calendar is now."""
    table = forms.field("table", MAX_TABLE)
    read = calendar_days.read(table.encode())
    return calendar_import.foresee(current_actor(), forms.field("name", MAX_NAME).strip(), read.given)


def _preview(foreseen: ForeseenDays, problem: ShoujiError | None) -> str:
    typed(foreseen.document)
    stored = documents.existing(current_actor(), KIND, [foreseen.name])
    kept = bool(stored) and documents.get(current_actor(), KIND, foreseen.name).managed_by == "files"
    return render_template(
        "calendar_preview.html",
        foreseen=foreseen,
        revision=request.form.get("revision") or foreseen.revision or "",
        table=json.dumps(_taken(foreseen), ensure_ascii=False),
        kept_in_files=kept,
        shown=SHOWN,
        reason=request.form.get("reason", "")[:500],
        error=document_form.told(problem) if problem else None,
        error_field=forms.field_of(problem, FIELDS) if problem else None,
    )


def _taken(foreseen: ForeseenDays) -> list[dict[str, Any]]:
    """The days that the import takes, as a table that can be read again."""
    years = {str(year) for year in foreseen.years}
    return [day for day in foreseen.document["spec"]["days"] if day["date"][:4] in years]
