"""Plan and apply: a set of documents as one change, whole or not at all; applying twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core import audit
from core.actor import Actor
from core.permissions import Permission
from core.reasons import clean_reason
from core.runtime import settings
from core.uow import start_writing
from identity.operations import Doing, operation
from identity.scope import own_unit_id
from policies import (
    assignments,
    drafts,
    groups,
    lock,
    projection,
    publish,
    reach,
    requested,
    rollouts,
    second_person,
    sight,
    world,
)
from policies.desired import Refresh, postponing
from policies.drafts import Change, Key, Manager
from policies.language.kinds import PUBLISHED_KINDS, Assignment, Group
from policies.language.parse import Format, Parsed, parse, typed
from policies.models import PolicyDocument
from policies.publish import Published
from policies.requested import Request
from policies.review import SHOWN, Review, review
from policies.world import InForce, World

Agree = Callable[["Outcome"], None]
"""Asked between the review and the change; raises where whoever asks does not mean what they see."""
APPLY, DELETE = "documents.apply", "document.delete"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request changes, or would change."""

    changes: list[Change]
    review: Review
    published: list[Published] = field(default_factory=list)
    rollout: str | None = None

    def plain(self) -> dict[str, Any]:
        """As it is answered."""
        return {
            "changes": [change.plain() for change in self.changes],
            **self.review.plain(),
            "published": [version.plain() for version in self.published],
            "rollout": self.rollout,
            "waits": second_person.wanted(self.review),
        }


def plan(
    actor: Actor, body: bytes, form: Format = "yaml", *, prune: bool = False, managed_by: Manager = "api"
) -> Outcome:
    """What applying and publishing these documents would change, how many phones it touches, what becomes looser.

    `prune` also deletes every document that `managed_by` keeps and that is not among them. Raises Refused, TooLarge,
    Invalid, Conflict.
    """
    actor.require(Permission.DOCUMENT_READ)
    return plan_parsed(actor, parse(body, form), prune=prune, managed_by=managed_by)


def plan_parsed(actor: Actor, parsed: list[Parsed], *, prune: bool = False, managed_by: Manager = "api") -> Outcome:
    """The same as `plan` for documents that were read before."""
    actor.require(Permission.DOCUMENT_READ)
    return _foreseen(requested.read(actor, parsed, managed_by, prune=prune, locked=False))


def plan_deletion(actor: Actor, kind: str, name: str) -> Outcome:
    """What deleting one document would do to phones. Raises NotFound, and Invalid while another one names it."""
    actor.require(Permission.DOCUMENT_READ)
    return _foreseen(requested.deletion(actor, kind, name))


def apply(
    actor: Actor,
    body: bytes,
    form: Format = "yaml",
    *,
    publishing: bool = False,
    prune: bool = False,
    reason: str = "",
    managed_by: Manager = "api",
    take_over: bool = False,
    agree: Agree | None = None,
) -> Outcome:
    """Carry the documents out in one transaction; with `publishing` their drafts are published as well.

    Assignments and groups are in effect at once; where that loosens anything, or touches more phones than may be
    touched without a rollout, it counts as publishing. What is kept in files is changed from elsewhere only to
    `take_over` it, for a reason. Raises Refused, TooLarge, Invalid, Conflict, Forbidden, and Waits where it loosens.
    """
    actor.require(Permission.DOCUMENT_WRITE)
    # Long texts take seconds to read: nobody waits for the lock meanwhile.
    parsed = parse(body, form)
    return apply_parsed(
        actor,
        parsed,
        publishing=publishing,
        prune=prune,
        reason=reason,
        managed_by=managed_by,
        take_over=take_over,
        agree=agree,
    )


def apply_parsed(
    actor: Actor,
    parsed: list[Parsed],
    *,
    publishing: bool = False,
    prune: bool = False,
    reason: str = "",
    managed_by: Manager = "api",
    take_over: bool = False,
    agree: Agree | None = None,
) -> Outcome:
    """The same as `apply` for documents that were read or built before."""
    actor.require(Permission.DOCUMENT_WRITE)
    if publishing:
        actor.require(Permission.DOCUMENT_PUBLISH)
    start_writing()
    lock.alone()
    request = requested.read(actor, parsed, managed_by, prune=prune, locked=True)
    requested.require_own(request, take_over, reason)
    arguments = {"publishing": publishing, "prune": prune, "managed_by": managed_by, "take_over": take_over}
    sent = [{"document": one.data, "source": one.source} for one in parsed]
    doing = _doing(request, APPLY, {**arguments, "documents": sent, "reason": reason}, reason)
    return _carry_out(request, doing, agree, publishing=publishing, reason=reason)


def delete(
    actor: Actor, kind: str, name: str, *, reason: str, take_over: bool = False, agree: Agree | None = None
) -> Outcome:
    """Delete one document; its versions and its numbering stay.

    Where that loosens anything it counts as publishing. Raises NotFound, Invalid (still named by another, no reason),
    Conflict (kept in files and not to be taken over), Forbidden, Waits where something becomes looser.
    """
    actor.require(Permission.DOCUMENT_WRITE)
    why = clean_reason(reason)
    lock.alone()
    request = requested.deletion(actor, kind, name)
    requested.require_own(request, take_over, why)
    arguments = {"kind": kind, "name": name, "reason": why, "take_over": take_over}
    return _carry_out(request, _doing(request, DELETE, arguments, why), agree, publishing=False, reason=why)


