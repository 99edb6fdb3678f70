"""Being connected: connects, says hello, stays, comes back with back-off, and knows when to stop (§4, §5)."""

from __future__ import annotations

import logging
import ssl
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent import crypto
from agent.archive import Archive
from agent.backoff import Backoff
from agent.contacts import Book
from agent.core import Core
from agent.heart import Heart
from agent.identity import AGENT_VERSION
from agent.link import Link, Target, Watcher, Will
from agent.loop import Timer
from agent.notice import NoticeDesk
from agent.policy import PolicyDesk
from agent.status import StatusDesk
from mqtt.contract import topics
from mqtt.contract.names import Down, Typ, Up
from mqtt.contract.presence import Presence
from mqtt.contract.times import to_wire

log = logging.getLogger("agent.connection")
TRACED = 1_000


@dataclass
class Parts:
    """What the connection feeds and asks."""

    heart: Heart
    policy: PolicyDesk
    archive: Archive
    book: Book
    notice: NoticeDesk
    status: StatusDesk


Handler = Callable[[bytes], object]


class Connection(Watcher):
    """One phone's way to the broker."""

    def __init__(self, core: Core, parts: Parts, handlers: dict[Down, Handler]) -> None:
        self._core = core
        self._parts = parts
        self._handlers = handlers
        self._backoff = Backoff(core.rng, core.options.backoff_first, core.options.backoff_longest)
        self._link: Link | None = None
        self._leaving: dict[Link, Callable[[], object]] = {}
        self._context: ssl.SSLContext | None = None
        self._timer: Timer | None = None
        self._wanted = False
        self._refusals = 0
        self.ended = False
        self.connects = 0
        self._hello_timer: Timer | None = None
        self._fresh_timer: Timer | None = None
        self._unanswered = 0
        self.greeted: Callable[[], object] = lambda: None
        self.received: deque[tuple[str, bytes]] = deque(maxlen=TRACED)

    # Orders

    def start(self) -> None:
        """Connect, and stay connected."""
        if not self._wanted and not self.ended:
            self._wanted = True
            self._attempt()

    def stop(self, *, clean: bool = True, then: Callable[[], object] | None = None) -> None:
        """Leave: with a word (presence, DISCONNECT), or as one who loses the network; `then` runs when gone."""
        self._wanted = False
        if self._timer is not None:
            self._timer.cancel()
        self._say_no_hello()
        link, self._link = self._link, None
        self._core.link = None
        self._parts.heart.stop()
        if link is None:
            if then is not None:
                self._core.loop.call_soon(then)
            return
        self._leaving[link] = then or (lambda: None)
        if clean:
            link.close(topics.up(self._core.id, Up.PRESENCE), self._presence(online=False))
        else:
            link.drop()

    def finish(self, then: Callable[[], object] | None = None) -> None:
        """Leave for good."""
        self.stop(then=then)
        self.ended = True

    def reconnect(self, *, new_boot: bool) -> None:
        """Leave cleanly and come back, with what is now the certificate."""
        if new_boot:
            self._core.boot_id = str(uuid.uuid4())
        self._context = None
        self.stop(then=self.start)

    def sync(self) -> None:
        """Send hello, heartbeat and queue."""
        self._hello()
        self._parts.heart.beat()
        self._parts.archive.restart()

    # Life of a link

    def _attempt(self) -> None:
        if not self._wanted or self.ended:
            return
        identity = self._core.identity
        if self._context is None:
            self._context = crypto.tls_context(identity.ca, identity.certificate, self._core.keys.signing)
        self._core.connection = str(uuid.uuid4())
        target = Target(identity.broker_host, identity.broker_port, self._core.id, self._core.options.keep_alive)
        will = Will(topics.up(self._core.id, Up.PRESENCE), self._presence(online=False))
        self._link = Link(self._core.loop, target, self._context, will, self)
        self._link.open()

    def _presence(self, *, online: bool) -> bytes:
        return Presence(online=online, connection=self._core.connection).encode()

    def link_up(self, link: Link, *, session_present: bool) -> None:
        """CONNACK: subscribe, say hello, then everything that waited."""
        if link is not self._link:
            link.drop()
            return
        core = self._core
        core.link = link
        core.mqtt_closed = False
        self.connects += 1
        self._refusals = 0
        self._backoff.reset()
        link.subscribe(topics.all_down(core.id))
        self._unanswered = 0
        self._hello()
        core.publish(Up.PRESENCE, self._presence(online=True))
        self._parts.heart.start()
        self._parts.archive.restart()
        self._parts.notice.tell()
        self.greeted()

    def link_down(self, link: Link, reason: str, *, refused: bool) -> None:
        """The end of a link: come back later; ask for the status after repeated refusals."""
        gone = self._leaving.pop(link, None)
        if gone is not None:
            gone()
        if link is not self._link:
            return
        log.debug("the link ended: %s", reason)
        self._link = None
        self._core.link = None
        self._say_no_hello()
        self._parts.heart.stop()
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals and self._refusals % self._core.options.refusals_before_status == 0:
            self._core.mqtt_closed = True
            self._parts.status.ask()
        self.later()

    def later(self, least: float = 0.0) -> None:
        """Try again after the back-off, at least `least` seconds from now."""
        if self._timer is not None:
            self._timer.cancel()
        if self._wanted and not self.ended:
            self._timer = self._core.loop.call_later(max(least, self._backoff.next()), self._attempt)

    def renewed(self) -> None:
        """The certificate is a new one."""
        self._context = None

    # Messages

    def link_message(self, link: Link, topic: str, payload: bytes) -> None:
        """Hand a message to its desk; what the phone did not ask for is dropped."""
        if self._core.options.trace:
            self.received.append((topic, payload))
        self._core.weather.into(lambda: self.deliver(topic, payload))

    def deliver(self, topic: str, payload: bytes) -> None:
        """Hand a payload to the desk of its topic."""
        try:
            found = topics.parse(topic)
        except topics.BadTopic:
            return
        if isinstance(found, topics.BlobTopic):
            self._parts.policy.fetcher.on_blob(found.digest, payload)
        elif isinstance(found, topics.DownTopic) and found.device_id == self._core.id:
            self._handlers[found.kind](payload)

    def answered(self) -> None:
        """The server has answered this connection's hello; the next is due when this one has grown old."""
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None
            self._unanswered = 0
            # Heartbeats are not signed: a phone that stays connected shows by a hello that it is still itself.
            wait = self._core.options.hello_fresh * self._core.rng.uniform(0.75, 1.0)
            self._fresh_timer = self._core.loop.call_later(wait, self._hello)

    def _say_no_hello(self) -> None:
        for timer in (self._hello_timer, self._fresh_timer):
            if timer is not None:
                timer.cancel()
        self._hello_timer = self._fresh_timer = None

    def _hello(self) -> None:
        # A broker may lose a hello that it acknowledged; nothing else would heal that before the next connect.
        self._say_no_hello()
        wait = self._core.options.hello_again * 2.0 ** min(self._unanswered, 4) * self._core.rng.uniform(0.75, 1.25)
        self._unanswered += 1
        self._hello_timer = self._core.loop.call_later(wait, self._hello)
        self._core.publish(Up.HELLO, self._core.sign(Typ.HELLO, self.hello_members()).encode())

    def hello_members(self) -> dict[str, Any]:
        """The members of a hello at this moment (§5)."""
        core, parts = self._core, self._parts
        return {
            "connection": core.connection,
            "boot_id": core.boot_id,
            "agent_version": AGENT_VERSION,
            "capabilities": sorted(core.options.capabilities),
            "generation": parts.policy.generation,
            "highest_generation": parts.policy.highest,
            "bundle": parts.policy.digest,
            "reported": parts.policy.reported,
            "contacts_version": parts.book.version,
            "next_seq": parts.archive.next_seq,
            "oldest_seq": parts.archive.oldest_seq,
            "archived_through": parts.archive.receipt["seq"],
            "clock": to_wire(core.clock.phone_time()),
            "notice_version": parts.notice.accepted,
        }
