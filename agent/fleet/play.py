"""A scenario played by a fleet: weather from the start, deeds in time, then calm until all is said."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from agent.clock import monotonic
from agent.fleet.behaviours import Actor
from agent.fleet.deeds import DEEDS
from agent.fleet.fleet import Fleet
from agent.fleet.ledger import Ledger
from agent.fleet.scenario import Scenario, Step
from agent.weather import CALM, Rough

POLL_S = 0.5
REPORT_S = 10.0
CONNECT_S = 600.0


class Play:
    """Begins when every phone of the fleet is connected; used on the fleet's loop except for `run`."""

    def __init__(self, fleet: Fleet, scenario: Scenario, ledger: Ledger) -> None:
        self._fleet = fleet
        self._scenario = scenario
        self._ledger = ledger
        self._weather: dict[str, Counter[str]] = {}
        self._actors: list[Actor] = fleet.actors

    def begin(self) -> None:
        """Set the weather and plan the steps. From any thread."""
        self._fleet.loop.run_sync(self._begin)

    def _begin(self) -> None:
        forecast = self._scenario.network.forecast()
        self._actors.sort(key=lambda actor: actor.index)
        for actor in self._actors:
            did = self._weather[actor.phone.id] = Counter()
            rng = self._rng(f"weather/{actor.index}")
            actor.phone.core.weather = Rough(self._fleet.loop, forecast, rng, did)
        for number, step in enumerate(self._scenario.step):
            self._fleet.loop.call_later(step.at, self._step, number, step)

    def _step(self, number: int, step: Step) -> None:
        deed = DEEDS[step.do]
        for index in step.chosen(len(self._actors), self._rng(f"step/{number}")):
            actor = self._actors[index]
            self._ledger.did(actor.index, actor.phone, step.do, deed.finding)
            deed.do(actor, step)

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._fleet.plan.seed}/{what}")  # noqa: S311

    def calm(self) -> None:
        """Fair weather, holders at rest, everybody connected: what is owed gets through. From any thread."""
        self._fleet.loop.run_sync(self._calm)

    def _calm(self) -> None:
        for actor in self._actors:
            actor.pace = 0.0
            actor.phone.core.weather = CALM
            actor.phone.connect()
            if actor.phone.core.online:
                actor.phone.hello()

    def settled(self, counts: dict[str, int]) -> bool:
        """Whether every phone is connected and everything is receipted."""
        alive = counts["enrolled"] - counts["wiped"]
        return counts["connected"] >= alive and counts["archived"] >= counts["records"]

    def close(self) -> Counter[str]:
        """Write the last line of each phone; what the weather did to all together. From any thread."""
        return self._fleet.loop.run_sync(self._close)

    def _close(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for actor in self._actors:
            did = self._weather.get(actor.phone.id, Counter())
            self._ledger.ended(actor.index, actor.phone, did)
            total.update(did)
        return total


def perform(
    fleet: Fleet, scenario: Scenario, stream: TextIO | None, stop: threading.Event, tell: Callable[[str], object]
) -> bool:
    """Play a scenario from the moment when all phones are connected; whether everything was receipted in the end."""
    _wait(stop, CONNECT_S, lambda: _all_here(fleet.counts()))
    ledger = Ledger(stream)
    play = Play(fleet, scenario, ledger)
    play.begin()
    tell(f"“{scenario.title}” begins with {len(fleet.actors)} phones and lasts {scenario.seconds:g} s")
    _wait(stop, scenario.seconds, lambda: False, lambda: tell(summary(fleet.counts())))
    play.calm()
    settled = _wait(stop, scenario.settle_s, lambda: play.settled(fleet.counts()))
    weather = play.close()
    tell(f"did: {_counted(ledger.deeds) or 'nothing'}")
    tell(f"weather: {_counted(weather) or 'calm'}")
    if not settled:
        tell(f"NOT everything was receipted within {scenario.settle_s:g} s")
    return settled


def _wait(
    stop: threading.Event, seconds: float, done: Callable[[], bool], report: Callable[[], object] = lambda: None
) -> bool:
    now = began = reported = monotonic()
    while now - began < seconds and not stop.is_set():
        if done():
            return True
        stop.wait(min(POLL_S, max(0.0, began + seconds - now)))
        now = monotonic()
        if now - reported >= REPORT_S:
            reported = now
            report()
    return done()


def _all_here(counts: dict[str, int]) -> bool:
    return counts["connected"] + counts["refused"] >= counts["phones"]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {times}" for what, times in sorted(counts.items()))


def summary(counts: dict[str, int]) -> str:
    """One line for people."""
    return (
        f"{counts['connected']}/{counts['phones']} phones connected ({counts['enrolled']} enrolled,"
        f" {counts['refused']} refused), policy on {counts['applied']}, {counts['heartbeats']} heartbeats,"
        f" {counts['archived']}/{counts['records']} records archived, {counts['commands']} commands,"
        f" {counts['locked']} locked, {counts['wiped']} wiped"
    )
