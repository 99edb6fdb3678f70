"""Tables of holidays into a calendar over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field

from core.http.answers import reply
from core.http.fields import Body
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from imports import calendar_days, uploads
from imports.keyword_schemas import SetPath
from policies import calendar_import, calendar_years, draft_import
from policies.calendar_import import ForeseenDays
from policies.calendar_years import Missing
from policies.faults import Fault

SHOWN = 400

api = Api("calendar_days", __name__)


class DaysForm(BaseModel):
    """A table of days: CSV in UTF-8 or GB18030, XLSX or JSON, with date, kind (holiday, workday) and name.

    Its days replace all of their years. Nothing is stored unless `save` is true; then the calendar is a draft.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: FileStorage
    save: bool = False
    revision: Annotated[int, Field(ge=1)] | None = None
    take_over: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


class StatutoryBody(Body):
    """A year whose statutory days replace the calendar's; those not announced yet are marked provisional."""

    year: Annotated[int, Field(ge=2000, le=2100)]
    save: bool = False
    revision: Annotated[int, Field(ge=1)] | None = None
    take_over: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


class DaysRead(BaseModel):
    """What the import does, or did."""

    form: str
    encoding: str | None
    saved: bool
    revision: int | None
    years: list[int]
    added: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    unchanged: int
    provisional: int
    faults: list[Fault]


class MissingList(BaseModel):
    """All of them."""

    items: list[Missing]


@api.post("/calendars/<name>/import", Permission.DOCUMENT_WRITE, {200: DaysRead}, problems=(409,), reads_first=True)
def import_days(path: SetPath, form: DaysForm) -> Response:
    """Preview a table of days, or store it into the draft of a calendar."""
    read = calendar_days.read(uploads.content_of(form.file.stream))
    foreseen = calendar_import.foresee(current_actor(), path.name, read.given, read.faults)
    return _carry(foreseen, form, read.form, read.encoding)


@api.post("/calendars/<name>/statutory", Permission.DOCUMENT_WRITE, {200: DaysRead}, problems=(409,), reads_first=True)
def take_statutory_days(path: SetPath, body: StatutoryBody) -> Response:
    """Preview the statutory days of a year, or store them into the draft of a calendar."""
    return _carry(calendar_import.statutory(current_actor(), path.name, body.year), body, "statutory", None)


@api.get("/calendars/missing", Permission.DOCUMENT_READ, {200: MissingList})
def list_missing() -> Response:
    """Calendars that rules follow and that lack this year or, from November, the next."""
    return reply(MissingList(items=calendar_years.missing(current_actor())))


def _carry(foreseen: ForeseenDays, wish: DaysForm | StatutoryBody, form: str, encoding: str | None) -> Response:
    revision = foreseen.revision
    if wish.save:
        revision = draft_import.save(
            current_actor(), foreseen, revision=wish.revision, reason=wish.reason, take_over=wish.take_over
        )
    return reply(
        DaysRead(
            form=form,
            encoding=encoding,
            saved=wish.save,
            revision=revision,
            years=foreseen.years,
            added=foreseen.added[:SHOWN],
            changed=foreseen.changed[:SHOWN],
            removed=foreseen.removed[:SHOWN],
            unchanged=foreseen.unchanged,
            provisional=foreseen.provisional,
            faults=foreseen.faults[:SHOWN],
        )
    )
