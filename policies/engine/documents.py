"""The documents that rules name: keyword sets and calendars, as they are shipped in blobs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from policies.engine.forms import Wire
from policies.engine.vocabulary import NormaliseStep
from policies.engine.windows import Weekday


class Term(Wire):
    """One entry of a keyword set.

    A literal `term` or an RE2 `pattern`; `except` names phrases that excuse it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True, validate_by_name=True)

    id: Annotated[str, Field(min_length=1, max_length=128)]
    term: str | None = None
    pattern: str | None = None
    excuses: list[str] = Field(default_factory=list, alias="except")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.term is None) == (self.pattern is None):
            raise ValueError("a term or a pattern, not both")
        return self


class KeywordSet(Wire):
    """A keyword set as it is shipped."""

    set: str
    terms: list[Term]
    steps: list[NormaliseStep] = Field(default_factory=list)


class FoldTable(Wire):
    """A character, and what it is read as: another text, or nothing. `table` names the step."""

    table: str
    folds: dict[str, str]


class CalendarDay(Wire):
    """One day that differs from the week; a workday follows the windows of `like` (Monday unless given)."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    kind: Literal["holiday", "workday"]
    like: Weekday = "mon"
    name: str | None = None


class WorkCalendar(Wire):
    """A calendar as it is shipped."""

    calendar: str
    days: list[CalendarDay]

    def exceptions(self) -> dict[str, Weekday | None]:
        """Date -> the weekday that it follows, None for a day off."""
        return {day.date: day.like if day.kind == "workday" else None for day in self.days}
