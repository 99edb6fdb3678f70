"""The weather on a phone's way: messages that get lost, come twice, late, or in another order.

Calm unless a simulation says otherwise.
What is lost here was never acknowledged by anybody; hello, receipts and results heal it, and a simulation shows that.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from agent.link import FAILED, Done, Link
from agent.loop import Loop

HELD_AT_MOST_S = 1.0


class Weather:
    """Lets everything through."""

    def out(self, link: Link, topic: str, payload: bytes, done: Done | None) -> None:
        """Carry a message of the phone."""
        link.publish(topic, payload, done=done)

    def into(self, deliver: Callable[[], object]) -> None:
        """Carry a message to the phone."""
        deliver()


CALM = Weather()


@dataclass(frozen=True, slots=True)
class Forecast:
    """Shares between 0 and 1 of all messages, both ways; `delay_s` is the longest delay in seconds."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    delay_s: float = 3.0
    reorder: float = 0.0


class Rough(Weather):
    """One phone's bad network; counts what it did."""

    def __init__(self, loop: Loop, forecast: Forecast, rng: random.Random, did: Counter[str]) -> None:
        self._loop = loop
        self._forecast = forecast
        self._rng = rng
        self._did = did
        self._held: list[Callable[[], object]] = []

    def out(self, link: Link, topic: str, payload: bytes, done: Done | None) -> None:
        """Carry, lose, repeat, hold up or overtake a message of the phone."""

        def send(done: Done | None = done) -> None:
            if link.alive:
                link.publish(topic, payload, done=done)
            elif done is not None:
                done(FAILED)

        self._carry(send, lambda: send(None))

    def into(self, deliver: Callable[[], object]) -> None:
        """The same for a message to the phone."""
        self._carry(deliver, deliver)

    def _carry(self, once: Callable[[], object], again: Callable[[], object]) -> None:
        dice, forecast = self._rng.random, self._forecast
        if dice() < forecast.drop:
            self._did["dropped"] += 1
        elif dice() < forecast.delay:
            self._did["delayed"] += 1
            self._loop.call_later(self._rng.uniform(0, forecast.delay_s), once)
        elif dice() < forecast.reorder:
            self._did["reordered"] += 1
            self._held.append(once)
            self._loop.call_later(HELD_AT_MOST_S, self._release)
        else:
            once()
            if dice() < forecast.duplicate:
                self._did["duplicated"] += 1
                again()
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for send in held:
            send()
