"""The evaluator: takes a rollout on, one step and one transaction at a time.

Every step locks, reads where the rollout stands and moves it by one: a ring begins, takes in its next phones, has met
its gate, has soaked; or the rollout pauses, stops or finishes. Whoever is killed between two steps, runs twice at once
or finds the clock set back repeats none and leaves none out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import select

from core import audit, clock, live
from core.actor import Actor, system_actor
from core.db import session
from core.errors import Conflict
from core.log import get_logger
from core.permissions import Permission
from core.uow import unit_of_work
from identity import approval_kinds, approvals, queries
from policies import desired, devices, lock, projection, ring_members, rollout_figures, rollout_notices, rollouts, world
from policies.models import PolicyDocument, Rollout, RolloutRing
from policies.rings import CLASSES
from policies.rollout_figures import Figures
from policies.rollouts import APPLIED, FILLING, FINISHED, PAUSED, PENDING, RUNNING, SOAKING, STOPPED, TOPIC, WAITING
from policies.scopes import Place
from policies.world import Assigned, Ingredients

ACTOR = system_actor("rollouts")
APPROVAL = approval_kinds.kind("rollout.ring", Permission.DOCUMENT_PUBLISH)
AT_ONCE = 5
Compiled = dict[Ingredients, desired.Made]
log = get_logger(__name__)


@dataclass(frozen=True)
class Standing:
    """Where a rollout stands while one step is taken.

    `passed` are the milliseconds since the step before; `made` the bundles that steps before it compiled.
    """

    rollout: Rollout
    rings: list[RolloutRing]
    passed: int
    made: Compiled

    @cached_property
    def figures(self) -> dict[int, Figures]:
        """Figures of the rings, counted once and only where a step asks for them."""
        return rollout_figures.figures(self.rollout.id, self.rings)

    @property
    def items(self) -> list[tuple[str, int]]:
        """The documents that it carries, and their versions."""
        return [(item.document_id, item.version) for item in rollouts.items_of(self.rollout.id)]


def run() -> int:
    """Take every running rollout as far as it goes; returns the number of steps. One that fails holds up no other."""
    with unit_of_work(write=False):
        ids = running()
    steps, failure = 0, None
    for rollout_id in ids:
        made: Compiled = {}
        try:
            while _one_step(rollout_id, made):
                steps += 1
        except Exception as error:
            log.exception("rollout_step_failed", rollout=rollout_id)
            failure = error
    if failure is not None:
        raise failure
    return steps


def wanted() -> bool:
    """Whether a rollout is running at all."""
    with unit_of_work(write=False):
        return session().scalar(select(Rollout.id).where(Rollout.state == RUNNING).limit(1)) is not None


def running() -> list[str]:
    """Ids of the rollouts that go ring by ring and are running, oldest first."""
    query = select(Rollout.id).where(Rollout.staged, Rollout.state == RUNNING)
    return list(session().scalars(query.order_by(Rollout.created_at, Rollout.id)))


def begin(rollout_id: str) -> None:
    """Take the steps that are due at once, as long as they are small: a ring of many phones is left to the job."""
    for _ in range(AT_ONCE):
        if not step(rollout_id) or any(r.state == FILLING and r.cursor for r in rollouts.rings_of(rollout_id)):
            return


def step(rollout_id: str, made: Compiled | None = None) -> bool:
    """Take one step, if one is due; returns whether the next may be due at once. Needs a writing unit of work.

    `made`: what earlier steps compiled and committed; a step that fails may have left in it what was never stored.
    """
    lock.alone()
    rollout = rollouts.locked(rollout_id)
    if not rollout.staged or rollout.state != RUNNING:
        return False
    rings, now = rollouts.rings_of(rollout_id), clock.now()
    passed = max(0, round((now - (rollout.evaluated_at or now)).total_seconds() * 1000))
    rollout.evaluated_at = now
    at = Standing(rollout, rings, passed, {} if made is None else made)
    more = _take(at)
    session().flush()
    return more


def halt(rollout: Rollout, state: str, why: Mapping[str, Any], actor: Actor = ACTOR) -> None:
    """Pause or stop a rollout for a reason that it keeps, and tell who publishes."""
    rollout.state, rollout.why = state, dict(why)
    if state == STOPPED:
        rollout.finished_at = clock.now()
    audit.record(actor, f"rollout.{state}", ("rollout", rollout.id), why)
    rollout_notices.halted(rollout.id, state, why)
    live.announce(TOPIC, [rollout.id])


def approval_content(rollout_id: str, ring: RolloutRing) -> dict[str, Any]:
    """Exactly what a second person lets happen: these versions, to this ring."""
    versions = {item.document_id: item.version for item in rollouts.items_of(rollout_id)}
    return {"rollout": rollout_id, "ring": ring.position, "selector": ring.selector, "versions": versions}


def _one_step(rollout_id: str, made: Compiled) -> bool:
    with unit_of_work():
        return step(rollout_id, made)


def _take(at: Standing) -> bool:
    tripped = None if at.rollout.emergency else _tripped(at)
    if tripped:
        halt(at.rollout, STOPPED, tripped)
        return False
    current = next((ring for ring in at.rings if ring.state != FINISHED), None)
    if current is None:
        return _finish(at)
    return _STEPS[current.state](at, current)


def _tripped(at: Standing) -> dict[str, Any] | None:
    """The first error stop that a ring trips: which class of phones, and how large its share is."""
    for ring in at.rings:
        if ring.state == WAITING or not ring.gates["stop"]:
            continue
        counted = at.figures[ring.position]
        sample = counted[APPLIED] + sum(counted[name] for name in CLASSES)
        for name, limit in sorted(ring.gates["stop"].items()):
            reached = rollout_figures.share(counted[name], sample)
            if sample >= ring.gates["sample"] and reached >= limit:
                found = {"class": name, "share": round(reached, 2), "limit": limit, "sample": sample}
                return {"code": "error_stop", "ring": ring.name, **found}
    return None


def _begin(at: Standing, ring: RolloutRing) -> bool:
    if ring.gates["approval"] and not at.rollout.emergency and not _approved(at.rollout, ring):
        return False
    ring.state, ring.started_at, ring.elapsed_ms = FILLING, clock.now(), 0
    if not at.rollout.emergency:
        rollouts.put_in_ring(Place(at.rollout.id, ring.position), at.items)
    detail = {"ring": ring.name, "position": ring.position}
    audit.record(ACTOR, "rollout.ring", ("rollout", at.rollout.id), detail)
    live.announce(TOPIC, [at.rollout.id])
    return True


def _approved(rollout: Rollout, ring: RolloutRing) -> bool:
    """Whether the second person let this ring begin; asks, or pauses the rollout, where not."""
    content = approval_content(rollout.id, ring)
    if rollout.approval_id is None:
        person = rollout.created_by_id or ACTOR.id
        rollout.approval_id = approvals.request(
            Actor("staff", person, rollout.created_by),
            kind=APPROVAL,
            content=content,
            targets=[],
            unit_ids=[queries.ROOT_ID],
            reason=rollout.reason or ring.name,
            permissions=(Permission.DOCUMENT_PUBLISH,),
            summary={"rollout": rollout.id, "ring": ring.name},
        )
        rollout.state = PENDING
        live.announce(TOPIC, [rollout.id])
        return False
    approval_id, rollout.approval_id = rollout.approval_id, None
    try:
        approvals.consume(ACTOR, approval_id, kind=APPROVAL, content=content, used_for=rollout.id)
    except Conflict as error:
        halt(rollout, PAUSED, {"code": error.code, "ring": ring.name, "why": error.members.get("why")})
        return False
    return True


def _fill(at: Standing, ring: RolloutRing) -> bool:
    """Take in the next phones, in the order of their ids."""
    current, place = world.current(), Place(at.rollout.id, ring.position)
    found = devices.reached_after(_assignments(current, at), ring.cursor)
    mine = ring_members.chosen(ring.selector, ring_members.without_ring(at.rollout.id, found))
    ring_members.enter(place, mine)
    desired.Refresh(current, place, at.made).run(mine)
    if len(found) < devices.BATCH:
        ring.state, ring.elapsed_ms = RUNNING, 0
    if found:
        ring.cursor = found[-1]
    live.announce(TOPIC, [at.rollout.id])
    return True


def _assignments(current: world.World, at: Standing) -> list[Assigned]:
    """Assignments that what the rollout carries reaches phones by, before it or after it."""
    ids = [document_id for document_id, _ in at.items]
    query = select(PolicyDocument.kind, PolicyDocument.name).where(PolicyDocument.id.in_(ids))
    keys = {(row.kind, row.name) for row in session().execute(query)}
    inside = [current, *(current.within(frozenset({place})) for place in current.ringed)]
    return sorted({one for some in inside for one in projection.assignments_of(some, keys)}, key=lambda one: one.name)


def _gate(at: Standing, ring: RolloutRing) -> bool:
    ring.elapsed_ms += at.passed
    counted, wanted = at.figures[ring.position], ring.gates["success"]
    reached = rollout_figures.share(counted[APPLIED], rollout_figures.counting(counted))
    if at.rollout.emergency or wanted is None or reached >= wanted:
        ring.state, ring.elapsed_ms = SOAKING, 0
        live.announce(TOPIC, [at.rollout.id])
        return True
    if ring.elapsed_ms >= ring.gates["within"] * 1000:
        halt(
            at.rollout, PAUSED, {"code": "gate_missed", "ring": ring.name, "share": round(reached, 2), "limit": wanted}
        )
    return False


def _soak(at: Standing, ring: RolloutRing) -> bool:
    ring.elapsed_ms += at.passed
    if not at.rollout.emergency and ring.elapsed_ms < ring.gates["soak"] * 1000:
        return False
    ring.state, ring.finished_at = FINISHED, clock.now()
    live.announce(TOPIC, [at.rollout.id])
    return True


def _finish(at: Standing) -> bool:
    """Every ring has it: from here on it is in force everywhere."""
    rollouts.put_everywhere(at.rollout.id, at.items)
    at.rollout.state, at.rollout.finished_at = FINISHED, clock.now()
    audit.record(ACTOR, "rollout.finished", ("rollout", at.rollout.id))
    live.announce(TOPIC, [at.rollout.id])
    return False


_STEPS: dict[str, Callable[[Standing, RolloutRing], bool]] = {
    WAITING: _begin,
    FILLING: _fill,
    RUNNING: _gate,
    SOAKING: _soak,
}
