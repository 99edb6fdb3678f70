"""Publishing: a draft becomes an immutable version and starts on its way to phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import groups as fleet_groups
from identity.operations import Doing, operation
from identity.queries import ROOT_ID
from policies import (
    devices,
    drafts,
    keyword_tests,
    lock,
    projection,
    rings,
    rollout_steps,
    rollouts,
    second_person,
    world,
)
from policies.desired import Refresh
from policies.language.diff import differences
from policies.language.kinds import PUBLISHED_KINDS, KeywordSetSpec
from policies.models import EVERYWHERE, DocumentVersion, PolicyDocument, VersionInForce
from policies.review import Review, review
from policies.rings import Ring
from policies.world import InForce, World


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


@dataclass(frozen=True, slots=True)
class Staging:
    """How a version goes to phones: by `rings` (none: to everyone at once), kept as a draft, or as an emergency."""

    rings: Sequence[Mapping[str, Any]] = ()
    draft: bool = False
    emergency: bool = False


AT_ONCE = Staging()
PUBLISH = "document.publish"
Agree = Callable[[Review], None]
"""Asked between the review and the change; raises where whoever asks does not mean what they see."""
SHOWN_FIELDS = 12


def publish(
    actor: Actor,
    kind: str,
    name: str,
    *,
    version: int | None = None,
    reason: str = "",
    take_over: bool = False,
    staging: Staging = AT_ONCE,
    agree: Agree | None = None,
) -> Publication:
    """Publish the draft, or older content as a new version (`version`). What is in force already changes nothing.

    Raises Forbidden below the root of the tree, NotFound, Conflict for a kind that takes effect at once or a document
    that another rollout still brings to phones, Invalid for a set that is not published or rings that cannot be.
    """
    actor.require(Permission.DOCUMENT_PUBLISH)
    actor.require_everything()
    ordered = _rings(staging)
    if staging.emergency:
        reason = clean_reason(reason)
    lock.alone()
    row = _locked(kind, name)
    rollouts.require_free([row.id])
    doing = _doing(row, version, reason, take_over, staging)
    if version is not None:
        _restore(actor, row, version, take_over, reason)
    before = world.current()
    made = make_version(actor, row, projection.settled(before, (kind, name)), restores=version, reason=reason)
    if made is None:
        second_person.require(actor, Review(), doing)
        return Publication(Published(kind, name, row.version), None, Review())
    projection.check_complete(projection.with_documents(before, [made]))
    reached, seen = foresee(before, [made])
    if agree:
        agree(seen)
    if staging.emergency:
        second_person.tell_at_once(actor, seen, ("document", f"{kind}/{name}"))
    elif not staging.draft:
        # A draft reaches nobody: its second person is asked when it starts.
        second_person.require(actor, seen, doing)
    rollout = _send(actor, made, ordered, staging, reason, seen)
    if not ordered:
        Refresh(world.current(), rollout).run(reached)
    return Publication(Published(kind, name, made.version), rollout, seen)


def foresee(before: World, made: Sequence[InForce]) -> tuple[set[str], Review]:
    """The phones that versions may reach once they are in force everywhere, and what that does to them."""
    after = projection.with_documents(before, made)
    reached = devices.reached_by(projection.assignments_of(after, [(one.kind, one.name) for one in made]))
    return reached, review(before, after, reached)


@operation(PUBLISH, Permission.DOCUMENT_PUBLISH)
def _publish_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    done = publish(
        actor,
        arguments["kind"],
        arguments["name"],
        version=arguments["version"],
        reason=arguments["reason"],
        take_over=arguments["take_over"],
        staging=Staging(arguments["rings"]),
    )
    return {"rollout": done.rollout}


def _doing(row: PolicyDocument, version: int | None, reason: str, take_over: bool, staging: Staging) -> Doing:
    """The publication of a document as it stands, to be done again."""
    present = in_force_version(row)
    spec = row.spec if version is None else content(row, version).spec
    had = content(row, present).spec if present is not None else {}
    fields = [change.plain() for change in differences(had, spec)[:SHOWN_FIELDS]]
    shown = {"kind": row.kind, "name": row.name, "action": "publish", "restores": version, "fields": fields}
    arguments = {"kind": row.kind, "name": row.name, "version": version, "reason": reason, "take_over": take_over}
    return Doing(
        PUBLISH,
        {**arguments, "rings": [dict(ring) for ring in staging.rings]},
        {"revision": row.revision, "version": row.version, "in_force": present},
        reason,
        frozenset({ROOT_ID}),
        {"documents": [shown], "rings": [str(ring.get("name")) for ring in staging.rings]},
    )


def _restore(actor: Actor, row: PolicyDocument, version: int, take_over: bool, reason: str) -> None:
    """Make older content the draft again."""
    older = content(row, version)
    if (older.title, older.spec) != (row.title, row.spec):
        # Older content of what is kept in files is an edit of it from elsewhere.
        drafts.require_own([row], "api", take_over=take_over, reason=reason)
        if take_over:
            drafts.hand_back(row)
    drafts.rewrite(actor, row, older)


def _send(actor: Actor, made: InForce, ordered: Sequence[Ring], staging: Staging, reason: str, seen: Review) -> str:
    """Begin the rollout that brings a version to phones, audited; returns its id."""
    items = [(made.id, made.version)]
    if not ordered:
        rollout = rollouts.start(actor, "publish", items, reason=reason, emergency=staging.emergency)
        audit_published(actor, [made], rollout, seen, reason, **({"emergency": True} if staging.emergency else {}))
        return rollout
    state = rollouts.DRAFT if staging.draft else rollouts.RUNNING
    rollout = rollouts.create(actor, "publish", items, ordered, reason=reason, state=state, staged=True)
    audit_published(actor, [made], rollout, seen, reason, rings=[ring.name for ring in ordered])
    rollout_steps.begin(rollout)
    return rollout


def _rings(staging: Staging) -> list[Ring]:
    if not staging.rings:
        if staging.draft:
            raise Invalid(
                "draft_without_rings",
                Text("草稿发布需要给出发布环。", "A rollout that is kept as a draft needs rings."),
                path="rings",
            )
        return []
    if staging.emergency:
        raise Invalid(
            "emergency_with_rings",
            Text(
                "紧急发布一次到达全部设备，不能同时给出发布环。", "An emergency goes to everyone at once, not by ring."
            ),
            path="rings",
        )
    return rings.read(staging.rings, fleet_groups.names())


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
    return add_version(actor, row, row, restores=restores, reason=reason)


def add_version(
    actor: Actor,
    row: PolicyDocument,
    content: PolicyDocument | DocumentVersion,
    *,
    restores: int | None,
    reason: str,
) -> InForce:
    """Make a content (the draft, or an older version) the document's next version; its draft stays as it is."""
    row.version += 1
    session().add(
        DocumentVersion(
            document_id=row.id,
            version=row.version,
            title=content.title,
            spec=content.spec,
            source=content.source,
            restores=restores,
            published_at=clock.now(),
            published_by=actor.name,
            reason=reason,
        )
    )
    session().flush()
    return InForce(row.id, row.kind, row.name, row.version, content.spec)


def audit_published(
    actor: Actor,
    made: Sequence[InForce],
    rollout: str,
    seen: Review,
    reason: str,
    **more: object,
) -> None:
    """Record each published version, what it loosened, and whatever `more` there is to say."""
    for document in made:
        audit.record(
            actor,
            "document.publish",
            ("document", f"{document.kind}/{document.name}"),
            {
                "version": document.version,
                "rollout": rollout,
                "reason": reason,
                **seen.audited(),
                **more,
            },
        )


def in_force_version(row: PolicyDocument) -> int | None:
    """The version of a document that is in force everywhere."""
    query = select(VersionInForce.version).where(
        VersionInForce.document_id == row.id, VersionInForce.scope == EVERYWHERE
    )
    return session().scalar(query)


def withdraw(row: PolicyDocument) -> None:
    """Take a document that is being deleted out of force in every scope. Raises Conflict while a rollout brings it."""
    rollouts.require_free([row.id])
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
