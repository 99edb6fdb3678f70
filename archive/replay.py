"""Archived calls and messages as the rule engine's situations, in the order in which a phone made them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archive.contacts_made import SILENT_KINDS, counts_of, is_told, who
from mqtt.contract.records import Record
from policies.engine import Bundle, Call, Counter, Message, counters_for, talk_seconds
from policies.engine.scanning import MESSAGES_BEFORE, TAIL


def is_act(record: Record) -> bool:
    """Whether a record is of a call or a message."""
    return record.channel != "device" and record.kind not in SILENT_KINDS


@dataclass(slots=True)
class Phone:
    """What one phone did so far, as far as the rules of a bundle look back."""

    bundle: Bundle
    _made: dict[tuple[str, str | None], deque[datetime]] = field(default_factory=dict)
    _last: dict[str, datetime] = field(default_factory=dict)
    _said: OrderedDict[tuple[str, str], list[str]] = field(default_factory=OrderedDict)

    def situation(self, record: Record) -> Call | Message:
        """The next record as the engine sees it; afterwards it counts."""
        contact, counters = who(record), counters_for(self.bundle.rules)
        shared: dict[str, Any] = {
            "minute": record.at,
            "direction": record.direction,
            "counters": dict(self._figures(counters, contact, record.at)),
            "last_contact": self._last_of(contact),
        }
        made: Call | Message
        if record.channel == "call":
            made = Call(**shared, recorder=record.recorded is not False)
        else:
            place = (record.conversation, record.direction)
            before = self._said.get(place, [])
            self._said[place] = [*before, record.text[-TAIL:]][-MESSAGES_BEFORE:]
            made = Message(**shared, channel=record.channel, text=record.text, before=before)
        self._count(record, contact, counters)
        return made

    def _figures(self, counters: Sequence[Counter], contact: str | None, at: datetime) -> Iterator[tuple[str, int]]:
        for counter in counters:
            key = _key(counter, contact)
            if key is not None:
                times = self._made.get(key, deque())
                while times and times[0] < counter.since(at):
                    times.popleft()
                yield counter.name, len(times)

    def _last_of(self, contact: str | None) -> dict[str, datetime]:
        last = self._last.get(contact) if contact is not None else None
        return {"contact_point": last, "customer": last} if last else {}

    def _count(self, record: Record, contact: str | None, counters: Sequence[Counter]) -> None:
        if record.direction != "out" or record.blocked:
            return
        counted = counts_of(record, talk_seconds(self.bundle.rules))
        for counter in counters:
            key = _key(counter, contact)
            if key is not None and counter.count in counted:
                self._made.setdefault(key, deque()).append(record.at)
        if contact is not None and record.channel == "call":
            self._last[contact] = record.at


def _key(counter: Counter, contact: str | None) -> tuple[str, str | None] | None:
    """What a counter counts of this record; None for keys that records do not carry."""
    if not is_told(counter, contact):
        return None
    return counter.name, None if counter.key == "employee" else contact
