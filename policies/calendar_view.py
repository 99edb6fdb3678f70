"""Calendars as they are looked at: the days of a year, where each year's table comes from, and who follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from policies import calendar_years, documents, references, statutory_days, world
from policies.calendar_years import KIND, Missing
from policies.engine.windows import WEEKDAYS, Weekday, Windows, windows_on
from policies.rules.work_hours import WorkHours
from policies.views import DocumentView

FIRST_YEAR, LAST_YEAR = 2000, 2100
DayKind = Literal["workday", "weekend", "holiday", "makeup"]
Source = Literal["announced", "provisional", "mixed", "own"]
"""`announced`: the days of the package that follows the State Council's notice, `provisional`: expected, not announced,
`mixed`: some of them are, `own`: imported or written by somebody."""


@dataclass(frozen=True, slots=True)
class YearTable:
    """What a calendar says of a year, and where that comes from."""

    year: int
    source: Source
    holidays: int
    workdays: int


@dataclass(frozen=True, slots=True)
class Follower:
    """A published policy whose working hours follow a calendar, with its windows by weekday, in seconds of the day."""

    policy: str
    timezone: str
    weekly: Mapping[Weekday, Windows]


@dataclass(frozen=True, slots=True)
class ShownDay:
    """A day: what it is, what the calendar calls it, and the windows of each policy that follows it."""

    date: date
    kind: DayKind
    name: str
    provisional: bool
    like: Weekday | None
    windows: list[tuple[str, Windows]]


@dataclass(frozen=True, slots=True)
class Overview:
    """A calendar in the list: its document, its years, the policies that follow it, and what it lacks."""

    document: DocumentView
    years: list[YearTable]
    followers: list[str]
    missing: list[Missing]


def overview(actor: Actor, found: Sequence[DocumentView]) -> list[Overview]:
    """These calendars with all that a list shows of them."""
    missing, policies = calendar_years.missing(actor), world.published("Policy")
    followers: dict[str, list[str]] = {}
    for (_, policy), document in sorted(policies.items()):
        for _, kind, name in references.named(document.spec):
            if kind == KIND:
                followers.setdefault(name, []).append(policy)
    return [
        Overview(
            one,
            tables(one.document["spec"]["days"]),
            followers.get(one.name, []),
            [lack for lack in missing if lack.calendar == one.name],
        )
        for one in found
    ]


def days_of(actor: Actor, name: str, *, draft: bool) -> list[dict[str, Any]]:
    """The days of a calendar as they are in force, or of its draft; the draft where nothing is in force.

    Raises NotFound.
    """
    stored = documents.get(actor, KIND, name)
    in_force = None if draft else world.published(KIND).get((KIND, name))
    days: list[dict[str, Any]] = in_force.spec["days"] if in_force else stored.document["spec"]["days"]
    return days


def tables(days: Sequence[Mapping[str, Any]]) -> list[YearTable]:
    """Each year that the days speak of."""
    by_year: dict[int, list[Mapping[str, Any]]] = {}
    for day in days:
        by_year.setdefault(int(day["date"][:4]), []).append(day)
    return [_table(year, by_year[year]) for year in sorted(by_year)]


def followers(actor: Actor, name: str) -> list[Follower]:
    """Published policies whose working hours follow a calendar, by name."""
    actor.require(Permission.DOCUMENT_READ)
    found = []
    for (_, policy), document in sorted(world.published("Policy").items()):
        hours = document.spec.get("work_hours") or {}
        if hours.get("calendar") == name:
            rule = WorkHours.model_validate(hours)
            found.append(Follower(policy, rule.timezone, {day: rule.weekly.get(day, []) for day in WEEKDAYS}))
    return found


def year_of(days: Sequence[Mapping[str, Any]], followed_by: Sequence[Follower], year: int) -> list[list[ShownDay]]:
    """The twelve months of a year, day by day. Raises Invalid for a year that no calendar holds."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(
            "bad_year",
            Text(f"年份应为 {FIRST_YEAR} 到 {LAST_YEAR}。", f"A year is one from {FIRST_YEAR} to {LAST_YEAR}."),
        )
    special = {day["date"]: day for day in days if day["date"].startswith(f"{year}-")}
    exceptions = {key: day.get("like", "mon") if day["kind"] == "workday" else None for key, day in special.items()}
    months: list[list[ShownDay]] = [[] for _ in range(12)]
    at = date(year, 1, 1)
    while at.year == year:
        months[at.month - 1].append(_shown(at, special.get(at.isoformat()), exceptions, followed_by))
        at += timedelta(days=1)
    return months


def _shown(
    at: date,
    entry: Mapping[str, Any] | None,
    exceptions: Mapping[str, Weekday | None],
    followed_by: Sequence[Follower],
) -> ShownDay:
    kind: DayKind = "weekend" if at.weekday() >= WEEKDAYS.index("sat") else "workday"
    if entry is not None:
        kind = "holiday" if entry["kind"] == "holiday" else "makeup"
    return ShownDay(
        date=at,
        kind=kind,
        name=(entry or {}).get("name") or "",
        provisional=bool((entry or {}).get("provisional")),
        like=exceptions.get(at.isoformat()),
        windows=[(one.policy, windows_on(at, one.weekly, exceptions)) for one in followed_by],
    )


def _table(year: int, days: Sequence[Mapping[str, Any]]) -> YearTable:
    off = sum(1 for day in days if day["kind"] == "holiday")
    return YearTable(year, _source(year, days), off, len(days) - off)


def _source(year: int, days: Sequence[Mapping[str, Any]]) -> Source:
    expected = sum(1 for day in days if day.get("provisional"))
    if expected:
        return "provisional" if expected == len(days) else "mixed"
    return "announced" if _announced(year) == {(day["date"], day["kind"]) for day in days} else "own"


@cache
def _announced(year: int) -> frozenset[tuple[str, str]]:
    """The announced days of a year, as far as they are known; none for the others."""
    if not statutory_days.FIRST_YEAR <= year <= statutory_days.announced_through():
        return frozenset()
    return frozenset((day["date"], day["kind"]) for day in statutory_days.days_of(year))
