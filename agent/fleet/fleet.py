"""Thousands of phones on one loop: enrolled in parallel but bounded, resumable, counted."""

from __future__ import annotations

import gc
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agent import crypto
from agent.core import Options
from agent.enrolling import begin, give_up, keep
from agent.errors import AgentError, EnrollmentRefused, RequestFailed
from agent.fleet.behaviours import BEHAVIOURS, Actor
from agent.http import Server
from agent.identity import Attest, Enrollment, Identity, Pins, made_up_facts
from agent.loop import Loop
from agent.phone import Phone
from agent.process import raise_descriptor_limit
from agent.store import Store

log = logging.getLogger("agent.fleet")
WORKERS = 16
ENROLL_ATTEMPTS = 8
FLUSH_S = 1.0
NO_PINS = Pins()
FLEET_OPTIONS = Options(keep_archived_rows=50, batch_delay=0.5)


@dataclass(frozen=True)
class Plan:
    """What a fleet is; `pace` is acts per phone and hour, `ramp` new phones per second (0: at once)."""

    server: str
    code: str
    count: int
    state: Path
    seed: int = 1
    behaviour: str = "office"
    pace: float = 12.0
    ramp: float = 0.0
    pins: Pins = NO_PINS
    options: Options = FLEET_OPTIONS
    attest: Attest | None = None
    workers: int = WORKERS


class Fleet:
    """Many phones in one process. `start` returns at once; the rest may be called from any thread."""

    def __init__(self, plan: Plan) -> None:
        raise_descriptor_limit()
        self.plan = plan
        self.loop = Loop(plan.workers, plan.workers)
        self.store = Store(plan.state, durable=False)
        self.phones: list[Phone] = []
        self.actors: list[Actor] = []
        self.refused: dict[str, int] = {}
        self._serials_taken: dict[str, int] = {}
        self._http = Server(crypto.http_context(plan.options.http_ca))
        self._todo = 0
        self._frozen = False

    def start(self) -> None:
        """Begin: phones of an earlier run come back, the missing ones enroll."""
        self.loop.call_soon(self._begin)
        self.loop.call_soon(self._flush)
        self.loop.start()

    def _flush(self) -> None:
        self.store.flush()
        self.loop.call_later(FLUSH_S, self._flush)

    def _begin(self) -> None:
        known = self.store.slots()
        slots = [f"{index:06d}" for index in range(self.plan.count)]
        self._todo = len(slots)
        for index, slot in enumerate(slots):
            delay = index / self.plan.ramp if self.plan.ramp > 0 else 0.0
            if slot in known:
                self.loop.call_later(delay, self._live, index, known[slot])
            else:
                self.loop.call_later(delay, self._enroll, index, slot, 0)

    # Enrollment

    def _rng(self, index: int, what: str) -> random.Random:
        return random.Random(f"{self.plan.seed}/{index}/{what}")  # noqa: S311

    def _enroll(self, index: int, slot: str, attempt: int) -> None:
        plan = self.plan
        begun = begin(self.store, slot, plan.code, made_up_facts(self._rng(index, f"facts{self._renamed(slot)}")))
        enrollment = Enrollment(
            self._http, plan.server, plan.code, begun.facts, begun.keys, plan.pins, attest=plan.attest
        )
        self.loop.submit(enrollment.run, lambda got: self._enrolled(index, slot, attempt, got))

    def _renamed(self, slot: str) -> str:
        times = self._serials_taken.get(slot, 0)
        return f"/{times}" if times else ""

    def _enrolled(self, index: int, slot: str, attempt: int, got: Identity | Exception) -> None:
        if isinstance(got, Identity):
            keep(self.store, slot, got)
            self._live(index, got.device_id)
            return
        taken = isinstance(got, EnrollmentRefused) and got.status == 409
        if attempt < ENROLL_ATTEMPTS and (taken or _transient(got)):
            if taken:
                # An earlier run was cut off after the server had enrolled this serial: be another phone.
                self._serials_taken[slot] = self._serials_taken.get(slot, 0) + 1
                give_up(self.store, slot)
            wait = self._rng(index, f"wait{attempt}").uniform(0, min(30.0, 0.5 * 2.0**attempt))
            self.loop.call_later(wait, self._enroll, index, slot, attempt + 1)
            return
        code = got.code if isinstance(got, AgentError) else type(got).__name__
        self.refused[code] = self.refused.get(code, 0) + 1
        self._todo -= 1

    def _live(self, index: int, device_id: str) -> None:
        seed = self._rng(index, "phone").randrange(2**32)
        options = replace(self.plan.options, seed=seed)
        phone = Phone(self.loop, self.store, device_id, options, http=self._http)
        self.phones.append(phone)
        phone.connect()
        actor = Actor(phone, index, self._rng(index, "acts"), self.plan.pace)
        self.actors.append(actor)
        BEHAVIOURS[self.plan.behaviour](actor)
        if len(self.phones) == self._todo and not self._frozen:
            # What lives as long as the process need not be looked at by every full collection.
            self._frozen = True
            gc.collect()
            gc.freeze()

    # Looking

    def counts(self) -> dict[str, int]:
        """Figures over all phones."""
        return self.loop.run_sync(self._counts)

    def _counts(self) -> dict[str, int]:
        phones = self.phones
        return {
            "phones": self.plan.count,
            "enrolled": len(phones),
            "refused": sum(self.refused.values()),
            "connected": sum(phone.core.online for phone in phones),
            "greeted": sum(phone.core.time_ready for phone in phones),
            "connects": sum(phone.connection.connects for phone in phones),
            "applied": sum(phone.policy.in_force is not None for phone in phones),
            "locked": sum(phone.body.body.locked for phone in phones),
            "wiped": sum(phone.body.body.wiped is not None for phone in phones),
            "heartbeats": sum(phone.heart.beats for phone in phones),
            "records": sum(phone.archive.last_seq for phone in phones),
            "archived": sum(phone.archive.watermark for phone in phones),
            "commands": sum(phone.commands.finished for phone in phones),
        }

    def wait(self, condition: Callable[[dict[str, int]], bool], timeout: float) -> dict[str, int]:
        """Until the counts meet a condition. Raises TimeoutError with the counts."""
        deadline = time.monotonic() + timeout
        while True:
            counts = self.counts()
            if condition(counts):
                return counts
            if time.monotonic() > deadline:
                raise TimeoutError(str(counts))
            time.sleep(0.05)

    def wait_connected(self, timeout: float = 300.0) -> dict[str, int]:
        """Until every phone is connected and greeted."""
        return self.wait(lambda c: min(c["connected"], c["greeted"]) >= c["phones"], timeout)

    def stop(self, timeout: float = 15.0) -> None:
        """All phones leave with a word; their state stays."""
        left = threading.Event()
        self.loop.call_soon(self._leave, left)
        left.wait(timeout)
        self.loop.stop()
        for actor in self.actors:
            actor.leaves.close()
        self.store.close()

    def _leave(self, left: threading.Event) -> None:
        waiting = len(self.phones)
        if waiting == 0:
            left.set()

        def gone() -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                left.set()

        for phone in self.phones:
            phone.connection.finish(gone)


def _transient(error: Exception) -> bool:
    if isinstance(error, EnrollmentRefused):
        return error.status in (429, 500, 502, 503, 504)
    return isinstance(error, RequestFailed)
