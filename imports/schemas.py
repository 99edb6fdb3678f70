"""Bodies and queries of this room's HTTP interface."""

from __future__ import annotations

from typing import Literal

from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field

from core.http.fields import PageQuery
from core.views import Moment

KindName = Literal["org_units", "people", "phones"]
Outcome = Literal["create", "change", "unchanged", "error"]
State = Literal["reading", "preview", "applying", "done", "failed", "cancelled"]


class ImportForm(BaseModel):
    """A file to import, as `multipart/form-data`: CSV (UTF-8 or GB18030) or XLSX."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: KindName
    file: FileStorage


class TemplatePath(BaseModel):
    """Which template."""

    kind: KindName
    form: Literal["csv", "xlsx"]


class LinesQuery(PageQuery):
    """Which lines."""

    outcome: Outcome | None = None


class ColumnRead(BaseModel):
    """A column that a kind knows; headers go by `name` or by `title` in either language."""

    name: str
    title: str
    help: str
    required: bool


class KindRead(BaseModel):
    """A kind of import."""

    name: str
    title: str
    columns: list[ColumnRead]


class KindsRead(BaseModel):
    """The kinds that one may import."""

    items: list[KindRead]


class LayoutRead(BaseModel):
    """Where each column stands (positions from 1), and headers that are not read."""

    places: dict[str, int] = Field(default_factory=dict)
    headers: list[str] = Field(default_factory=list)
    ignored: list[str] = Field(default_factory=list)
    sheet: str | None = None
    other_sheets: list[str] = Field(default_factory=list)


class Counts(BaseModel):
    """Lines by outcome."""

    create: int = 0
    change: int = 0
    unchanged: int = 0
    error: int = 0


class PersonBrief(BaseModel):
    """Who did it."""

    id: str
    name: str


class FailureRead(BaseModel):
    """Why an import ended, and what to do."""

    code: str
    text: str


class ImportRead(BaseModel):
    """An import: `planned` is what the preview says, `done` what has happened so far, `applied` of `rows` lines."""

    id: str
    kind: str
    state: State
    file_name: str
    form: str
    encoding: str | None
    size: int
    created_at: Moment
    created_by: PersonBrief
    layout: LayoutRead
    rows: int
    applied: int
    planned: Counts
    done: Counts
    confirmed_at: Moment | None
    confirmed_by: PersonBrief | None
    finished_at: Moment | None
    failure: FailureRead | None


class TroubleRead(BaseModel):
    """What is wrong with a line: the column, its position in the file from 1, and what to do."""

    column: str | None
    position: int | None
    code: str
    text: str


class ChangeRead(BaseModel):
    """An old and a new value."""

    old: str
    new: str


class LineRead(BaseModel):
    """A line of the file."""

    line: int
    cells: list[str]
    values: dict[str, str]
    outcome: Outcome
    problems: list[TroubleRead]
    changes: dict[str, ChangeRead]
