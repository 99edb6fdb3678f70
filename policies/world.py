"""Which policies reach which phones, in memory: the state in force, or one that a change would make.

A world holds no phones; they are asked in batches. The same code makes desired states and shows what a plan would do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select

from core.db import session
from fleet import groups
from identity import queries as org
from policies import scopes
from policies.language.kinds import CalendarSpec, KeywordSetSpec
from policies.models import EVERYWHERE, AssignmentTarget, DocumentVersion, PolicyDocument, VersionInForce
from policies.rules import PolicySpec
from policies.rules.merging import Fragments, compile_spec
from policies.scopes import Place


@dataclass(frozen=True, slots=True)
class InForce:
    """A published document as phones have it."""

    id: str
    kind: str
    name: str
    version: int
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment with its target resolved; exactly one of the three is given."""

    name: str
    policy: str
    unit_id: str | None = None
    group: str | None = None
    device_id: str | None = None


class Reached(NamedTuple):
    """One phone as far as assignments care."""

    id: str
    unit_id: str


class Source(NamedTuple):
    """A policy's version, and the assignment by which it reaches a phone."""

    policy: str
    version: int
    assignment: str

    def plain(self) -> dict[str, Any]:
        """As it is shown and kept."""
        return {"policy": self.policy, "version": self.version, "assignment": self.assignment}


Mixture = tuple[Source, ...]
Ingredients = tuple[Mixture, frozenset[tuple[str, str, int]]]


