"""Clocks of a phone: its own wall clock, which may be wrong, and server time, which it learns."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from mqtt.contract.limits import CLOCK_SKEW_S


def wall() -> datetime:
    """The host's wall clock, aware UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never steps."""
    return time.monotonic()


class PhoneClock:
    """Server time: the highest verified `iat` plus monotonic time since (§8); else the phone's wall clock.

    `offset` is how far the phone's own wall clock is off, in seconds; tests and the handset set it.
    """

    def __init__(self, offset: float = 0.0, highest_iat: int = 0, last_iat: int = 0) -> None:
        self.offset = offset
        self.highest_iat = highest_iat
        self.last_iat = last_iat
        self._reference: float | None = None
        self._learned_at = 0.0

    @property
    def known(self) -> bool:
        """Whether this run has heard the server's time."""
        return self._reference is not None

    def learn(self, iat: int) -> None:
        """Take the `iat` of a verified JWS; an older one than the time known changes nothing."""
        self.highest_iat = max(self.highest_iat, iat)
        if self._reference is None or iat > self.server_time():
            self._reference = float(iat)
            self._learned_at = monotonic()

    def server_time(self) -> float:
        """Unix seconds by the server's clock where known, else by the phone's; never before a known `iat`."""
        if self._reference is not None:
            return self._reference + monotonic() - self._learned_at
        return max(self.phone_time().timestamp(), float(self.highest_iat))

    def server_now(self) -> datetime:
        """`server_time` as a datetime."""
        return datetime.fromtimestamp(self.server_time(), UTC)

    def phone_time(self) -> datetime:
        """What the phone's wall clock shows."""
        return wall() + timedelta(seconds=self.offset)

    def next_iat(self) -> int:
        """`iat` of the next message: it does not decrease.

        One that a wrong wall clock put far ahead is let go: the server counted it as its receive time.
        """
        now = int(self.server_time())
        stale = self.last_iat > now + CLOCK_SKEW_S
        self.last_iat = now if stale else max(now, self.last_iat)
        return self.last_iat
