"""Location: off, or during working hours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from policies.engine.families.work_hours import WorkHours, closed, reopening
from policies.engine.forms import Wire, words
from policies.engine.registry import Known, register
from policies.engine.situation import LocationRequest, Situation
from policies.engine.verdict import Because


class Location(Wire):
    """When positions are taken, and how often."""

    mode: Literal["hours", "off"]
    every_minutes: int | None = None


def judge(rule: Location, situation: Situation, known: Known) -> Iterator[Because]:
    """No position while it is off, or outside the hours (unless they allow it outside)."""
    if not isinstance(situation, LocationRequest):
        return
    if rule.mode == "off":
        text = words("策略未开启定位。", "The policy takes no positions.")
        yield Because(rule="location/mode", action="block", text=text)
        return
    hours: list[WorkHours] = known.rules.get("work_hours") or []
    for constraint in closed(hours, situation.minute, known):
        if constraint.outside.location == "allow":
            continue
        text = words("工作时间之外不定位。", "No positions are taken outside working hours.")
        until = reopening(constraint, situation.minute, known)
        yield Because(rule=constraint.id, action="block", text=text, until=until)


register("location", Location, judge)
