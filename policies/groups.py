"""Groups as documents: phones by id, or a query that is asked again whenever a phone changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select

from core.actor import Actor, system_actor
from core.db import session
from fleet import groups as fleet_groups
from fleet import queries as fleet
from identity import queries as org
from policies.language.group_query import Facts, Test, read_query
from policies.language.kinds import GroupSpec
from policies.models import PolicyDocument

GROUP = "Group"
_BATCH = 5000


def replace(actor: Actor, name: str, title: str | None, spec: GroupSpec) -> None:
    """Make a group what its document says. Raises Invalid for ids that are no phones in the actor's scope."""
    fleet_groups.replace(actor, name, members(spec), title=title or "", query=spec.query)


def members(spec: GroupSpec) -> frozenset[str]:
    """The phones that a document names, or that its query finds now."""
    if spec.query is None:
        return frozenset(spec.devices or ())
    test = read_query(spec.query)
    return frozenset(device_id for device_id, facts in _facts(None) if test(facts))


def evaluate_for(device_ids: Collection[str]) -> None:
    """Ask all queries of these phones again; they join and leave groups."""
    tests = _queries() if device_ids else {}
    if not tests:
        return
    facts = dict(_facts(device_ids))
    actor = system_actor("policies")
    for name, test in tests.items():
        joined = {device_id for device_id, known in facts.items() if test(known)}
        fleet_groups.adjust(actor, name, joined, set(facts) - joined)


def _queries() -> Mapping[str, Test]:
    rows = session().execute(
        select(PolicyDocument.name, PolicyDocument.spec).where(
            PolicyDocument.kind == GROUP, PolicyDocument.deleted_at.is_(None)
        )
    )
    return {row.name: read_query(row.spec["query"]) for row in rows if row.spec.get("query")}


def _facts(device_ids: Collection[str] | None) -> Iterator[tuple[str, Facts]]:
    units = {row.id: row.name_path for row in session().execute(org.units())}
    known = fleet.facts().subquery()
    ordered = None if device_ids is None else sorted(device_ids)
    starts = [0] if ordered is None else range(0, len(ordered), _BATCH)
    for start in starts:
        query = (
            select(known) if ordered is None else select(known).where(known.c.id.in_(ordered[start : start + _BATCH]))
        )
        for row in session().execute(query).mappings():
            yield row["id"], {**row, "org_unit": units.get(row["org_unit_id"], "")}


def remove(actor: Actor, name: str) -> None:
    """Remove a group together with its document."""
    fleet_groups.remove(actor, name)
