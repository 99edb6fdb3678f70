"""Waiting between attempts: exponential, with full jitter (§4)."""

from __future__ import annotations

import random

from mqtt.contract.limits import BACKOFF_FIRST_S, BACKOFF_MAX_S


class Backoff:
    """Delays in seconds: uniform between 0 and a ceiling that doubles up to a maximum."""

    def __init__(self, rng: random.Random, first: float = BACKOFF_FIRST_S, longest: float = BACKOFF_MAX_S) -> None:
        self._rng = rng
        self._first = first
        self._longest = longest
        self.attempts = 0

    def next(self) -> float:
        """The delay before the next attempt."""
        ceiling = min(self._longest, self._first * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return self._rng.uniform(0.0, ceiling)

    def reset(self) -> None:
        """Begin anew after a success."""
        self.attempts = 0
