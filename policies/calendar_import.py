"""Days from a table into a calendar, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from policies import draft_import, statutory_days
from policies.draft_import import Given
from policies.faults import Fault
from policies.language.kinds import CalendarDaySpec

KIND = "Calendar"


@dataclass(frozen=True)
class ForeseenDays:
    """What an import does to a calendar: the years that it replaces, days by what becomes of them, faulty lines."""

    name: str
    revision: int | None
    years: list[int]
    added: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    unchanged: int
    provisional: int
    faults: list[Fault]
    document: dict[str, Any] = field(repr=False)


def statutory(actor: Actor, name: str, year: int) -> ForeseenDays:
    """What taking the statutory days of a year would do. Raises Invalid for a year that nobody knows."""
    days = [Given(0, day) for day in statutory_days.days_of(year)]
    return foresee(actor, name, days)


def foresee(actor: Actor, name: str, given: Sequence[Given], faults: Sequence[Fault] = ()) -> ForeseenDays:
    """What importing the days would do: they replace all days of their years. Raises Invalid when none can be taken."""
    actor.require(Permission.DOCUMENT_READ)
    days, wrong = _checked(given)
    if not days:
        shown = [{"line": fault.line, "code": fault.code} for fault in [*faults, *wrong][:20]]
        raise Invalid("no_days", Text("没有可导入的日期。", "There is no day to import."), faults=shown)
    stored = draft_import.stored(KIND, name)
    before = {day["date"]: day for day in (stored.spec["days"] if stored else ())}
    years = sorted({int(day[:4]) for day in days})
    kept = {day: entry for day, entry in before.items() if int(day[:4]) not in years}
    after = {**kept, **days}
    spec = {"days": [after[day] for day in sorted(after)]}
    return ForeseenDays(
        name=name,
        revision=stored.revision if stored else None,
        years=years,
        added=[days[day] for day in sorted(days.keys() - before.keys())],
        changed=[days[day] for day in sorted(days.keys() & before.keys()) if days[day] != before[day]],
        removed=[before[day] for day in sorted(before.keys() - after.keys())],
        unchanged=sum(1 for day in days.keys() & before.keys() if days[day] == before[day]),
        provisional=sum(1 for entry in days.values() if entry.get("provisional")),
        faults=sorted([*faults, *wrong], key=lambda fault: fault.line),
        document=draft_import.document(KIND, name, stored.title if stored else None, spec),
    )


def _checked(given: Sequence[Given]) -> tuple[dict[str, dict[str, Any]], list[Fault]]:
    days: dict[str, dict[str, Any]] = {}
    wrong: list[Fault] = []
    for one in given:
        fault = draft_import.fault(one, CalendarDaySpec)
        if fault is not None:
            wrong.append(fault)
            continue
        day = str(one.entry["date"])
        if day in days:
            wrong.append(Fault(one.line, "date_twice", Text(f"日期重复：{day}。", f"This date stands twice: {day}.")))
        else:
            days[day] = one.entry
    return days, wrong
