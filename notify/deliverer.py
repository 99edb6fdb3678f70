"""The deliverer carries notifications out beside the relay: whoever answers slowly keeps nobody else waiting.

Each channel is a lane: one message at a time, lanes beside each other. What is due is claimed for a while in the
outbox, so a server that dies in the middle sends it again, with the same id.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from flask import Flask

from core import clock, outbox
from core.log import get_logger
from core.outbox import Due
from core.uow import unit_of_work
from notify import attempts
from notify.deliveries import EFFECT, MAIL_LANE

CLAIM = timedelta(minutes=2)
BATCH = 200
MOST_HELD = 2000
LANES = 8
POLL_SECONDS = 1.0

log = get_logger(__name__)


class Deliverer:
    """Sends what transactions left in the outbox for people."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Due]] = {}
        self._held: set[int] = set()
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="deliver")
        self._thread = threading.Thread(target=self._run, name="deliverer")

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempts that are under way; the rest is due again at once."""
        self._stop.set()
        self._thread.join()
        self._pool.shutdown(wait=True)
        with self._lock:
            rest = sorted(self._held)
        with self._app.app_context():
            _put_back(rest, 0.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._app.app_context():
                    self._step()
            except Exception:
                log.exception("deliverer_step_failed")
            self._stop.wait(POLL_SECONDS)

    def _step(self) -> None:
        """Claim what is due and hand it to its lanes."""
        with unit_of_work(write=False) as current:
            if not outbox.due(current, 1, EFFECT):
                return
        with self._lock:
            room = min(BATCH, MOST_HELD - len(self._held))
        if room <= 0:
            return
        with unit_of_work() as current:
            rows = outbox.due(current, room, EFFECT)
            outbox.postpone(current, [row.id for row in rows], clock.now() + CLAIM)
        for row in rows:
            self._accept(row)

    def _accept(self, row: Due) -> None:
        """Put a row into its lane; one that waits there already only had its claim renewed."""
        lane = str(row.detail.get("lane", MAIL_LANE))
        with self._lock:
            if row.id in self._held:
                return
            self._held.add(row.id)
            waiting = self._lanes.get(lane)
            if waiting is not None:
                waiting.append(row)
                return
            self._lanes[lane] = deque([row])
        self._pool.submit(self._drain, lane)

    def _drain(self, lane: str) -> None:
        """Send a lane's messages one by one; the first failure puts the rest of them off, too."""
        while (row := self._next(lane)) is not None:
            taken = [row]
            try:
                with self._app.app_context():
                    pause = attempts.carry_out(row)
                    if pause is not None:
                        rest = self._take_all(lane)
                        taken += rest
                        _put_back([one.id for one in rest], pause)
            except Exception:
                # What was taken is still claimed, so it comes up again when the claim ends.
                log.exception("delivery_crashed", delivery=row.key)
            finally:
                self._forget(taken)

    def _next(self, lane: str) -> Due | None:
        with self._lock:
            waiting = self._lanes[lane]
            if waiting and not self._stop.is_set():
                return waiting.popleft()
            del self._lanes[lane]
            return None

    def _take_all(self, lane: str) -> list[Due]:
        with self._lock:
            rest = list(self._lanes[lane])
            self._lanes[lane].clear()
            return rest

    def _forget(self, rows: Sequence[Due]) -> None:
        with self._lock:
            self._held.difference_update(row.id for row in rows)


def _put_back(row_ids: Sequence[int], pause: float) -> None:
    if row_ids:
        with unit_of_work() as current:
            outbox.postpone(current, row_ids, clock.now() + timedelta(seconds=pause))