@operation(APPLY, Permission.DOCUMENT_WRITE, Permission.DOCUMENT_PUBLISH)
def _apply_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    parsed = [replace(typed(sent["document"]), source=sent["source"]) for sent in arguments["documents"]]
    more = {name: value for name, value in arguments.items() if name != "documents"}
    return {"rollout": apply_parsed(actor, parsed, **more).rollout}


@operation(DELETE, Permission.DOCUMENT_WRITE, Permission.DOCUMENT_PUBLISH)
def _delete_again(actor: Actor, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"rollout": delete(actor, **arguments).rollout}


def _doing(request: Request, name: str, arguments: Mapping[str, Any], reason: str) -> Doing:
    """The change of documents as they stand, to be done again."""
    keys = {(document.kind, document.name) for document in request.parsed} | request.gone_keys
    present = {**request.stored, **{(row.kind, row.name): row for row in request.gone}}
    base = {"/".join(key): [present[key].revision, present[key].version] for key in sorted(keys) if key in present}
    changes = [change.plain() for change in request.changes if change.action != "none"]
    shown = [{**one, "fields": one["fields"][: publish.SHOWN_FIELDS]} for one in changes[:SHOWN]]
    return Doing(name, arguments, base, reason, frozenset({own_unit_id(request.actor)}), {"documents": shown})


def _foreseen(request: Request) -> Outcome:
    before = world.current()
    after, touched = requested.projected(request, before, publishing=True)
    return Outcome(sight.shown_changes(request.actor, request.changes), review(before, after, touched))


def _carry_out(request: Request, doing: Doing, agree: Agree | None, *, publishing: bool, reason: str) -> Outcome:
    actor = request.actor
    if publishing:
        actor.require_everything()
    reach.require(actor, request.changes, request.stored, request.assigned)
    before = world.current()
    after, touched = requested.projected(request, before, publishing=publishing)
    if publishing or request.gone:
        projection.check_complete(after)
    seen = review(before, after, touched)
    if agree:
        agree(Outcome(request.changes, seen))
    staged = seen.devices > settings().unstaged_limit or bool(seen.looser)
    if staged:
        actor.require(Permission.DOCUMENT_PUBLISH)
    second_person.require(actor, seen, doing)
    with postponing() as moved:
        made = _write(request, before, publishing=publishing, reason=reason)
    rollout = _start(actor, made, staged=staged, reason=reason)
    if rollout:
        publish.audit_published(actor, made, rollout, seen, reason)
    _audit(request, seen, rollout, reason)
    Refresh(world.current(), rollout).run(touched | moved)
    versions = [Published(document.kind, document.name, document.version) for document in made]
    return Outcome(request.changes, seen, versions, rollout)


def _write(request: Request, before: World, *, publishing: bool, reason: str) -> list[InForce]:
    """Store drafts, versions, groups and assignments; returns the versions that were made."""
    rows: dict[Key, PolicyDocument] = dict(request.stored)
    if request.parsed:
        drafts.hand_over([rows[key] for key in rows if rows[key].deleted_at is None], request.managed_by)
    for document in request.unchanged():
        drafts.keep_text(rows[document.kind, document.name], document, request.managed_by)
    for document in request.changed():
        key = (document.kind, document.name)
        rows[key] = drafts.put(request.actor, document, request.stored.get(key), request.managed_by)
    made = _versions(request, rows, before, reason) if publishing else []
    groups.make_room(request.changed())
    for document in groups.in_order(request.changed()):
        _put_in_effect(request, document, rows)
    for row in request.gone:
        _delete(request.actor, row)
    return made


def _versions(request: Request, rows: dict[Key, PolicyDocument], before: World, reason: str) -> list[InForce]:
    made, under_way = [], projection.on_their_way()
    for document in request.parsed:
        key = (document.kind, document.name)
        if document.kind in PUBLISHED_KINDS:
            present = projection.present(before, key, under_way)
            made.append(publish.make_version(request.actor, rows[key], present, reason=reason))
    return [version for version in made if version is not None]


def _put_in_effect(request: Request, document: Parsed, rows: dict[Key, PolicyDocument]) -> None:
    if isinstance(document.model, Group):
        groups.replace(request.actor, document.name, document.model.metadata.title, document.model.spec)
    if isinstance(document.model, Assignment):
        policy = rows.get(("Policy", document.model.spec.policy))
        if policy is None:
            policy = drafts.load([("Policy", document.model.spec.policy)])[("Policy", document.model.spec.policy)]
        assignments.put(rows[("Assignment", document.name)].id, policy.id, request.assigned[document.name])


def _delete(actor: Actor, row: PolicyDocument) -> None:
    if row.kind == "Assignment":
        assignments.remove(row.id)
    if row.kind == "Group":
        groups.remove(actor, row.name)
    publish.withdraw(row)
    drafts.delete(actor, row)


def _start(actor: Actor, made: Sequence[InForce], *, staged: bool, reason: str) -> str | None:
    if not made and not staged:
        return None
    items = [(document.id, document.version) for document in made]
    return rollouts.start(actor, "publish" if made else "assignment", items, reason=reason)


def _audit(request: Request, seen: Review, rollout: str | None, reason: str) -> None:
    for change in request.changes:
        if change.action == "none":
            continue
        detail: dict[str, Any] = {"action": change.action, "fields": [field.path for field in change.fields[:50]]}
        if reason:
            detail["reason"] = reason
        if change.kind in ("Assignment", "Group") or change.action == "delete":
            detail |= {**seen.audited(), "rollout": rollout}
        audit.record(request.actor, "document.apply", ("document", f"{change.kind}/{change.name}"), detail)
