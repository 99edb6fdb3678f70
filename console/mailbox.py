"""What one open page has not been told yet: bounded, and merged into one message however much happens."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from core.actor import Actor

MAX_IDS = 200


@dataclass(frozen=True, slots=True)
class Change:
    """What changed: these ids, or, when they were too many to name, just something (`None`)."""

    ids: tuple[str, ...] | None


class Mailbox:
    """Filled by the reader thread, emptied by the thread that writes one page's stream."""

    def __init__(self, actor: Actor, topic: str) -> None:
        self.actor = actor
        self.topic = topic
        self._ready = threading.Condition()
        self._ids: set[str] = set()
        self._many = False

    def put(self, ids: Iterable[str] | None) -> None:
        """Add ids, or None for "something"; never blocks and never grows beyond its bound."""
        with self._ready:
            if ids is None:
                self._many = True
            else:
                self._ids.update(ids)
            self._many = self._many or len(self._ids) > MAX_IDS
            if self._many:
                self._ids.clear()
            if self._many or self._ids:
                self._ready.notify()

    def take(self, seconds: float) -> Change | None:
        """What came since the last time, waiting up to the given seconds for something."""
        with self._ready:
            if not self._many and not self._ids:
                self._ready.wait(seconds)
            if not self._many and not self._ids:
                return None
            found = Change(None if self._many else tuple(sorted(self._ids)))
            self._many = False
            self._ids.clear()
            return found
