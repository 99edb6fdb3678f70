"""The relay carries out outbox rows: each is claimed for a while, rendered, published, forgotten at its PUBACK."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from core import again, clock, outbox, wake
from core.db import db
from core.log import get_logger
from core.outbox import Due
from core.runtime import runtime
from core.uow import unit_of_work
from mqtt import effects
from mqtt.broker.types import NO_SUBSCRIBERS, ServiceEndpoint
from mqtt.client import ServiceClient
from mqtt.effects import Publish, Renderer
from mqtt.events import broker_forgot
from mqtt.packets import Answer, Outgoing

CLIENT_ID = "shouji-relay"
CLAIM = timedelta(seconds=30)
BATCH_ROWS = 500
MAX_OUTSTANDING = 2000
IDLE_SECONDS = 1.0
SETTLE_SECONDS = 0.05
RETRY_BASE_SECONDS, RETRY_MAX_SECONDS = 2, 300

log = get_logger(__name__)


@dataclass(slots=True)
class _Pending:
    """An outbox row under way: how many of its messages are unanswered, and whether each found a session."""

    row: Due
    twins: list[int]
    left: int = 0
    reached: bool = True


@dataclass(slots=True)
class _Flight:
    """What is on its way, by message id, and what arrived but is not settled yet."""

    by_mid: dict[int, _Pending] = field(default_factory=dict)
    finished: list[_Pending] = field(default_factory=list)
    finished_at: float = 0.0

    @property
    def outstanding(self) -> int:
        return len(self.by_mid)

    def finish(self, rows: Sequence[_Pending]) -> None:
        if rows and not self.finished:
            self.finished_at = clock.monotonic()
        self.finished += rows

    def take_finished(self) -> list[_Pending]:
        taken, self.finished = self.finished, []
        return taken

    def settles_now(self, now: float) -> bool:
        """While many answers come they are settled together: each transaction would wait for those of ingest."""
        waited = not self.by_mid or now - self.finished_at >= SETTLE_SECONDS
        return bool(self.finished) and (waited or len(self.finished) >= BATCH_ROWS)


class Relay:
    """Publishes what transactions left in the outbox, in one thread."""

    def __init__(self, app: Flask, endpoint: ServiceEndpoint) -> None:
        self._app = app
        self._stop = threading.Event()
        self._answers: queue.SimpleQueue[list[Answer]] = queue.SimpleQueue()
        self._flight = _Flight()
        self._forgot = False
        self._reconnected = False
        self._client = ServiceClient(endpoint, CLIENT_ID, on_answers=self._answered, on_connected=self._connected)
        with app.app_context():
            self._waiter = wake.Waiter(db.engine, outbox.WAKE_CHANNEL, self._stop.is_set)
        self._thread = threading.Thread(target=self._run, name="relay")
        self.published = 0
        self.failed = 0

    def start(self) -> None:
        """Connect and begin to publish."""
        self._client.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the present batch; claimed rows come up again by themselves."""
        self._stop.set()
        self._waiter.wake()
        self._thread.join()
        self._client.stop()

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self._client.connected

    def _answered(self, answers: list[Answer]) -> None:
        self._answers.put(answers)
        self._waiter.wake()

    def _connected(self, session_present: bool) -> None:
        self._forgot = not session_present
        self._reconnected = True
        self._waiter.wake()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._app.app_context():
                    busy = self._step()
            except Exception:
                log.exception("relay_step_failed")
                self._stop.wait(1.0)
                continue
            if not busy:
                self._waiter.wait(SETTLE_SECONDS if self._flight.finished else IDLE_SECONDS)

    def _step(self) -> bool:
        """Take answers, then settle, claim and publish; True when there may be more to do at once."""
        if self._forgot:
            self._forgot = False
            with unit_of_work():
                broker_forgot.send(self)
        self._take_answers()
        if self._reconnected or not self._client.connected:
            self._release()
        claimed = self._turn()
        for effect, pending in _by_effect(claimed).items():
            self._carry_out(effect, pending)
        return len(claimed) == BATCH_ROWS

    def _turn(self) -> list[Due]:
        """Forget what is finished and claim what is due, both in one transaction."""
        may_claim = self._client.connected and MAX_OUTSTANDING - self._flight.outstanding >= BATCH_ROWS
        if not self._flight.settles_now(clock.monotonic()) and not (may_claim and _anything_due()):
            return []
        # Taken out beforehand: rows that cannot be settled are sent again later and hold up nothing.
        finished = self._flight.take_finished()
        return again.run(lambda: _settle_and_claim(finished, BATCH_ROWS if may_claim else 0), "relay:claim")

    def _carry_out(self, effect: str, pending: list[_Pending]) -> None:
        rows = [item.row for item in pending]
        performer, renderer = effects.performer(effect), effects.renderer(effect)
        try:
            if performer:
                performer(rows)
                self._flight.finish(pending)
            elif renderer:
                messages = again.run(lambda: _rendered(effect, renderer, rows), f"relay:{effect}")
                self._publish(pending, messages)
            else:
                raise LookupError(f"nobody carries out {effect}")
        except Exception:
            log.exception("effect_failed", effect=effect, rows=len(rows))
            self.failed += len(rows)
            self._retry(pending)

    def _publish(self, pending: list[_Pending], messages: Sequence[Publish]) -> None:
        by_row = {item.row.id: item for item in pending}
        outgoing = [Outgoing(one.topic, one.payload, one.retain, one.expiry_s) for one in messages]
        mids = self._client.publish_all(outgoing)
        if len(mids) < len(messages):
            self._unclaim(pending)
            return
        for mid, message in zip(mids, messages, strict=True):
            item = by_row[message.row_id]
            item.left += 1
            self._flight.by_mid[mid] = item
        self.published += len(messages)
        self._flight.finish([item for item in pending if item.left == 0])

    def _take_answers(self) -> None:
        finished: list[_Pending] = []
        for mid, reason in self._waiting_answers():
            item = self._flight.by_mid.pop(mid, None)
            if item is None:
                continue
            item.left -= 1
            item.reached &= reason < NO_SUBSCRIBERS
            if item.left == 0:
                finished.append(item)
        self._flight.finish(finished)

    def _waiting_answers(self) -> Iterator[Answer]:
        while True:
            try:
                yield from self._answers.get_nowait()
            except queue.Empty:
                return

    def _release(self) -> None:
        """What had no answer when the connection ended is due again at once."""
        self._reconnected = False
        lost = {item.row.id: item for item in self._flight.by_mid.values()}
        self._flight.by_mid.clear()
        self._unclaim(list(lost.values()))

    def _unclaim(self, pending: Sequence[_Pending]) -> None:
        if pending:
            with unit_of_work() as current:
                ids = [row_id for item in pending for row_id in (item.row.id, *item.twins)]
                outbox.postpone(current, ids, clock.now())

    def _retry(self, pending: Sequence[_Pending]) -> None:
        with unit_of_work() as current:
            for item in pending:
                delay = min(RETRY_MAX_SECONDS, RETRY_BASE_SECONDS * 2 ** min(item.row.attempts, 10))
                outbox.postpone(current, [item.row.id, *item.twins], clock.now() + timedelta(seconds=delay))


