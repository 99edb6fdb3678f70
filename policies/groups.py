"""Groups as documents: phones by id, or a query that is asked again whenever a phone changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from sqlalchemy import select

from core.actor import Actor, system_actor
from core.db import session
from fleet import groups as fleet_groups
from fleet import queries as fleet
from identity import queries as org
from policies.language.group_query import GROUP_FIELD, Facts, Query, read_query
from policies.language.kinds import GroupSpec
from policies.language.parse import Parsed
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
    return frozenset(facts["id"] for facts in facts_of(None, grouped=bool(test.groups)) if test(facts))


def foreseen(sent: Mapping[str, GroupSpec]) -> dict[str, frozenset[str]]:
    """The phones of groups once these documents are applied: of these groups, and of all that ask about them."""
    named = {name: frozenset(spec.devices or ()) for name, spec in sent.items() if spec.query is None}
    asked = {**_queries(), **{name: read_query(spec.query) for name, spec in sent.items() if spec.query}}
    queries = {name: query for name, query in asked.items() if name not in named}
    touched = set(sent)
    for name in _ordered(queries):
        if queries[name].groups & touched:
            touched.add(name)
    concerned = {name: query for name, query in queries.items() if name in touched}
    return {**named, **(_found(concerned, None, named) if concerned else {})}


def make_room(documents: Collection[Parsed]) -> None:
    """Let groups be there, empty, before the first of them is filled: filling one may fill others."""
    fleet_groups.ensure(document.name for document in documents if document.kind == GROUP)


def in_order(documents: Collection[Parsed]) -> list[Parsed]:
    """The documents, groups after those that their queries ask about."""
    groups = {document.name: document for document in documents if document.kind == GROUP}
    specs = {name: document.data["spec"].get("query") for name, document in groups.items()}
    queries = {name: read_query(query) for name, query in specs.items() if query}
    ordered = [*(name for name in groups if name not in queries), *_ordered(queries)]
    return [*(groups[name] for name in ordered), *(document for document in documents if document.kind != GROUP)]


def evaluate_for(device_ids: Collection[str]) -> None:
    """Ask all queries of these phones again; they join and leave groups."""
    queries = _queries() if device_ids else {}
    if not queries:
        return
    ids = set(device_ids)
    living = {facts["id"] for facts in facts_of(ids, grouped=False)}
    actor = system_actor("policies")
    for name, joined in _found(queries, ids, {}).items():
        fleet_groups.adjust(actor, name, joined, living - joined)


def found_for(device_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Those of the phones that each group with a query finds now, whoever is in it yet."""
    queries = _queries() if device_ids else {}
    return _found(queries, device_ids, {}) if queries else {}


def asked_about() -> frozenset[str]:
    """Names of the groups that queries of other groups ask about."""
    return frozenset(name for query in _queries().values() for name in query.groups)


def facts_of(device_ids: Collection[str] | None, *, grouped: bool) -> Iterator[Facts]:
    """What queries may ask of phones in the fleet, all of them by None; groups only where `grouped`."""
    units = {row.id: row.name_path for row in session().execute(org.units())}
    known = fleet.facts().subquery()
    ordered = None if device_ids is None else sorted(device_ids)
    starts = [0] if ordered is None else range(0, len(ordered), _BATCH)
    for start in starts:
        query = (
            select(known) if ordered is None else select(known).where(known.c.id.in_(ordered[start : start + _BATCH]))
        )
        for rows in session().execute(query).mappings().partitions(_BATCH):
            held = fleet_groups.of_devices([row["id"] for row in rows]) if grouped else {}
            for row in rows:
                groups = frozenset(held.get(row["id"], ()))
                yield {**row, "org_unit": units.get(row["org_unit_id"], ""), GROUP_FIELD: groups}


def remove(actor: Actor, name: str) -> None:
    """Remove a group together with its document."""
    fleet_groups.remove(actor, name)


def _found(
    queries: Mapping[str, Query], device_ids: Collection[str] | None, named: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """The phones that each query finds; `named` overrides who is in a group, and so does what is found here."""
    order = _ordered(queries)
    found: dict[str, set[str]] = defaultdict(set)
    for facts in facts_of(device_ids, grouped=any(query.groups for query in queries.values())):
        in_groups = set(facts[GROUP_FIELD]) - named.keys() - queries.keys()
        in_groups |= {name for name, ids in named.items() if facts["id"] in ids}
        for name in order:
            if queries[name]({**facts, GROUP_FIELD: in_groups}):
                in_groups.add(name)
                found[name].add(facts["id"])
    return {name: frozenset(found[name]) for name in order}


def _ordered(queries: Mapping[str, Query]) -> list[str]:
    """The names, each after those that its query asks about."""
    order: dict[str, None] = {}

    def place(names: Iterable[str], above: frozenset[str]) -> None:
        for name in sorted(names):
            if name in queries and name not in order and name not in above:
                place(queries[name].groups, above | {name})
                order[name] = None

    place(queries, frozenset())
    return list(order)


def _queries() -> dict[str, Query]:
    rows = session().execute(
        select(PolicyDocument.name, PolicyDocument.spec).where(
            PolicyDocument.kind == GROUP, PolicyDocument.deleted_at.is_(None)
        )
    )
    return {row.name: read_query(row.spec["query"]) for row in rows if row.spec.get("query")}
