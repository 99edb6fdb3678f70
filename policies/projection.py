"""The world as it would be: with versions in force that are not yet, and which assignments that concerns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from core.db import session
from policies import references
from policies.drafts import Key
from policies.models import DocumentVersion, PolicyDocument, Rollout, RolloutItem
from policies.rollouts import OPEN
from policies.world import Assigned, InForce, World


def with_documents(current: World, made: Sequence[InForce], gone: Collection[Key] = ()) -> World:
    """The world with some versions in force everywhere and some documents gone."""
    documents: Mapping[Key, InForce] = {
        **{key: document for key, document in current.documents.items() if key not in gone},
        **{(document.kind, document.name): document for document in made},
    }
    ringed = {
        place: tuple(one for one in inside if (one.kind, one.name) not in gone)
        for place, inside in current.ringed.items()
    }
    return current.changed(documents=documents, ringed=ringed)


def on_their_way() -> dict[Key, InForce]:
    """Versions that rollouts are still bringing to phones, ring by ring, by kind and name of their documents."""
    version, item = DocumentVersion, RolloutItem
    query = (
        select(PolicyDocument.id, PolicyDocument.kind, PolicyDocument.name, version.version, version.spec)
        .join(item, item.document_id == PolicyDocument.id)
        .join(version, (version.document_id == item.document_id) & (version.version == item.version))
        .join(Rollout, Rollout.id == item.rollout_id)
        .where(Rollout.staged, Rollout.state.in_(OPEN))
    )
    return {(row.kind, row.name): InForce(*row) for row in session().execute(query)}


def settled(current: World, key: Key) -> InForce | None:
    """The version of a document that every phone has; None while some rings have another one, or nobody has any."""
    if any((one.kind, one.name) == key for inside in current.ringed.values() for one in inside):
        return None
    return current.documents.get(key)


def present(current: World, key: Key, under_way: Mapping[Key, InForce]) -> InForce | None:
    """What a document's draft is compared with: the version that a rollout is bringing, else the one of every phone."""
    return under_way.get(key) or settled(current, key)


def check_complete(after: World) -> None:
    """Raise Invalid when a published policy names a set or calendar that is not published."""
    for inside in (after, *(after.within(frozenset({place})) for place in after.ringed)):
        for (kind, name), document in inside.documents.items():
            if kind == "Policy":
                references.check_published(document.spec, name, inside.documents.keys())


def assignments_of(current: World, changed: Collection[Key]) -> list[Assigned]:
    """Assignments whose policy is among the changed documents, or names one of them."""
    policies = {name for kind, name in current.documents if kind == "Policy" and current.named_by(name) & set(changed)}
    return [assigned for assigned in current.assignments if assigned.policy in policies]
