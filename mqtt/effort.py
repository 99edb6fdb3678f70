"""How much work one phone may cause: a message of a few kilobytes may unpack to a thousand times as much.

The token buckets weigh what arrives; this weighs the processor's time that opening it takes, in each process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core import clock
from core.runtime import settings
from mqtt.contract.limits import FLOOD_BYTES_PER_S

SHARE = 0.15
"""Seconds of work a second at the protocol's own byte rate; an installation that allows more bytes allows more work."""
BURST_SECONDS = 3.0
MAX_TRACKED = 50_000

_left: dict[str, tuple[float, float]] = {}
"""What a phone may still cause, in seconds, and as of when; whoever has all of it left is not listed."""


def is_spent(device_id: str) -> bool:
    """Whether the phone has caused so much work lately that its message is to be dropped unopened."""
    return _now(device_id) <= 0


@contextmanager
def of(device_id: str) -> Iterator[None]:
    """Charge the work inside to the phone."""
    before = clock.cpu()
    try:
        yield
    finally:
        left = _now(device_id) - (clock.cpu() - before)
        if len(_left) >= MAX_TRACKED:
            _forget()
        # Debt is bounded too: a phone that was cut comes back.
        _left[device_id] = max(left, -BURST_SECONDS), clock.monotonic()


def _now(device_id: str) -> float:
    left, at = _left.get(device_id, (BURST_SECONDS, 0.0))
    return min(BURST_SECONDS, left + max(0.0, clock.monotonic() - at) * _share())


def _share() -> float:
    return SHARE * max(1.0, settings().device_byte_rate / FLOOD_BYTES_PER_S)


def _forget() -> None:
    for device_id in [name for name in list(_left) if _now(name) >= BURST_SECONDS]:
        _left.pop(device_id, None)
