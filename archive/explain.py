"""May this be done? An act of a phone judged with the counters that its archived records give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from archive import contacts_made
from archive.contacts_made import Contacts
from core import clock
from core.actor import Actor
from core.errors import Invalid
from core.http.fields import Body, Instant
from core.permissions import Permission
from core.text import Text
from policies import explain_act
from policies.engine import Call, Message
from policies.engine.situation import Direction
from policies.engine.vocabulary import Relation
from policies.views import ActView

FARTHEST = timedelta(days=366)
Address = Annotated[str, Field(min_length=1, max_length=256)]


class Act(Body):
    """A call, or a message with its `text`, to or from a `contact` (point or address) at a minute (now).

    `counters` are figures by name, for what the records do not tell.
    """

    kind: Literal["call", "message"]
    direction: Direction = "out"
    channel: Annotated[str, Field(min_length=1, max_length=16)] = "call"
    contact: Address | None = None
    at: Instant | None = None
    text: Annotated[str, Field(max_length=20_000)] = ""
    relation: Relation | None = None
    known: bool = True
    lost_contact: bool = False
    recorder: bool = True
    counters: dict[Annotated[str, Field(max_length=200)], int] = Field(default_factory=dict, max_length=100)


def explain(actor: Actor, device_id: str, act: Act) -> ActView:
    """Whether a phone in the actor's scope may do this, and why.

    Counters come from its archived records where the actor may read those (the audit log keeps it); else they are not
    known, and the rules that look at them are named without a figure. Raises NotFound, and Conflict without a policy.
    """
    actor.require(Permission.DOCUMENT_READ)
    if act.at is not None and act.at > clock.now() + FARTHEST:
        raise Invalid("too_far", Text("时间最多为一年以后。", "The minute is at most a year ahead."), path="at")
    on = explain_act.ground(actor, device_id, act.at)
    made = Contacts({}, {})
    if act.direction == "out" and actor.may(Permission.ARCHIVE_READ):
        made = contacts_made.count(actor, device_id, act.contact, on.counters, on.explained.at, on.talk_seconds)
    return explain_act.judge(on, _situation(act, on.explained.at, {**made.counters, **act.counters}, made.last))


def _situation(act: Act, minute: datetime, counters: Mapping[str, int], last: Mapping[str, datetime]) -> Call | Message:
    shared: dict[str, Any] = {
        "minute": minute,
        "direction": act.direction,
        "relation": act.relation,
        "known": act.known,
        "lost_contact": act.lost_contact,
        "counters": dict(counters),
        "last_contact": dict(last),
    }
    if act.kind == "call":
        return Call(**shared, recorder=act.recorder)
    return Message(**shared, channel=act.channel, text=act.text)
