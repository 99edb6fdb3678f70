"""Queries, bodies and answers of this room's HTTP interface."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.http.fields import Body, PageQuery
from core.text import LANGUAGES
from core.views import Moment

Unit = Field(None, max_length=1400)
Code = Field(None, max_length=64)


class TextRead(BaseModel):
    """A text in both languages."""

    zh: str = Field(serialization_alias=LANGUAGES[0])
    en: str = Field(serialization_alias=LANGUAGES[1])

    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True)


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True)


class PhoneRead(_Read):
    """The phone that a finding is about."""

    id: str
    serial: str
    model: str
    holder: str | None
    org_unit: str


class FindingRead(_Read):
    """An open finding; `judged_on` and `judged_at`: the message that showed it last, `basis`: what that is worth."""

    device: PhoneRead = Field(validation_alias="phone")
    code: str
    title: TextRead
    reason: TextRead
    advice: TextRead
    severity: str
    basis: str
    judged_on: str
    judged_at: Moment
    since: Moment
    last_seen_at: Moment
    excepted_until: Moment | None
    counts: bool
    ends: str
    word: str | None
    detail: dict[str, Any]


class FindingsRead(BaseModel):
    """The open findings of one phone."""

    items: list[FindingRead]


class FindingQuery(PageQuery):
    """Which findings."""

    code: str | None = Code
    severity: Literal["info", "warning", "critical"] | None = None
    org_unit: str | None = Unit
    excepted: bool | None = None


class CheckRead(_Read):
    """A check: what its findings say and rest on; `word`: how a policy's ladder names it."""

    code: str
    title: TextRead
    advice: TextRead
    severity: str
    basis: str
    source: str
    word: str | None = Field(validation_alias="ladder")
    ends: str
    counts: bool


class ChecksRead(BaseModel):
    """All checks."""

    items: list[CheckRead]


class CodeRead(_Read):
    """How many phones have a finding."""

    code: str
    title: TextRead
    severity: str
    devices: int
    excepted: int


class TotalsRead(_Read):
    """Phones by state, worst severity and step of the ladder; findings by code."""

    devices: int
    states: dict[str, int]
    severities: dict[str, int]
    steps: dict[str, int]
    held: int
    codes: list[CodeRead]


class UnitRead(_Read):
    """An org unit: its own phones, and all below it too."""

    id: str
    org_unit: str
    own: dict[str, int]
    total: dict[str, int]


class PersonRead(_Read):
    """A person and their phones."""

    id: str
    name: str
    employee_no: str | None
    states: dict[str, int]
    findings: int
    step: str


class SummaryRead(BaseModel):
    """Totals, and items by what was asked for; `next_cursor` only by person."""

    totals: TotalsRead
    items: list[UnitRead] | list[PersonRead]
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


class PointRead(_Read):
    """Counts at a time."""

    at: Moment
    states: dict[str, int]
    codes: dict[str, int]


class HistoryRead(_Read):
    """Counts over time, by `hour` or by `day`."""

    span: str
    points: list[PointRead]


class ExceptionQuery(PageQuery):
    """Those that run, or all."""

    running: bool = True


class ExceptionBody(Body):
    """A new exception for one of `device`, `group` and `org_unit`."""

    device: str | None = Field(None, min_length=1, max_length=36)
    group: str | None = Field(None, min_length=1, max_length=63)
    org_unit: str | None = Field(None, min_length=1, max_length=1400)
    code: str = Field(min_length=1, max_length=64)
    reason: str = Field(min_length=1, max_length=500)
    until: AwareDatetime


class ExceptionRead(_Read):
    """An exception."""

    id: str
    code: str
    title: TextRead
    scope: str
    target: str
    target_name: str
    reason: str
    state: str
    created_at: Moment
    created_by: str
    created_by_name: str
    until: Moment
    ended_at: Moment | None
    ended_by_name: str | None


class FindingPath(BaseModel):
    """A phone and a code in an address."""

    id: str = Field(max_length=36)
    code: str = Field(max_length=64)


class ReasonBody(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)
