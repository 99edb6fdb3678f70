"""What is shown of imports: one model each for services, pages and the API."""

from __future__ import annotations

from pydantic import Field

from core.verdicts import Outcome
from core.views import Moment, Spoken, View
from imports.states import State


class LayoutView(View):
    """Where each column stands (positions from 1), and what of the file is not read; empty until it has been read."""

    places: dict[str, int] = Field(default_factory=dict)
    headers: list[str] = Field(default_factory=list)
    ignored: list[str] = Field(default_factory=list)
    sheet: str | None = None
    other_sheets: list[str] = Field(default_factory=list)


class Counts(View):
    """Lines by outcome."""

    create: int = 0
    change: int = 0
    unchanged: int = 0
    error: int = 0


class PersonBrief(View):
    """Who did it."""

    id: str
    name: str


class FailureView(View):
    """Why an import ended, and what to do."""

    code: str
    text: Spoken


class ImportView(View):
    """An import: `planned` is what the preview says, `done` what has happened so far, `applied` of `rows` lines.

    `size` in bytes.
    """

    id: str
    kind: str
    state: State
    file_name: str
    form: str
    encoding: str | None
    size: int
    created_at: Moment
    created_by: PersonBrief
    layout: LayoutView
    rows: int
    applied: int
    planned: Counts
    done: Counts
    confirmed_at: Moment | None
    confirmed_by: PersonBrief | None
    finished_at: Moment | None
    failure: FailureView | None


class ProblemView(View):
    """What is wrong with a line: the column, its position in the file from 1, and what to do."""

    column: str | None
    position: int | None
    code: str
    text: Spoken


class ChangeView(View):
    """An old and a new value."""

    old: str
    new: str


class LineView(View):
    """A line of the file, and what becomes of it."""

    line: int
    cells: list[str]
    values: dict[str, str]
    outcome: Outcome
    problems: list[ProblemView]
    changes: dict[str, ChangeView]
