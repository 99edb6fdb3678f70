"""What a phone does on its own while it hears nothing: after `maximum_offline_hours` it locks and erases the book."""

from __future__ import annotations

from agent.contacts import Book
from agent.core import Core
from agent.guard import Guard
from agent.handset import Handset
from agent.policy import PolicyDesk

CHECK_S = 60.0
OFFLINE = "offline"


class OfflineWatch:
    """Looks every minute at how long the server has been silent."""

    def __init__(self, core: Core, handset: Handset, policy: PolicyDesk, book: Book, guard: Guard) -> None:
        self._core = core
        self._handset = handset
        self._policy = policy
        self._book = book
        self._guard = guard

    def start(self) -> None:
        """Begin to watch."""
        self._core.loop.call_later(CHECK_S, self._tick)

    def _tick(self) -> None:
        self.check()
        self._core.loop.call_later(CHECK_S, self._tick)

    def check(self) -> None:
        """Judge the phone now; an unarchived queue is kept whatever happens."""
        self._guard.posture_check()
        rule = self._policy.rule("device")
        hours = rule.maximum_offline_hours if rule is not None else None
        if hours is not None and self._core.offline_for() > hours * 3600:
            if not self._handset.body.locked:
                self._handset.lock("离线时间过长，请联网后联系管理员。", OFFLINE)
            self._book.erase()

    def heard(self) -> None:
        """The server answered: a lock that came from silence alone is over."""
        if self._handset.body.locked and self._handset.body.lock_reason == OFFLINE:
            self._handset.unlock()
