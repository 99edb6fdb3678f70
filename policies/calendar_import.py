"""Days from a table into a calendar, year by year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from policies import apply, drafts, statutory_days
from policies.drafts import Manager
from policies.faults import Fault
from policies.language.kinds import API_VERSION, CalendarDaySpec
from policies.language.messages import code_of, text_for
from policies.language.parse import typed

KIND = "Calendar"


@dataclass(frozen=True, slots=True)
class GivenDay:
    """A day of a table as it would stand in a document, and its line."""

    line: int
    entry: dict[str, Any]


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
    days = [GivenDay(0, day) for day in statutory_days.days_of(year)]
    return foresee(actor, name, days)


def foresee(actor: Actor, name: str, given: Sequence[GivenDay], faults: Sequence[Fault] = ()) -> ForeseenDays:
    """What importing the days would do: they replace all days of their years. Raises Invalid when none can be taken."""
    actor.require(Permission.DOCUMENT_READ)
    days, wrong = _checked(given)
    if not days:
        shown = [{"line": fault.line, "code": fault.code} for fault in [*faults, *wrong][:20]]
        raise Invalid("no_days", Text("没有可导入的日期。", "There is no day to import."), faults=shown)
    row = drafts.load([(KIND, name)]).get((KIND, name))
    stored = row if row is not None and row.deleted_at is None else None
    before = {day["date"]: day for day in (stored.spec["days"] if stored else ())}
    years = sorted({int(day[:4]) for day in days})
    kept = {day: entry for day, entry in before.items() if int(day[:4]) not in years}
    after = {**kept, **days}
    metadata = {"name": name, **({"title": stored.title} if stored and stored.title else {})}
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
        document={"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec},
    )


def save(
    actor: Actor,
    foreseen: ForeseenDays,
    *,
    revision: int | None = None,
    reason: str = "",
    managed_by: Manager = "api",
    take_over: bool = False,
) -> int:
    """Store the calendar as a draft; returns its revision. Raises Conflict when it is not at `revision` any more."""
    document, given = foreseen.document, revision if revision is not None else foreseen.revision
    if given is not None:
        document = {**document, "metadata": {**document["metadata"], "revision": given}}
    apply.apply_parsed(actor, [typed(document)], reason=reason, managed_by=managed_by, take_over=take_over)
    return drafts.load([(KIND, foreseen.name)])[(KIND, foreseen.name)].revision


def _checked(given: Sequence[GivenDay]) -> tuple[dict[str, dict[str, Any]], list[Fault]]:
    days: dict[str, dict[str, Any]] = {}
    wrong: list[Fault] = []
    for one in given:
        try:
            CalendarDaySpec.model_validate(one.entry)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            text = text_for(first["type"], first.get("ctx", {}), first["msg"])
            wrong.append(Fault(one.line, code_of(first["type"]), text))
            continue
        day = str(one.entry["date"])
        if day in days:
            wrong.append(Fault(one.line, "date_twice", Text(f"日期重复：{day}。", f"This date stands twice: {day}.")))
        else:
            days[day] = one.entry
    return days, wrong
