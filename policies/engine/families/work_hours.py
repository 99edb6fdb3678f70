"""Working hours: all constraints must be open, else what they say of outside holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from policies.engine.actions import Action
from policies.engine.forms import Window, Wire, Zone, words
from policies.engine.registry import Known, register
from policies.engine.situation import AppLaunch, Call, Message, Situation
from policies.engine.verdict import Because
from policies.engine.windows import Weekday, is_open, next_opening

OutsideAction = Literal["allow", "alert", "warn", "delay", "approval", "block"]


class Outside(Wire):
    """What holds while the hours are closed.

    What is not named is allowed, but for the location, which is off.
    """

    call_out: OutsideAction | None = None
    message_out: OutsideAction | None = None
    call_in: OutsideAction | None = None
    location: Literal["allow", "off"] | None = None
    apps: Literal["allow", "lock"] | None = None


class WorkHours(Wire):
    """One constraint: weekly windows in seconds from midnight of its zone, and a calendar of exceptions."""

    id: str
    timezone: Zone
    calendar: str | None = None
    weekly: dict[Weekday, list[Window]]
    outside: Outside


def closed(rules: list[WorkHours], minute: datetime, known: Known) -> list[WorkHours]:
    """The constraints that are closed at a minute."""
    return [rule for rule in rules if not is_open(minute, rule.timezone, rule.weekly, known.exceptions(rule.calendar))]


def reopening(rule: WorkHours, minute: datetime, known: Known) -> datetime | None:
    """When a closed constraint opens again."""
    return next_opening(minute, rule.timezone, rule.weekly, known.exceptions(rule.calendar))


def judge(rules: list[WorkHours], situation: Situation, known: Known) -> Iterator[Because]:
    """Calls, messages and apps outside the hours."""
    for rule in closed(rules, situation.minute, known):
        action = _outside(rule.outside, situation)
        if action is None or action == "allow":
            continue
        text = words("现在不在工作时间内。", "It is outside working hours.")
        until = reopening(rule, situation.minute, known)
        yield Because(rule=rule.id, action=action, text=text, until=until)


def _outside(outside: Outside, situation: Situation) -> Action | None:
    match situation:
        case Call(direction="out"):
            return outside.call_out
        case Call(direction="in"):
            return outside.call_in
        case Message(direction="out"):
            return outside.message_out
        case AppLaunch():
            return outside.apps
    return None


register("work_hours", list[WorkHours], judge)
