"""The one clock. Wall time is aware UTC; durations come from the monotonic clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware UTC, cut to milliseconds as the wire shows it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def unix() -> int:
    """The current time in whole seconds since the epoch."""
    return int(now().timestamp())


def unix_ms() -> int:
    """The current time in milliseconds since the epoch."""
    return round(now().timestamp() * 1000)


def monotonic() -> float:
    """Seconds on a clock that never steps back; only differences mean anything."""
    return time.monotonic()


def cpu() -> float:
    """Seconds of processor time that this thread has used; only differences mean anything."""
    return time.thread_time()


def from_unix(seconds: float) -> datetime:
    """Aware UTC time of the given seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def to_wire(moment: datetime) -> str:
    """RFC 3339, UTC, milliseconds, as every document on the wire carries it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_wire(text: str) -> datetime:
    """Parse an RFC 3339 time with a zone; the time in UTC. Raises ValueError when there is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return to_utc(moment)


def to_utc(moment: datetime) -> datetime:
    """An aware time in UTC. Raises ValueError at the ends of the calendar, where its zone leads beyond them."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