def _settle_and_claim(finished: Sequence[_Pending], most: int) -> list[Due]:
    with unit_of_work() as current:
        _forget(current, finished)
        rows = outbox.due(current, most) if most else []
        outbox.postpone(current, [row.id for row in rows], clock.now() + CLAIM)
    return rows


def _rendered(effect: str, renderer: Renderer, rows: Sequence[Due]) -> Sequence[Publish]:
    with unit_of_work(write=effects.writes(effect)):
        return renderer(rows, runtime().ring.signing_keys()[0])


def _anything_due() -> bool:
    with unit_of_work(write=False) as current:
        return bool(outbox.due(current, 1))


def _forget(current: Session, finished: Sequence[_Pending]) -> None:
    """Forget rows in the transaction of what their settlers write."""
    for effect, items in _grouped(finished).items():
        settler = effects.settler(effect)
        if settler:
            settler([item.row for item in items if item.reached], [item.row for item in items if not item.reached])
    outbox.settle(current, [row_id for item in finished for row_id in (item.row.id, *item.twins)])


def _grouped(items: Sequence[_Pending]) -> dict[str, list[_Pending]]:
    groups: dict[str, list[_Pending]] = defaultdict(list)
    for item in items:
        groups[item.row.effect].append(item)
    return groups


def _by_effect(rows: Sequence[Due]) -> dict[str, list[_Pending]]:
    """Rows by effect; of equal ones without detail one stands for all: it is rendered from the truth anyway."""
    newest: dict[tuple[str, str], _Pending] = {}
    groups: dict[str, list[_Pending]] = defaultdict(list)
    for row in rows:
        twin = None if row.detail else newest.get((row.effect, row.key))
        if twin:
            twin.twins.append(row.id)
            continue
        item = _Pending(row, [])
        if not row.detail:
            newest[(row.effect, row.key)] = item
        groups[row.effect].append(item)
    return groups
