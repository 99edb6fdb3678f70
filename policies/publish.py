"""Publishing: a draft becomes an immutable version and starts on its way to phones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, NotFound
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from policies import devices, drafts, keyword_tests, lock, references, rollouts, world
from policies.desired import Refresh
from policies.drafts import Key
from policies.language.kinds import PUBLISHED_KINDS, KeywordSetSpec
from policies.models import EVERYWHERE, DocumentVersion, PolicyDocument, VersionInForce
from policies.review import Review, review
from policies.world import Assigned, InForce, World


@dataclass(frozen=True, slots=True)
class Published:
    """A version that is in force now."""

    kind: str
    name: str
    version: int

    def plain(self) -> dict[str, Any]:
        """As it is shown."""
        return {"kind": self.kind, "name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing did: the version in force, and the rollout that carries it (None: it was in force already)."""

    published: Published
    rollout: str | None
    review: Review


def publish(
    actor: Actor, kind: str, name: str, *, version: int | None = None, reason: str = "", take_over: bool = False
) -> Publication:
    """Publish the draft, or older content as a new version (`version`). What is in force already changes nothing.

    Raises Forbidden below the root of the tree, NotFound, Conflict for a kind that takes effect at once, Invalid for a
    set that is not published.
    """
    actor.require(Permission.DOCUMENT_PUBLISH)
    actor.require_everything()
    lock.alone()
    row = _locked(kind, name)
    if version is not None:
        older = content(row, version)
        if (older.title, older.spec) != (row.title, row.spec):
            _require_own(row, take_over, reason)
        drafts.rewrite(actor, row, older.title, older.spec)
    before = world.current()
    made = make_version(actor, row, before.documents.get((kind, name)), restores=version, reason=reason)
    if made is None:
        return Publication(Published(kind, name, row.version), None, Review())
    after = with_documents(before, [made])
    check_complete(after)
    reached = devices.reached_by(assignments_of(after, [(kind, name)]))
    seen = review(before, after, reached)
    rollout = rollouts.start(actor, "publish", [(row.id, made.version)], reason=reason)
    audit_published(actor, [made], rollout, seen, reason)
    Refresh(world.current(), rollout).run(reached)
    return Publication(Published(kind, name, made.version), rollout, seen)


def _require_own(row: PolicyDocument, take_over: bool, reason: str) -> None:
    """Older content of what is kept in files is an edit of it from elsewhere."""
    if take_over:
        clean_reason(reason)
        drafts.hand_back(row)
    else:
        drafts.require_own([row], "api")


def make_version(
    actor: Actor, row: PolicyDocument, in_force: InForce | None, *, restores: int | None = None, reason: str = ""
) -> InForce | None:
    """Make the draft the next version; None when it is in force already. The caller puts it in force.

    Raises Invalid `keyword_tests_fail` for a set whose own tests fail.
    """
    if row.kind == "KeywordSet":
        keyword_tests.require(row.name, KeywordSetSpec.model_validate(row.spec))
    if in_force is not None and in_force.spec == row.spec:
        newest = session().get_one(DocumentVersion, (row.id, in_force.version))
        if newest.title == row.title:
            return None
    row.version += 1
    session().add(
        DocumentVersion(
            document_id=row.id,
            version=row.version,
            title=row.title,
            spec=row.spec,
            restores=restores,
            published_at=clock.now(),
            published_by=actor.name,
            reason=reason,
        )
    )
    session().flush()
    return InForce(row.id, row.kind, row.name, row.version, row.spec)


def with_documents(current: World, made: Sequence[InForce], gone: Collection[Key] = ()) -> World:
    """The world with some versions in force and some documents gone."""
    documents: Mapping[Key, InForce] = {
        **{key: document for key, document in current.documents.items() if key not in gone},
        **{(document.kind, document.name): document for document in made},
    }
    return current.changed(documents=documents)


def check_complete(after: World) -> None:
    """Raise Invalid when a published policy names a set or calendar that is not published."""
    for (kind, name), document in after.documents.items():
        if kind == "Policy":
            references.check_published(document.spec, name, after.documents.keys())


def assignments_of(current: World, changed: Collection[Key]) -> list[Assigned]:
    """Assignments whose policy is among the changed documents, or names one of them."""
    policies = {
        name
        for (kind, name), document in current.documents.items()
        if kind == "Policy"
        and ((kind, name) in changed or any((k, n) in changed for _, k, n in references.named(document.spec)))
    }
    return [assigned for assigned in current.assignments if assigned.policy in policies]


def audit_published(actor: Actor, made: Sequence[InForce], rollout: str, seen: Review, reason: str) -> None:
    """Record each published version, and what it loosened."""
    for document in made:
        audit.record(
            actor,
            "document.publish",
            ("document", f"{document.kind}/{document.name}"),
            {
                "version": document.version,
                "rollout": rollout,
                "reason": reason,
                "devices": seen.devices,
                "looser": [place.plain() for place in seen.looser[:50]],
            },
        )


def in_force_version(row: PolicyDocument) -> int | None:
    """The version of a document that is in force everywhere."""
    query = select(VersionInForce.version).where(
        VersionInForce.document_id == row.id, VersionInForce.scope == EVERYWHERE
    )
    return session().scalar(query)


def withdraw(row: PolicyDocument) -> None:
    """Take a document that is being deleted out of force in every scope."""
    gone = delete(VersionInForce).where(VersionInForce.document_id == row.id)
    session().execute(gone, execution_options={"synchronize_session": False})


def _locked(kind: str, name: str) -> PolicyDocument:
    if kind not in PUBLISHED_KINDS:
        raise Conflict(
            "not_publishable",
            Text(f"{kind} 应用后立即生效，无需发布。", f"A {kind} is in effect as soon as it is applied."),
        )
    row = drafts.load([(kind, name)], locked=True).get((kind, name))
    if row is None or row.deleted_at is not None:
        raise no_such_document(kind, name)
    return row


def content(row: PolicyDocument, version: int) -> DocumentVersion:
    """A published version of a document. Raises NotFound."""
    found = session().get(DocumentVersion, (row.id, version))
    if found is None:
        raise NotFound("no_such_version", Text(f"没有版本 {version}。", f"There is no version {version}."))
    return found


def no_such_document(kind: str, name: str) -> NotFound:
    """The error for a document that is not there."""
    return NotFound("no_such_document", Text(f"没有{kind}“{name}”。", f"There is no {kind} “{name}”."))
