"""Mosquitto's log, line by line, turned into events; session takeovers are counted on the way."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import IO

from core.clock import monotonic
from core.log import get_logger
from mqtt.broker.acl import CANARY_IDS

TAKEOVER_LIMIT = 3
TAKEOVER_SECONDS = 600.0
TRACKED_DEVICES = 10_000
KEPT_LINES = 20

_TAKEN_OVER = re.compile(r"Client (\S+) already connected, closing old connection\.")
_CONNECTED = re.compile(r"New client connected from \S* as (\S+) \(p\d, c\d, k\d+(?:, u'([^']*)')?\)\.")
_DROPPED = re.compile(r"Outgoing messages are being dropped for client (\S+)\.")
_RELOADED = re.compile(r"Reloading config\.")
# What every connection and every canary leaves behind, and what is as we want it.
_CHATTER = re.compile(
    r"New connection from |New client connected |Client \S+ (?:disconnected|closed|already|has exceeded)|"
    r"OpenSSL Error\[\d+\]: |Client connection from \S+ failed: |Saving in-memory database|"
    r"Warning: Unable to set TCP_NODELAY|Note: It is recommended to replace `message_size_limit`|"
    r"Warning: ACL pattern 'shouji/v1/blobs/\+'"
)
_TROUBLE = re.compile(r"(?i)error|unable|exceeded")

log = get_logger(__name__)


class TakeoverCounter:
    """Counts how often a device's session was taken over by a second connection of the same identity."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, device_id: str) -> int | None:
        """Note one takeover. When it is the third in ten minutes, that number (and counting starts anew), else None."""
        now = self._clock()
        times = self._seen.setdefault(device_id, deque(maxlen=TAKEOVER_LIMIT))
        self._seen.move_to_end(device_id)
        times.append(now)
        while now - times[0] > TAKEOVER_SECONDS:
            times.popleft()
        if len(self._seen) > TRACKED_DEVICES:
            self._seen.popitem(last=False)
        if len(times) < TAKEOVER_LIMIT:
            return None
        del self._seen[device_id]
        return TAKEOVER_LIMIT


class LogFollower:
    """Reads the child's log in a thread of its own, so that the child never waits for us."""

    def __init__(self, stream: IO[bytes], counter: TakeoverCounter) -> None:
        self._stream = stream
        self._counter = counter
        self._pending: set[str] = set()
        self._clones: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self.reloaded = Event()
        """Set when the broker read its files again, by whoever's wish."""
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._thread = Thread(target=self._follow, name="broker-log", daemon=True)
        self._thread.start()

    def clones(self) -> list[tuple[str, int]]:
        """Devices whose takeovers reached the limit since the last call, with the count."""
        found = []
        while True:
            try:
                found.append(self._clones.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """Wait until the stream has ended (the child is gone)."""
        self._thread.join(timeout=5)
        self._stream.close()

    def _follow(self) -> None:
        for raw in self._stream:
            line = raw.decode("utf-8", "replace").rstrip()
            try:
                self._read(line)
            except Exception:
                log.exception("broker_log_unreadable")

    def _read(self, line: str) -> None:
        self.last_lines.append(line)
        if match := _TAKEN_OVER.fullmatch(line):
            self._note_pending(match[1])
        elif match := _CONNECTED.fullmatch(line):
            self._connected(match[1], match[2])
        elif match := _DROPPED.fullmatch(line):
            log.error("broker_drops_messages", client=match[1])
        elif _RELOADED.match(line):
            self.reloaded.set()
        elif _CHATTER.match(line):
            log.debug("broker_log", line=line)
        elif _TROUBLE.search(line):
            log.warning("broker_log", line=line)
        else:
            log.info("broker_log", line=line)

    def _note_pending(self, client_id: str) -> None:
        if len(self._pending) >= TRACKED_DEVICES:
            self._pending.clear()
        self._pending.add(client_id)

    def _connected(self, client_id: str, username: str | None) -> None:
        log.debug("broker_client_connected", client=client_id, user=username)
        if client_id not in self._pending:
            return
        self._pending.discard(client_id)
        # The server's own kick takes a session over too, but under a service user's name.
        if username == client_id and client_id not in CANARY_IDS:
            reached = self._counter.count(client_id)
            log.info("broker_session_taken_over", device=client_id)
            if reached:
                self._clones.put((client_id, reached))
