"""When and how often somebody may be contacted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from policies.engine.actions import Action
from policies.engine.counters import Counter
from policies.engine.forms import Window, Wire, Zone, words
from policies.engine.registry import Known, register
from policies.engine.situation import Call, Message, Situation
from policies.engine.verdict import Because, CounterUse
from policies.engine.vocabulary import Counted, CounterKey, Relation
from policies.engine.windows import end_of_daily, in_daily

Contact = Call | Message


class QuietHours(Wire):
    """Daily windows, in seconds from midnight of their zone, in which nobody is contacted."""

    id: str
    timezone: Zone
    windows: list[Window]


class Rule(Wire):
    """So many of what is counted in a window (`day` is a calendar day of the zone), or a gap between
    attempts.
    """

    id: str
    key: CounterKey
    count: Counted | None = None
    max: int | None = None
    window: Literal["day"] | Annotated[int, Field(gt=0)] | None = None
    timezone: Zone | None = None
    min_gap: int | None = None
    action: Literal["alert", "warn", "delay", "approval", "block"]

    def counter(self) -> Counter | None:
        """The counter that this rule looks at; None for a gap."""
        if self.count is None or self.window is None:
            return None
        return Counter(key=self.key, count=self.count, window=self.window, timezone=self.timezone)


class ContactLimits(Wire):
    """All limits of contact."""

    quiet_hours: list[QuietHours] | None = None
    rules: list[Rule] | None = None
    effective_talk_seconds: int | None = None
    relations: dict[Relation, Action] | None = None
    unknown_number: Action | None = None


def judge(rule: ContactLimits, situation: Situation, _known: Known) -> Iterator[Because]:
    """Outgoing calls and messages: quiet hours, the relation, unknown numbers, counted limits and gaps."""
    if not isinstance(situation, Call | Message) or situation.direction != "out":
        return
    yield from _quiet(rule, situation)
    yield from _people(rule, situation)
    for limit in rule.rules or ():
        yield from _counted(limit, situation)
        yield from _gap(limit, situation)


def _quiet(rule: ContactLimits, contact: Contact) -> Iterator[Because]:
    for quiet in rule.quiet_hours or ():
        if in_daily(contact.minute, quiet.timezone, quiet.windows):
            text = words("现在是免打扰时段。", "These are quiet hours.")
            until = end_of_daily(contact.minute, quiet.timezone, quiet.windows)
            yield Because(rule=quiet.id, action="block", text=text, until=until)


def _people(rule: ContactLimits, contact: Contact) -> Iterator[Because]:
    if not contact.known and rule.unknown_number not in (None, "allow"):
        text = words("对方不在通讯录中。", "The other side is not in the contact book.")
        yield Because(rule="contact_limits/unknown_number", action=rule.unknown_number, text=text)
    action = (rule.relations or {}).get(contact.relation) if contact.relation else None
    if action is None or action == "allow":
        return
    name = f"contact_limits/relations/{contact.relation}"
    if action != "lost_contact_only":
        text = words("策略限制联系此类关系人。", "The policy limits contact with this kind of person.")
        yield Because(rule=name, action=action, text=text)
    elif not contact.lost_contact:
        text = words(
            "仅在客户失联时可以联系此人。",
            "This person may be contacted only when the customer cannot be reached.",
        )
        yield Because(rule=name, action=action, text=text)


def _counted(limit: Rule, contact: Contact) -> Iterator[Because]:
    counter = limit.counter()
    if counter is None or limit.max is None or (counter.count == "message") != isinstance(contact, Message):
        return
    value = contact.counters.get(counter.name)
    use = CounterUse(name=counter.name, value=value, limit=limit.max)
    if value is None:
        text = words("次数未知，未能判断此限制。", "The count is not known, so this limit was not judged.")
        yield Because(rule=limit.id, action="allow", text=text, counter=use)
    elif value >= limit.max:
        text = words(f"已达上限：{value}/{limit.max}。", f"The limit is reached: {value} of {limit.max}.")
        yield Because(rule=limit.id, action=limit.action, text=text, counter=use)
    else:
        text = words(f"未达上限：{value}/{limit.max}。", f"Below the limit: {value} of {limit.max}.")
        yield Because(rule=limit.id, action="allow", text=text, counter=use)


def _gap(limit: Rule, contact: Contact) -> Iterator[Because]:
    last = contact.last_contact.get(limit.key)
    if limit.min_gap is None or last is None or not isinstance(contact, Call):
        return
    until = last + timedelta(seconds=limit.min_gap)
    if contact.minute < until:
        text = words("两次拨打间隔太短。", "Too soon after the last attempt.")
        yield Because(rule=limit.id, action=limit.action, text=text, until=until)


register("contact_limits", ContactLimits, judge)
