"""Wake a waiting process when rows have arrived: LISTEN/NOTIFY on PostgreSQL, a short poll on SQLite.

A wake-up is a hint; whoever waits looks into the table, so a lost one costs a moment and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from core.log import get_logger
from core.uow import after_commit

POLL_SECONDS = 0.05
RECONNECT_SECONDS = 1.0

log = get_logger(__name__)
_local: dict[str, list[threading.Event]] = {}


def notify(current: Session, channel: str) -> None:
    """Wake waiters of the channel in every process once the current unit has committed."""
    key = f"wake:{channel}"
    if current.info.get(key):
        return
    current.info[key] = True
    if current.get_bind().dialect.name == "postgresql":
        current.execute(text(f"NOTIFY {channel}"))
    after_commit(lambda: _set(channel))


def _set(channel: str) -> None:
    for event in _local.get(channel, ()):
        event.set()


class Waiter:
    """Waits for one channel; `wait` returns when something may have arrived."""

    def __init__(self, engine: Engine, channel: str, stopped: Callable[[], bool]) -> None:
        self._event = threading.Event()
        self._stopped = stopped
        self._listens = engine.dialect.name == "postgresql"
        _local.setdefault(channel, []).append(self._event)
        if self._listens:
            address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            threading.Thread(
                target=self._listen, args=(address, channel), name=f"listen-{channel}", daemon=True
            ).start()

    def wait(self, seconds: float) -> None:
        """Wait up to the given seconds, or a short poll where nobody can notify across processes."""
        self._event.wait(seconds if self._listens else min(seconds, POLL_SECONDS))
        self._event.clear()

    def wake(self) -> None:
        """Make `wait` return now."""
        self._event.set()

    def _listen(self, address: str, channel: str) -> None:
        while not self._stopped():
            try:
                with psycopg.connect(address, autocommit=True) as connection:
                    connection.execute(f"LISTEN {channel}")
                    self._event.set()
                    while not self._stopped():
                        for _ in connection.notifies(timeout=1.0, stop_after=1):
                            self._event.set()
            except psycopg.Error as error:
                log.warning("listen_lost", channel=channel, error=type(error).__name__)
                threading.Event().wait(RECONNECT_SECONDS)
