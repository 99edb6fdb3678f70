"""A rollout's ring over many phones that share 50 policies: how long by phones, and how much memory one step takes."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from unittest.mock import patch

from sqlalchemy import text

from bench import fleet_rows
from bench.installation import Installation
from bench.registry import Context, Figure, measures, say
from core.actor import system_actor
from core.uow import unit_of_work
from identity import org
from policies import apply, bundles, devices, publish, rollout_steps, rollouts
from policies.publish import Staging

ACTOR = system_actor("bench")
POLICIES = 50
CURVE = (1_000, 10_000, 100_000)
QUICK = (200, 400, 800)
MOST_GROWTH = 1.5
RINGS = [{"name": "all", "everyone": True}]


@measures("rollout", "a ring of 1,000, 10,000 and 100,000 phones")
def run(context: Context) -> Iterator[Figure]:
    """On each database: one fleet that grows; each time a new version goes to all of it, step by step."""
    curve = QUICK if context.quick else CURVE
    for database in context.databases:
        with context.database(database) as (folder, url):
            here = Installation.make(folder, url)
            with here.app.app_context():
                yield from _measure(database, here, curve)


def _measure(database: str, here: Installation, curve: tuple[int, ...]) -> Iterator[Figure]:
    ids = fleet_rows.make_ids(curve[-1], seed=5)
    units = _found()
    last: tuple[float, float] | None = None
    there = 0
    for version, count in enumerate(curve, 2):
        say(f"{database}: {count} phones")
        fleet_rows.insert_fleet(here.app, ids[there:count])
        there = count
        _spread(units)
        _publish(2 * version)
        with patch.object(bundles, "make", wraps=bundles.make) as made:
            took, steps = _roll_out(2 * version + 1)
        peak = _peak(2 * version + 2)
        here_now = (1e6 * took / count, peak)
        before = last or here_now
        # Below a batch a step takes as much memory as there are phones; only from there on it must not grow.
        most = MOST_GROWTH if count == curve[-1] and curve[-2] >= devices.BATCH else None
        detail = {"phones": count, "steps": steps, "seconds": took, "database": database}
        shown = f"{count} phones, {database}"
        for index, (name, unit) in enumerate(((f"ring of {shown}", "us/phone"), (f"memory of a step, {shown}", "MiB"))):
            values, baselines = [here_now[index]], [before[index]]
            yield Figure("rollout", name, unit, values, "a tenth of them", baselines, most=most, detail=detail)
        compiled = [float(made.call_count)]
        yield Figure("rollout", f"bundles compiled, {shown}", "bundles", compiled, most=POLICIES, detail=detail)
        last = here_now


def _found() -> list[str]:
    """Units with a policy each, and one policy for everybody: 50 distinct effective policies."""
    with unit_of_work():
        root = org.resolve(ACTOR, "/").id
        units = [org.create(ACTOR, f"unit-{number}", root).id for number in range(POLICIES)]
        own = "".join(
            _policy(f"own-{number}", f"{{archive: {{retention_days: {400 + number}}}}}")
            + _assignment(f"own-{number}", f"/unit-{number}")
            for number in range(POLICIES)
        )
        documents = own + _policy("shared", _heartbeat(1)) + _assignment("shared", "/")
        apply.apply(ACTOR, documents.encode(), publishing=True)
    return units


def _spread(units: list[str]) -> None:
    """Phones into units, evenly by serial."""
    with unit_of_work() as current:
        for number, unit in enumerate(units):
            chosen = "CAST(substr(serial, 6) AS INTEGER) % :of = :number"
            moved = text(f"UPDATE devices SET org_unit_id = :unit WHERE {chosen}")  # noqa: S608
            current.execute(moved, {"unit": unit, "of": len(units), "number": number})


def _publish(version: int) -> None:
    """Everybody has the same to begin with."""
    with unit_of_work():
        apply.apply(ACTOR, _policy("shared", _heartbeat(version)).encode(), publishing=True)


def _draft(version: int) -> str:
    with unit_of_work():
        apply.apply(ACTOR, _policy("shared", _heartbeat(version)).encode())
        staging = Staging(RINGS, draft=True)
        rollout = publish.publish(ACTOR, "Policy", "shared", staging=staging).rollout or ""
        rollouts.locked(rollout).state = rollouts.RUNNING
    return rollout


def _roll_out(version: int) -> tuple[float, int]:
    """Seconds and steps from the first step to the last."""
    _draft(version)
    began = time.perf_counter()
    steps = rollout_steps.run()
    return time.perf_counter() - began, steps


def _peak(version: int) -> float:
    """The most memory that the steps of a whole ring take at once, in MiB: what one step takes."""
    _draft(version)
    tracemalloc.start()
    try:
        rollout_steps.run()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def _policy(name: str, spec: str) -> str:
    return f"---\napiVersion: shouji/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _assignment(policy: str, unit: str) -> str:
    head = f"---\napiVersion: shouji/v1\nkind: Assignment\nmetadata: {{name: {policy}}}\n"
    return f"{head}spec: {{policy: {policy}, to: {{org_unit: {unit}}}}}\n"


def _heartbeat(version: int) -> str:
    return f"{{device: {{heartbeat_seconds: {30 + version}}}}}"
