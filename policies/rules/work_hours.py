"""Working hours: a list of constraints, each with its own zone and calendar; all must be open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from core.text import Text
from policies.engine.actions import Action, rank
from policies.engine.windows import WEEKDAYS
from policies.rules.algebra import Constraints, Value
from policies.rules.forms import DAY, DEFAULT_ZONE, CalendarName, Spec, Window, Zone, fault
from policies.rules.registry import Family, register

OutsideAction = Literal["allow", "alert", "warn", "delay", "approval", "block"]


def days_of(key: str) -> Iterator[str]:
    """`mon`, `mon-fri` (it may wrap: `sat-mon`) or `mon,wed`. Raises a `fault`."""
    for part in key.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise fault("weekday", "星期写成 mon、mon-fri 或 mon,wed。", "Write days as mon, mon-fri or mon,wed.")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        yield from (WEEKDAYS[(start + step) % 7] for step in range((end - start) % 7 + 1))


def _weekly(value: dict[str, list[tuple[int, int]]]) -> dict[str, list[tuple[int, int]]]:
    days: dict[str, set[tuple[int, int]]] = {}
    for key, windows in value.items():
        for day in days_of(key):
            days.setdefault(day, set()).update(windows)
    return {day: sorted(days[day]) for day in WEEKDAYS if day in days}


class Outside(Spec):
    """What holds while the hours are closed."""

    call_out: OutsideAction | None = None
    message_out: OutsideAction | None = None
    call_in: OutsideAction | None = None
    location: Literal["allow", "off"] | None = None
    apps: Literal["allow", "lock"] | None = None


class WorkHours(Spec):
    """The member `work_hours` of a policy."""

    timezone: Zone = DEFAULT_ZONE
    calendar: CalendarName | None = None
    weekly: Annotated[dict[str, list[Window]], AfterValidator(_weekly), Field(min_length=1)]
    outside: Outside = Outside()


def _compile(spec: WorkHours, policy: str) -> Value:
    return [{"id": f"{policy}/work_hours", **spec.plain()}]


def _covers(old: Mapping[str, Value], new: Mapping[str, Value]) -> bool:
    same_clock = old["timezone"] == new["timezone"] and old.get("calendar") == new.get("calendar")
    return same_clock and _narrower(old["weekly"], new["weekly"]) and _stricter(old["outside"], new["outside"])


def _narrower(old: Mapping[str, Value], new: Mapping[str, Value]) -> bool:
    return all(_minutes(new.get(day, [])) <= _minutes(old.get(day, [])) for day in WEEKDAYS)


def _minutes(windows: list[list[int]]) -> set[int]:
    return {m for start, end in windows for m in range(start // 60, (end if end > start else end + DAY) // 60)}


def _stricter(old: Mapping[str, Action], new: Mapping[str, Action]) -> bool:
    return all(_weight(new.get(name, "allow")) >= _weight(value) for name, value in old.items())


def _weight(word: str) -> int:
    return 1 if word == "off" else rank(word)  # type: ignore[arg-type]


FAMILY = register(
    Family(
        name="work_hours",
        title=Text("工作时间", "Working hours"),
        spec=WorkHours,
        compile=_compile,
        operator=Constraints(_covers),
    )
)
