"""Signals of the transport; each carries a whole batch of device ids.

- `flooded` (devices: list[str]): sent more than the protocol allows, for long; inside a unit of work.
- `taken_over` (devices: list[str]): the broker saw sessions taken over repeatedly; inside a unit of work.
- `broker_forgot` (): the relay found a broker without its session, so retained messages may be gone; likewise.
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()
flooded = _signals.signal("flooded")
taken_over = _signals.signal("taken_over")
broker_forgot = _signals.signal("broker_forgot")
