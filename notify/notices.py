"""The one way to tell people something.

A channel registers itself in its own module. It is called inside the sender's unit of work, so it writes rows and
outbox rows only: what leaves the server leaves through the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from core.text import Text


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell whom: a kind, a text without private content, and the thing `(kind, id)` that it is about."""

    person_ids: Sequence[str]
    kind: str
    text: Text
    about: tuple[str, str]


Channel = Callable[[Notice], None]

_channels: dict[str, Channel] = {}


def channel(name: str) -> Callable[[Channel], Channel]:
    """Register a channel by name; a second one of that name replaces the first."""

    def add(carry: Channel) -> Channel:
        _channels[name] = carry
        return carry

    return add


def send(person_ids: Collection[str], kind: str, text: Text, about: tuple[str, str]) -> None:
    """Tell each person once, by every channel, when the current unit of work commits."""
    unique = sorted(set(person_ids))
    if not unique:
        return
    notice = Notice(unique, kind, text, about)
    for carry in _channels.values():
        carry(notice)
