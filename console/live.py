"""One reader of the live feed per web process, and the open pages it tells what changed.

The reader starts with the first page and rests while none is open. Each page learns only the ids that its viewer may
see. An event that slips through (a commit that overtook another) costs nothing but time: pages also look by themselves.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flask import Flask, current_app

from console.mailbox import MAX_IDS, Mailbox
from core import live, wake
from core.actor import Actor
from core.db import db
from core.errors import Unavailable
from core.http.app import STOPPING
from core.log import get_logger
from core.permissions import Permission
from core.text import Text
from core.uow import unit_of_work
from fleet import queries
from fleet.commands import listing
from imports import uploads

EXTENSION = "shouji_live_hub"
PER_PERSON = 8
PAUSE_SECONDS = 0.15
WAIT_SECONDS = 1.0
REST_SECONDS = 60.0
WHOLE_FLEET = "fleet"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a page can follow: who may (None: everybody who is signed in), which feeds it is made of and how their keys
    name its things, and which of some ids a viewer sees (within a unit of work)."""

    demand: Permission | None
    feeds: Mapping[str, Callable[[str], str]]
    visible: Callable[[Actor, list[str]], set[str]]

    def may_follow(self, actor: Actor) -> bool:
        """Whether the actor may."""
        return self.demand is None or actor.may(self.demand)


def _whole(key: str) -> str:
    return key


def _first(key: str) -> str:
    return key.partition("/")[0]


def _fleet(actor: Actor, ids: list[str]) -> set[str]:
    """Phones in scope; what concerns all of the fleet is for everybody."""
    return queries.in_scope_of(actor, ids) | ({WHOLE_FLEET} & set(ids))


def _own(actor: Actor, ids: list[str]) -> set[str]:
    return {actor.id} & set(ids)


def _every(_actor: Actor, ids: list[str]) -> set[str]:
    """Whoever may read documents sees all of them."""
    return set(ids)


TOPICS = {
    "devices": Topic(Permission.DEVICE_READ, {"devices": _whole}, queries.in_scope_of),
    "device": Topic(Permission.DEVICE_READ, {"devices": _whole, "events": _first}, queries.in_scope_of),
    "overview": Topic(Permission.DEVICE_READ, {"devices": _whole, "freeze": _whole}, _fleet),
    "commands": Topic(Permission.COMMAND_READ, {"commands": _whole}, listing.in_scope_of),
    "rollouts": Topic(Permission.DOCUMENT_READ, {"rollouts": _whole}, _every),
    "shadow": Topic(Permission.DOCUMENT_READ, {"shadow": _whole}, _every),
    # What an exception or an edited policy does to a phone is told as a change of that phone.
    "compliance": Topic(Permission.COMPLIANCE_READ, {"devices": _whole}, queries.in_scope_of),
    "imports": Topic(None, {"imports": _whole}, uploads.in_scope_of),
    "notices": Topic(None, {"notices": _whole}, _own),
}


class Hub:
    """The open pages of this process and the thread that reads for them."""

    def __init__(self, app: Flask, capacity: int) -> None:
        self._app = app
        self._capacity = capacity
        self._boxes: set[Mailbox] = set()
        self._changed = threading.Condition()
        self._started = False

    @property
    def stopping(self) -> bool:
        """Whether this process is about to end."""
        told: Callable[[], bool] | None = self._app.extensions.get(STOPPING)
        return bool(told and told())

    def join(self, actor: Actor, topic: str) -> Mailbox:
        """A mailbox for one page. Raises Unavailable when all places are taken: the page looks by itself then."""
        box = Mailbox(actor, topic)
        # Whatever happened between the page and its stream is told at once.
        box.put(None)
        with self._changed:
            own = Counter(other.actor.id for other in self._boxes)[actor.id]
            if len(self._boxes) >= self._capacity or own >= PER_PERSON or self.stopping:
                raise _full()
            self._boxes.add(box)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="live", daemon=True).start()
            self._changed.notify_all()
        return box

    def leave(self, box: Mailbox) -> None:
        """A page is gone."""
        with self._changed:
            self._boxes.discard(box)

    def _run(self) -> None:
        with self._app.app_context():
            waiter = wake.Waiter(db.engine, live.WAKE_CHANNEL, lambda: self.stopping)
        last: int | None = None
        while not self.stopping:
            if not self._occupied():
                last = None
                continue
            last = self._look(last)
            # A short pause first, so that a burst of commits is read once.
            threading.Event().wait(PAUSE_SECONDS)
            waiter.wait(WAIT_SECONDS)

    def _occupied(self) -> bool:
        with self._changed:
            return bool(self._boxes) or self._changed.wait_for(lambda: bool(self._boxes), REST_SECONDS)

    def _look(self, last: int | None) -> int | None:
        """Read what came after `last` and hand it out; returns the newest id, None to begin afresh after an error."""
        try:
            with self._app.app_context(), unit_of_work(write=False) as current:
                newest = live.latest(current)
                # SQLite gives ids again once the feed was tidied up to its end.
                if last is None or newest < last:
                    self._tell_all()
                    return newest
                found = live.since(current, last)
                self._hand_out(_by_topic(found))
                return found[-1].id if found else last
        except Exception:
            log.exception("live_feed_failed")
            threading.Event().wait(WAIT_SECONDS)
            return None

    def _tell_all(self) -> None:
        for box in self._open():
            box.put(None)

    def _hand_out(self, ids: dict[str, set[str]]) -> None:
        seen: dict[tuple[str, str | None, str | None], set[str]] = {}
        for box in self._open():
            changed = ids.get(box.topic)
            if not changed:
                continue
            place = (box.topic, box.actor.unit_path, box.actor.id if TOPICS[box.topic].demand is None else None)
            if place not in seen:
                seen[place] = self._visible(box, changed)
            if seen[place]:
                box.put(None if len(seen[place]) > MAX_IDS else seen[place])

    def _visible(self, box: Mailbox, changed: set[str]) -> set[str]:
        found: set[str] = set()
        ordered = sorted(changed)
        for start in range(0, len(ordered), MAX_IDS):
            found |= TOPICS[box.topic].visible(box.actor, ordered[start : start + MAX_IDS])
            if len(found) > MAX_IDS:
                break
        return found

    def _open(self) -> list[Mailbox]:
        with self._changed:
            return list(self._boxes)


def _by_topic(events: Iterable[live.LiveEvent]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for name, topic in TOPICS.items():
            if event.topic in topic.feeds:
                found[name].add(topic.feeds[event.topic](event.key))
    return found


def register(app: Flask, threads: int) -> None:
    """Set up the hub of this application; half of the threads stay free for ordinary requests. Starts nothing."""
    app.extensions[EXTENSION] = Hub(app, max(1, threads // 2))


def hub() -> Hub:
    """The hub of the current application."""
    found: Hub = current_app.extensions[EXTENSION]
    return found


def _full() -> Unavailable:
    return Unavailable(
        "live_full",
        Text("实时连接已满，页面将定时刷新。", "All live places are taken; the page refreshes by itself instead."),
        headers={"Retry-After": "30"},
    )
