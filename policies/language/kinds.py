"""The five kinds of documents as typed models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from policies.engine.vocabulary import NormaliseStep
from policies.engine.windows import Weekday
from policies.language.group_query import check_query
from policies.language.patterns import MAX_PATTERN, check_pattern
from policies.rules import PolicySpec
from policies.rules.forms import Day, Name, Spec, fault

API_VERSION = "shouji/v1"
STEPS: tuple[NormaliseStep, ...] = get_args(NormaliseStep)
DEFAULT_STEPS: tuple[NormaliseStep, ...] = tuple(step for step in STEPS if step != "pinyin")
"""What a set undoes that does not say: everything but pinyin, which finds more than was meant."""
TermText = Annotated[str, Field(min_length=1, max_length=64)]
Sample = Annotated[str, Field(min_length=1, max_length=2000)]
UnitPath = Annotated[str, Field(pattern=r"^/([^/]{1,64}(/[^/]{1,64}){0,15})?$")]
DeviceId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Metadata(Spec):
    """Name and title.

    `revision` is the state that the author started from, so that two editors never overwrite.
    """

    name: Name
    title: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    revision: Annotated[int, Field(ge=1)] | None = None


def _entry(value: object) -> object:
    """A bare text is a literal term."""
    return {"term": value} if isinstance(value, str) else value


def _wordy(term: str) -> str:
    if not any(char.isalnum() for char in term):
        raise fault("term_empty", "敏感词里没有文字或数字。", "The term holds neither letter nor digit.")
    return term


class TermEntry(Spec):
    """One term or pattern of a keyword set."""

    term: Annotated[TermText, AfterValidator(_wordy)] | None = None
    pattern: Annotated[str, Field(min_length=1, max_length=MAX_PATTERN), AfterValidator(check_pattern)] | None = None
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./_-]{0,99}$")] | None = None
    excuses: Annotated[list[TermText], Field(max_length=50)] | None = Field(None, alias="except")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.term is None) == (self.pattern is None):
            raise fault("term_or_pattern", "term 与 pattern 只能写一个。", "Give a term or a pattern, one of both.")
        return self

    @property
    def text(self) -> str:
        """The term or the pattern."""
        return self.term or self.pattern or ""


class KeywordTests(Spec):
    """Texts that must be found, and texts that must not."""

    hit: list[Sample] | None = Field(None, max_length=500)
    passes: list[Sample] | None = Field(None, alias="pass", max_length=500)


class KeywordSetSpec(Spec):
    """Terms, the evasions undone before matching, and tests."""

    terms: Annotated[list[Annotated[TermEntry, BeforeValidator(_entry)]], Field(min_length=1, max_length=50_000)]
    match: list[NormaliseStep] | None = None
    tests: KeywordTests | None = None

    @property
    def steps(self) -> list[NormaliseStep]:
        """The evasions that are undone, in the order in which that is done."""
        chosen = DEFAULT_STEPS if self.match is None else self.match
        return [step for step in STEPS if step in chosen]

    @model_validator(mode="after")
    def _once(self) -> Self:
        for label in (_twice(entry.text for entry in self.terms), _twice(e.id for e in self.terms if e.id)):
            if label:
                raise fault("term_twice", f"重复的词条或 id：{label}。", f"This term or id stands twice: {label}.")
        return self


class CalendarDaySpec(Spec):
    """One day that differs from the week; a workday follows the windows of `like`, Monday unless given.

    A `provisional` day is expected, but not announced yet.
    """

    date: Day
    kind: Literal["holiday", "workday"]
    like: Weekday | None = None
    name: Annotated[str, Field(max_length=50)] | None = None
    provisional: Literal[True] | None = None


class CalendarSpec(Spec):
    """Holidays and make-up workdays; other days are as the week says."""

    days: Annotated[list[CalendarDaySpec], Field(max_length=5000)]

    @model_validator(mode="after")
    def _once(self) -> Self:
        twice = _twice(day.date for day in self.days)
        if twice:
            raise fault("date_twice", f"日期重复：{twice}。", f"This date stands twice: {twice}.")
        return self


class GroupSpec(Spec):
    """Devices by id, or a query over the inventory."""

    devices: Annotated[list[DeviceId], Field(max_length=20_000)] | None = None
    query: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(check_query)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.devices is None) == (self.query is None):
            raise fault("group_shape", "devices 与 query 必须且只能写一个。", "Give devices or a query, one of both.")
        return self


class Target(Spec):
    """Whom an assignment reaches."""

    org_unit: UnitPath | None = None
    group: Name | None = None
    device: DeviceId | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len([1 for value in (self.org_unit, self.group, self.device) if value is not None]) != 1:
            raise fault(
                "target_shape",
                "org_unit、group、device 必须且只能写一个。",
                "Give one of org_unit, group and device.",
            )
        return self


class AssignmentSpec(Spec):
    """A policy and whom it reaches."""

    policy: Name
    to: Target


def _twice(values: Iterator[str] | Any) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return str(value)
        seen.add(value)
    return None


class Document(Spec):
    """What all kinds have in common."""

    api: Annotated[Literal["shouji/v1"], Field(alias="apiVersion")]
    kind: str
    metadata: Metadata
    spec: Spec


class Policy(Document):
    """Rules."""

    kind: Literal["Policy"]
    spec: PolicySpec


class KeywordSet(Document):
    """Words to look for."""

    kind: Literal["KeywordSet"]
    spec: KeywordSetSpec


class Calendar(Document):
    """Days that differ from the week."""

    kind: Literal["Calendar"]
    spec: CalendarSpec


class Group(Document):
    """A set of devices."""

    kind: Literal["Group"]
    spec: GroupSpec


class Assignment(Document):
    """A policy bound to devices."""

    kind: Literal["Assignment"]
    spec: AssignmentSpec


AnyDocument = Annotated[Policy | KeywordSet | Calendar | Group | Assignment, Field(discriminator="kind")]
KINDS: dict[str, type[Document]] = {
    "KeywordSet": KeywordSet,
    "Calendar": Calendar,
    "Policy": Policy,
    "Group": Group,
    "Assignment": Assignment,
}
PUBLISHED_KINDS = ("KeywordSet", "Calendar", "Policy")
