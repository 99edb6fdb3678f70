"""Ingest: device messages become rows in batches; a message is acknowledged after its batch committed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from core import clock
from core.again import sqlstate
from core.log import get_logger
from core.uow import start_writing, unit_of_work
from mqtt import dead_letters
from mqtt.broker.types import ServiceEndpoint
from mqtt.buckets import Buckets
from mqtt.client import ServiceClient
from mqtt.contract import topics
from mqtt.events import flooded
from mqtt.packets import Received
from mqtt.routes import Inbound, Refusal, Retry, Router

BATCH_MESSAGES = 500
BATCH_SECONDS = 0.02
BUSY_MESSAGES = 20
IDLE_SECONDS = 0.5
BACKOFF_MAX_SECONDS = 5.0
CLIENT_ID = "shouji-ingest"
TOPIC_PARTS = 6

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Delivery:
    message: Inbound
    mid: int


class Ingest:
    """Reads all `up/` messages with one persistent session and stores them."""

    def __init__(self, app: Flask, router: Router, endpoint: ServiceEndpoint, buckets: Buckets) -> None:
        self._app, self._router, self._buckets = app, router, buckets
        # Bounded by the Receive Maximum: the broker holds back what comes after.
        self._waiting: deque[_Delivery] = deque()
        self._came = threading.Event()
        self._busy = False
        self._stop = threading.Event()
        self._client = ServiceClient(endpoint, CLIENT_ID, subscribe=topics.ALL_UP, on_messages=self._arrived)
        self._thread = threading.Thread(target=self._run, name="ingest")
        self.stored = 0
        self.refused = 0
        self.dropped = 0

    def start(self) -> None:
        """Connect and begin to store."""
        self._thread.start()
        self._client.start()

    def stop(self) -> None:
        """Store what is in hand, then end; what was not acknowledged comes again."""
        self._stop.set()
        self._thread.join()
        self._client.stop()

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self._client.connected

    def _arrived(self, burst: Sequence[Received]) -> None:
        at, tick = clock.now(), clock.monotonic()
        dropped = []
        for topic, payload, retained, mid in burst:
            parts = topic.split("/")
            if retained or len(parts) != TOPIC_PARTS or not self._buckets.allow(parts[3], len(payload), tick):
                dropped.append(mid)
            else:
                self._waiting.append(_Delivery(Inbound(parts[3], parts[5], payload, at), mid))
        self.dropped += len(dropped)
        self._acknowledge(dropped)
        if self._waiting and not self._came.is_set():
            self._came.set()

    def _acknowledge(self, mids: Sequence[int]) -> None:
        # A message of QoS 0 has no id, and the broker ends a connection that acknowledges one.
        self._client.ack_all([mid for mid in mids if mid])

    def _run(self) -> None:
        while not self._stop.is_set():
            batch = self._collect()
            if batch:
                self._store(batch)
            self._report_floods()

    def _collect(self) -> list[_Delivery]:
        """What waits, up to a batch. Only while much comes is it worth a moment to let the batch fill."""
        self._came.wait(IDLE_SECONDS)
        self._came.clear()
        if self._busy and len(self._waiting) < BATCH_MESSAGES:
            self._fill()
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MESSAGES))]
        if self._waiting:
            self._came.set()
        self._busy = len(batch) >= BUSY_MESSAGES
        return batch

    def _fill(self) -> None:
        deadline = clock.monotonic() + BATCH_SECONDS
        while len(self._waiting) < BATCH_MESSAGES and clock.monotonic() < deadline:
            if self._stop.wait(BATCH_SECONDS / 4):
                return

    def _store(self, batch: Sequence[_Delivery]) -> None:
        pause = 0.1
        while not self._stop.is_set():
            try:
                self._divide([delivery.message for delivery in batch])
            except (OperationalError, InterfaceError, Retry) as error:
                log.warning("ingest_waits", error=type(error).__name__, sqlstate=sqlstate(error), messages=len(batch))
                self._stop.wait(pause)
                pause = min(BACKOFF_MAX_SECONDS, pause * 2)
                continue
            self._acknowledge([delivery.mid for delivery in batch])
            return

    def _divide(self, messages: Sequence[Inbound]) -> None:
        """Store a batch; one that fails is halved until the message that cannot be stored stands alone."""
        try:
            self._commit(messages)
        except (OperationalError, InterfaceError, Retry):
            raise
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise Retry from error
            if len(messages) == 1:
                log.exception("poison_message", kind=messages[0].kind, device=messages[0].device_id)
                self._quarantine([Refusal(messages[0], "crash", type(error).__name__)])
                return
            middle = len(messages) // 2
            self._divide(messages[:middle])
            self._divide(messages[middle:])

    def _commit(self, messages: Sequence[Inbound]) -> None:
        with self._app.app_context(), unit_of_work(reading=True):
            refusals = self._router.handle(messages, start_writing)
            start_writing()
            dead_letters.keep(refusals)
        self.stored += len(messages) - len(refusals)
        self.refused += len(refusals)

    def _quarantine(self, refusals: list[Refusal]) -> None:
        with self._app.app_context(), unit_of_work():
            dead_letters.keep(refusals)
        self.refused += len(refusals)

    def _report_floods(self) -> None:
        devices = self._buckets.take_flooding()
        if not devices:
            return
        try:
            with self._app.app_context(), unit_of_work():
                flooded.send(self, devices=devices)
        except Exception:
            log.exception("flood_report_failed", devices=len(devices))
