"""Routes of device messages: a message kind leads to a room's handler, as a Blueprint does for URLs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mqtt.contract.names import Up


@dataclass(frozen=True, slots=True, eq=False)
class Inbound:
    """One message of a device as it came, with the server's receive time."""

    device_id: str
    kind: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that changes nothing and goes to quarantine; `reason` is a stable code, `detail` holds no content."""

    message: Inbound
    reason: str
    detail: str = ""


class Retry(Exception):
    """The batch cannot be stored now (a database that is away): nothing is acknowledged, it is tried again."""


Handler = Callable[[Sequence[Inbound]], list[Refusal]]
Hold = Callable[[Sequence[Inbound]], None]


class DeviceRoutes:
    """A room's handlers by message kind.

    A handler gets messages of one kind, in order for each device, inside a unit of work. It returns those it refuses;
    what it raises makes the batch be halved until the culprit stands alone.
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.reading: set[str] = set()
        self.holds: list[Hold] = []

    def first(self, hold: Hold) -> Hold:
        """Register what a room does with a whole batch before any of its handlers: lock what they are going to change,
        in the order in which everybody does."""
        self.holds.append(hold)
        return hold

    def on(self, kind: Up | str, *, reads_first: bool = False) -> Callable[[Handler], Handler]:
        """Register a handler for one kind of message. One that `reads_first` calls `core.uow.start_writing` itself."""

        def add(handler: Handler) -> Handler:
            self.handlers[str(Up(kind))] = handler
            if reads_first:
                self.reading.add(str(Up(kind)))
            return handler

        return add


class Router:
    """All rooms' routes together."""

    def __init__(self, rooms: Iterable[DeviceRoutes]) -> None:
        self._handlers: dict[str, Handler] = {}
        self._reading: set[str] = set()
        self._holds: list[Hold] = []
        for room in rooms:
            self._reading |= room.reading
            self._holds += room.holds
            for kind, handler in room.handlers.items():
                if kind in self._handlers:
                    raise ValueError(f"two handlers for {kind}")
                self._handlers[kind] = handler

    def handle(self, batch: Sequence[Inbound], before_writing: Callable[[], None] = lambda: None) -> list[Refusal]:
        """Hand a batch to the handlers; the order of one device's messages is kept across kinds.

        `before_writing` is called before each handler that may write at once.
        """
        refusals: list[Refusal] = []
        for hold in self._holds:
            hold(batch)
        for kind, messages in _rounds(batch):
            handler = self._handlers.get(kind)
            if handler is None:
                refusals += [Refusal(message, "no_handler") for message in messages]
                continue
            if kind not in self._reading:
                before_writing()
            refusals += handler(messages)
        return refusals


def _rounds(batch: Sequence[Inbound]) -> list[tuple[str, list[Inbound]]]:
    """Group by kind; a device that changes its kind of message moves on to the next round."""
    groups: dict[tuple[int, str], list[Inbound]] = defaultdict(list)
    last: dict[str, tuple[int, str]] = {}
    for message in batch:
        number, kind = last.get(message.device_id, (0, message.kind))
        if kind != message.kind:
            number += 1
        last[message.device_id] = (number, message.kind)
        groups[(number, message.kind)].append(message)
    return [(kind, groups[(number, kind)]) for number, kind in sorted(groups, key=lambda key: key[0])]
