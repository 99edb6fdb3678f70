"""Which calendars lack the days of a year, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from core import clock
from core.actor import Actor, system_actor
from core.permissions import Permission
from core.text import Text
from core.views import View
from identity import queries as people
from identity.org import ROOT_ID
from notify import notices
from notify.topics import Severity, register
from policies import references, world
from policies.rules.forms import DEFAULT_ZONE

KIND = "Calendar"
WARN_FROM = 11
"""The month from which the next year's days should be there: they are announced in October or November."""
MISSING = register(
    "calendar_missing", Severity.WARNING, Text("日历缺少明年的节假日", "A calendar lacks next year's holidays")
)


class Missing(View):
    """A calendar that rules follow and that lacks a year: `provisional` where its days are expected, not announced."""

    calendar: str
    year: int
    provisional: bool


def missing(actor: Actor, today: date | None = None) -> list[Missing]:
    """Calendars that published policies follow without announced days of this year, or, from November, of the next."""
    actor.require(Permission.DOCUMENT_READ)
    day = today or clock.now().astimezone(ZoneInfo(DEFAULT_ZONE)).date()
    wanted = [day.year, *([day.year + 1] if day.month >= WARN_FROM else [])]
    documents = world.published("Policy", KIND)
    followed = {
        name
        for (kind, _), document in documents.items()
        if kind == "Policy"
        for _, named, name in references.named(document.spec)
        if named == KIND and (KIND, name) in documents
    }
    return [
        found
        for name in sorted(followed)
        for year in wanted
        if (found := _lacking(name, documents[(KIND, name)].spec["days"], year)) is not None
    ]


def remind() -> int:
    """Tell those who may publish policies which calendars lack a year. Returns how many there are."""
    found = missing(system_actor("policies"))
    readers = people.holders_of([Permission.DOCUMENT_PUBLISH], ROOT_ID) if found else []
    for one in found:
        notices.send(readers, MISSING, _said(one), ("document", f"{KIND}/{one.calendar}"), ROOT_ID)
    return len(found)


def _said(one: Missing) -> Text:
    if one.provisional:
        return Text(
            f"日历“{one.calendar}”的 {one.year} 年节假日是暂定的，公布后请导入正式安排。",
            f"The days of {one.year} in the calendar “{one.calendar}” are provisional: import them once announced.",
        )
    return Text(
        f"日历“{one.calendar}”缺少 {one.year} 年的节假日与调休，请导入后发布。",
        f"The calendar “{one.calendar}” lacks the holidays and make-up workdays of {one.year}: import and publish "
        "them.",
    )


def _lacking(name: str, days: Sequence[dict[str, Any]], year: int) -> Missing | None:
    there = [day for day in days if day["date"].startswith(f"{year}-")]
    if any(not day.get("provisional") for day in there):
        return None
    return Missing(calendar=name, year=year, provisional=bool(there))
