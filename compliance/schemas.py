"""Queries, bodies and answers of this room's HTTP interface."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from compliance.views import CheckView, FindingView, PersonCounts, Totals, UnitCounts
from core.http.fields import Body, Instant, PageQuery
from core.limits import MAX_NAME, MAX_UNIT_PATH

Unit = Field(None, max_length=MAX_UNIT_PATH)
Code = Field(None, max_length=64)


class FindingsRead(BaseModel):
    """The open findings of one phone."""

    items: list[FindingView]


class FindingQuery(PageQuery):
    """Which findings."""

    code: str | None = Code
    severity: Literal["info", "warning", "critical"] | None = None
    org_unit: str | None = Unit
    excepted: bool | None = None


class ChecksRead(BaseModel):
    """All checks."""

    items: list[CheckView]


class SummaryRead(BaseModel):
    """Totals, and items by what was asked for; `next_cursor` only by person."""

    totals: Totals
    items: list[UnitCounts] | list[PersonCounts]
    next_cursor: str | None


class SummaryQuery(PageQuery):
    """By what, and of which part of the tree."""

    by: Literal["org_unit", "person"] = "org_unit"
    org_unit: str | None = Unit
    noncompliant: bool = False


class HistoryQuery(BaseModel):
    """How many days back."""

    days: int = Field(30, ge=1, le=400)
    org_unit: str | None = Unit


class ExceptionQuery(PageQuery):
    """Those that run, or all."""

    running: bool = True


class ExceptionBody(Body):
    """A new exception for one of `device`, `group` and `org_unit`."""

    device: str | None = Field(None, min_length=1, max_length=36)
    group: str | None = Field(None, min_length=1, max_length=MAX_NAME)
    org_unit: str | None = Field(None, min_length=1, max_length=MAX_UNIT_PATH)
    code: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=500)
    until: Instant


class FindingPath(BaseModel):
    """A phone and a code in an address."""

    id: str = Field(max_length=36)
    code: str = Field(max_length=64)


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)