@dataclass(frozen=True)
class World:
    """Published documents by kind and name, assignments, and the paths of org units by id.

    `members` overrides the phones of some groups, by name. `ringed` are the versions that are in force in rings of
    rollouts alone: `split` tells which phones have which.
    """

    documents: Mapping[tuple[str, str], InForce]
    assignments: Sequence[Assigned]
    unit_paths: Mapping[str, str]
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ringed: Mapping[Place, tuple[InForce, ...]] = field(default_factory=dict)

    def split(self, phones: Sequence[Reached]) -> Iterator[tuple[World, list[Reached]]]:
        """The phones by what is in force for them, each part with the world as it is there."""
        if not self.ringed:
            yield self, list(phones)
            return
        places = scopes.places_of([phone.id for phone in phones], self.ringed)
        parts: dict[frozenset[Place], list[Reached]] = {}
        for phone in phones:
            parts.setdefault(places.get(phone.id, frozenset()), []).append(phone)
        for inside, some in parts.items():
            yield self.within(inside), some

    def within(self, places: frozenset[Place]) -> World:
        """The world as a phone in these rings has it: of each document the newest version."""
        if places not in self._inside:
            documents = dict(self.documents)
            for place in places:
                for one in self.ringed[place]:
                    present = documents.get((one.kind, one.name))
                    if present is None or present.version < one.version:
                        documents[one.kind, one.name] = one
            self._inside[places] = self.changed(documents=documents, ringed={})
        return self._inside[places]

    def mixtures(self, phones: Sequence[Reached]) -> dict[str, Mixture]:
        """For each phone what reaches it, in one query for all of them."""
        in_groups = self._groups_of([phone.id for phone in phones])
        return {phone.id: self._mixture(phone, in_groups.get(phone.id, frozenset())) for phone in phones}

    def fragments(self, policy: str) -> Fragments:
        """The compiled policy of that name, version in force."""
        if policy not in self._fragments:
            spec = PolicySpec.model_validate(self.documents[("Policy", policy)].spec)
            self._fragments[policy] = compile_spec(spec, policy)
        return self._fragments[policy]

    def keyword_set(self, name: str) -> KeywordSetSpec | None:
        """The keyword set of that name, version in force."""
        found = self.documents.get(("KeywordSet", name))
        return KeywordSetSpec.model_validate(found.spec) if found else None

    def calendar(self, name: str) -> CalendarSpec | None:
        """The calendar of that name, version in force."""
        found = self.documents.get(("Calendar", name))
        return CalendarSpec.model_validate(found.spec) if found else None

    def named_by(self, policy: str) -> set[tuple[str, str]]:
        """The policy of that name with the sets and calendars that its version in force names, as kinds and names."""
        spec = self.documents["Policy", policy].spec
        sets = {("KeywordSet", rule["set"]) for rule in spec.get("keywords") or ()}
        calendar = (spec.get("work_hours") or {}).get("calendar")
        return {("Policy", policy), *sets, *([("Calendar", calendar)] if calendar else [])}

    def ingredients(self, mixture: Mixture) -> Ingredients:
        """All that a mixture's bundle is made of: its policies with the sets and calendars that they name, by version.

        Versions never change, so equal ingredients make equal bundles.
        """
        named = {key for source in mixture for key in self.named_by(source.policy)}
        return mixture, frozenset((*key, self.documents[key].version) for key in named if key in self.documents)

    def changed(self, **parts: Any) -> World:
        """The same world with some parts replaced."""
        return replace(self, **parts)

    @cached_property
    def _inside(self) -> dict[frozenset[Place], World]:
        return {}

    @cached_property
    def _fragments(self) -> dict[str, Fragments]:
        return {}

    @cached_property
    def _by_unit(self) -> dict[str, tuple[Assigned, ...]]:
        return {}

    @cached_property
    def _by_place(self) -> dict[tuple[str, frozenset[str]], Mixture]:
        return {}

    @cached_property
    def _live(self) -> list[Assigned]:
        return [a for a in self.assignments if ("Policy", a.policy) in self.documents]

    @cached_property
    def _by_device(self) -> dict[str, list[Assigned]]:
        found: dict[str, list[Assigned]] = {}
        for assigned in self._live:
            if assigned.device_id:
                found.setdefault(assigned.device_id, []).append(assigned)
        return found

    def _mixture(self, phone: Reached, in_groups: frozenset[str]) -> Mixture:
        own = self._by_device.get(phone.id, ())
        if own:
            return self._mixed(phone.unit_id, in_groups, own)
        place = (phone.unit_id, in_groups)
        if place not in self._by_place:
            self._by_place[place] = self._mixed(phone.unit_id, in_groups, ())
        return self._by_place[place]

    def _mixed(self, unit_id: str, in_groups: frozenset[str], own: Iterable[Assigned]) -> Mixture:
        reaching = [*self._of_unit(unit_id), *own]
        if in_groups:
            reaching += [assigned for assigned in self._live if assigned.group in in_groups]
        return tuple(sorted(self._source(assigned) for assigned in reaching))

    def _source(self, assigned: Assigned) -> Source:
        return Source(assigned.policy, self.documents[("Policy", assigned.policy)].version, assigned.name)

    def _of_unit(self, unit_id: str) -> tuple[Assigned, ...]:
        if unit_id not in self._by_unit:
            path = self.unit_paths.get(unit_id, "")
            self._by_unit[unit_id] = tuple(
                assigned
                for assigned in self._live
                if assigned.unit_id and path.startswith(self.unit_paths.get(assigned.unit_id, "\0"))
            )
        return self._by_unit[unit_id]

    def _groups_of(self, device_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        wanted = frozenset(assigned.group for assigned in self._live if assigned.group)
        if not wanted:
            return {}
        stored = groups.of_devices(device_ids) if wanted - set(self.members) else {}
        found = {}
        for device_id in device_ids:
            kept = (name for name in stored.get(device_id, ()) if name in wanted and name not in self.members)
            planned = (name for name in wanted if device_id in self.members.get(name, ()))
            found[device_id] = frozenset((*kept, *planned))
        return found


def current() -> World:
    """The world in force, in a handful of queries."""
    return around(*_documents())


def around(documents: Mapping[tuple[str, str], InForce], ringed: Mapping[Place, tuple[InForce, ...]]) -> World:
    """Documents with assignments and org units as they are now, in two queries."""
    units = {row.id: row.path for row in session().execute(org.units())}
    return World(documents, _assignments(), units, ringed=ringed)


def in_force(
    kinds: Collection[str], names: Collection[str] | None = None
) -> tuple[dict[tuple[str, str], InForce], dict[Place, tuple[InForce, ...]]]:
    """Documents of these kinds (and names) that are in force everywhere, by kind and name, and those of rings alone."""
    where = [PolicyDocument.kind.in_(kinds)]
    return _documents(*where, *([PolicyDocument.name.in_(names)] if names is not None else []))


def editions(kinds: Collection[str]) -> tuple[tuple[str, str, int], ...]:
    """Id, scope and version of all documents in force, without contents: differs whenever anything does."""
    columns = (VersionInForce.document_id, VersionInForce.scope, VersionInForce.version)
    query = select(*columns).join(PolicyDocument, VersionInForce.document_id == PolicyDocument.id)
    query = query.where(PolicyDocument.deleted_at.is_(None), PolicyDocument.kind.in_(kinds))
    return tuple(sorted((row.document_id, row.scope, row.version) for row in session().execute(query)))


def published(*kinds: str) -> dict[tuple[str, str], InForce]:
    """Documents of these kinds that are in force everywhere, by kind and name, without the rest of the world."""
    return _documents(PolicyDocument.kind.in_(kinds), VersionInForce.scope == EVERYWHERE)[0]


def at_versions(sources: Iterable[Source]) -> World:
    """A world with the given versions of policies alone: what they said then."""
    documents: dict[tuple[str, str], InForce] = {}
    query = select(PolicyDocument.id, PolicyDocument.name, DocumentVersion.version, DocumentVersion.spec)
    query = query.join(DocumentVersion, DocumentVersion.document_id == PolicyDocument.id)
    for source in sources:
        row = (
            session()
            .execute(
                query.where(
                    PolicyDocument.kind == "Policy",
                    PolicyDocument.name == source.policy,
                    DocumentVersion.version == source.version,
                )
            )
            .one()
        )
        documents[("Policy", row.name)] = InForce(row.id, "Policy", row.name, row.version, row.spec)
    return World(documents, (), {})


def _documents(*where: ColumnElement[bool]) -> tuple[dict[tuple[str, str], InForce], dict[Place, tuple[InForce, ...]]]:
    """What is in force everywhere by kind and name, and what is in rings alone."""
    query = (
        select(
            PolicyDocument.id,
            PolicyDocument.kind,
            PolicyDocument.name,
            DocumentVersion.version,
            DocumentVersion.spec,
            VersionInForce.scope,
        )
        .join(VersionInForce, VersionInForce.document_id == PolicyDocument.id)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == VersionInForce.document_id)
            & (DocumentVersion.version == VersionInForce.version),
        )
        .where(PolicyDocument.deleted_at.is_(None), *where)
    )
    everywhere: dict[tuple[str, str], InForce] = {}
    ringed: dict[Place, list[InForce]] = {}
    for row in session().execute(query):
        document = InForce(row.id, row.kind, row.name, row.version, row.spec)
        if row.scope == EVERYWHERE:
            everywhere[row.kind, row.name] = document
        else:
            ringed.setdefault(scopes.place_of(row.scope), []).append(document)
    return everywhere, {place: tuple(documents) for place, documents in ringed.items()}


def _assignments() -> list[Assigned]:
    policy = PolicyDocument.__table__.alias("policy")
    query = (
        select(
            PolicyDocument.name,
            policy.c.name.label("policy"),
            AssignmentTarget.org_unit_id,
            AssignmentTarget.group_name,
            AssignmentTarget.device_id,
        )
        .join(AssignmentTarget, AssignmentTarget.document_id == PolicyDocument.id)
        .join(policy, policy.c.id == AssignmentTarget.policy_id)
        .where(PolicyDocument.deleted_at.is_(None))
        .order_by(PolicyDocument.name)
    )
    return [Assigned(*row) for row in session().execute(query)]
