"""The one way to tell people something.

A carrier registers itself in its own module. It is called inside the sender's unit of work, so it writes rows and
outbox rows only: what leaves the server leaves through the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from core.text import Text
from notify.topics import Topic, topic_of


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell whom: a kind, a text without private content, and the thing `(kind, id)` that it is about.

    `unit_id` is the org unit that it concerns; None concerns the whole organisation.
    """

    person_ids: Sequence[str]
    kind: str
    text: Text
    about: tuple[str, str]
    unit_id: str | None = None

    @property
    def topic(self) -> Topic:
        """What is known of its kind."""
        return topic_of(self.kind)


Carrier = Callable[[Notice], None]

_carriers: dict[str, Carrier] = {}


def carrier(name: str) -> Callable[[Carrier], Carrier]:
    """Register a carrier by name; a second one of that name replaces the first."""

    def add(carry: Carrier) -> Carrier:
        _carriers[name] = carry
        return carry

    return add


def send(
    person_ids: Collection[str], kind: str, text: Text, about: tuple[str, str], unit_id: str | None = None
) -> None:
    """Tell each person once, and the channels that ask for such things, when the current unit of work commits."""
    notice = Notice(sorted(set(person_ids)), kind, text, about, unit_id)
    for carry in _carriers.values():
        carry(notice)
