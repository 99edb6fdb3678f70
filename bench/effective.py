"""Effective policies of many phones that share 50 policies: the work goes by distinct results, not by phones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from bench import fleet_rows
from bench.installation import Installation
from bench.registry import Context, Figure, measures, say
from core.actor import system_actor
from core.db import insert_rows
from core.uow import unit_of_work
from fleet.groups import FROM_DOCUMENT
from fleet.models import GroupMember
from policies import apply, bundles, devices, world

POLICIES = 50
COUNTS = (1_000, 10_000, 100_000)
MOST_GROWTH = 3.0
"""Compiling for a hundred times as many phones may take this many times as long: it is the same work."""


class _Taken(NamedTuple):
    """Seconds to find what reaches each phone, seconds to compile each distinct result, and how many there are."""

    finding: float
    compiling: float
    results: int


class _Undo(Exception):
    """Lets nothing of a run stay, so that the next one compiles anew."""


@measures("effective", "effective policies of 1k, 10k and 100k phones that share 50 policies")
def run(context: Context) -> Iterator[Figure]:
    """On each database: what compiling costs for a fleet of each size, and how many results there are."""
    counts = [context.size(count, count // 100) for count in COUNTS]
    for database in context.databases:
        with context.database(database) as (folder, url):
            yield from _measure(database, Installation.make(folder, url), counts)


def _measure(database: str, here: Installation, counts: list[int]) -> Iterator[Figure]:
    with here.app.app_context(), unit_of_work():
        apply.apply(system_actor("bench"), _documents().encode(), publishing=True)
    ids, known = fleet_rows.make_ids(counts[-1], seed=5), 0
    fewest: _Taken | None = None
    for count in counts:
        say(f"{database}: {count} phones in {POLICIES} groups")
        fleet_rows.insert_fleet(here.app, ids[known:count])
        _spread(here, ids[known:count])
        known, taken = count, _take(here, ids[:count])
        fewest = fewest or taken
        detail = {"phones": count, "results": taken.results, "database": database}
        yield Figure(
            "effective",
            f"compile, {database}: {count} phones, {taken.results} results",
            "s",
            [taken.compiling],
            f"s for {counts[0]}",
            [fewest.compiling],
            most=MOST_GROWTH,
            detail=detail,
        )
        found = f"find what reaches whom, {database}: {count} phones"
        yield Figure("effective", found, "us a phone", [1e6 * taken.finding / count], detail=detail)


def _take(here: Installation, ids: Sequence[str]) -> _Taken:
    taken: list[_Taken] = []
    with here.app.app_context(), suppress(_Undo), unit_of_work():
        began = time.perf_counter()
        present = world.current()
        results = set()
        for phones in devices.living(ids):
            for inside, some in present.split(phones):
                results |= set(inside.mixtures(some).values())
        found = time.perf_counter()
        for mixture in sorted(results):
            bundles.make(present, mixture)
        taken.append(_Taken(found - began, time.perf_counter() - found, len(results)))
        raise _Undo
    return taken[0]


def _spread(here: Installation, ids: Sequence[str]) -> None:
    with here.app.app_context(), unit_of_work() as current:
        rows = [
            {"group_name": f"g{number % POLICIES}", "device_id": device_id, "source": FROM_DOCUMENT}
            for number, device_id in enumerate(ids)
        ]
        insert_rows(current, GroupMember.__table__, rows)


def _documents() -> str:
    """One policy for all, and as many others that each reach a group."""
    head = "---\napiVersion: shouji/v1\n"
    rest = "".join(
        f"{head}kind: Policy\nmetadata: {{name: p{number}}}\n"
        f"spec: {{device: {{heartbeat_seconds: {60 + number}, maximum_offline_hours: {72 + number}}}}}\n"
        f"{head}kind: Group\nmetadata: {{name: g{number}}}\nspec: {{devices: []}}\n"
        f"{head}kind: Assignment\nmetadata: {{name: a{number}}}\n"
        f"spec: {{policy: p{number}, to: {{group: g{number}}}}}\n"
        for number in range(POLICIES)
    )
    base = "spec: {protection: {deny: [screenshot, delete_message]}, payments: {transfer: block}}\n"
    everyone = f"{head}kind: Assignment\nmetadata: {{name: all}}\nspec: {{policy: base, to: {{org_unit: /}}}}\n"
    return f"{head}kind: Policy\nmetadata: {{name: base}}\n{base}{everyone}{rest}"
