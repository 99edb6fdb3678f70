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
from identity.queries import ROOT_ID
from policies import (
    assignments,
    devices,
    drafts,
    groups,
    lock,
    projection,
    publish,
    reach,
    references,
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
from policies.review import Review, review
from policies.world import Assigned, InForce, World

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
            "devices": self.review.devices,
            "looser": [place.plain() for place in self.review.looser],
            "tighter": [place.plain() for place in self.review.tighter],
            "published": [version.plain() for version in self.published],
            "rollout": self.rollout,
            "waits": second_person.wanted(self.review),
        }


@dataclass(slots=True)
class _Request:
    """Documents as they were sent, what is stored, and what differs."""

    actor: Actor
    parsed: list[Parsed]
    stored: dict[Key, PolicyDocument]
    changes: list[Change]
    gone: list[PolicyDocument]
    assigned: dict[str, Assigned]
    managed_by: Manager = "api"

    @property
    def gone_keys(self) -> set[Key]:
        """Kinds and names of what is deleted."""
        return {(row.kind, row.name) for row in self.gone}

    def changed(self) -> list[Parsed]:
        """Documents that are new or differ."""
        return self._parsed("create", "change")

    def unchanged(self) -> list[Parsed]:
        """Documents that say what is stored."""
        return self._parsed("none")

    def _parsed(self, *actions: str) -> list[Parsed]:
        keys = {(change.kind, change.name) for change in self.changes if change.action in actions}
        return [document for document in self.parsed if (document.kind, document.name) in keys]


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
    return _foreseen(_read(actor, parsed, managed_by, prune=prune, locked=False))


def plan_deletion(actor: Actor, kind: str, name: str) -> Outcome:
    """What deleting one document would do to phones. Raises NotFound, and Invalid while another one names it."""
    actor.require(Permission.DOCUMENT_READ)
    return _foreseen(_deletion(actor, kind, name))


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
    request = _read(actor, parsed, managed_by, prune=prune, locked=True)
    _require_own(request, take_over, reason)
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
    request = _deletion(actor, kind, name)
    _require_own(request, take_over, why)
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


def _doing(request: _Request, name: str, arguments: Mapping[str, Any], reason: str) -> Doing:
    """The change of documents as they stand, to be done again."""
    keys = {(document.kind, document.name) for document in request.parsed} | request.gone_keys
    present = {**request.stored, **{(row.kind, row.name): row for row in request.gone}}
    base = {"/".join(key): [present[key].revision, present[key].version] for key in sorted(keys) if key in present}
    changes = [change.plain() for change in request.changes if change.action != "none"]
    shown = [{**one, "fields": one["fields"][: publish.SHOWN_FIELDS]} for one in changes[: second_person.SHOWN]]
    unit_id = (request.actor.unit_path or "").strip("/").rpartition("/")[2] or ROOT_ID
    return Doing(name, arguments, base, reason, frozenset({unit_id}), {"documents": shown})


def _require_own(request: _Request, take_over: bool, reason: str) -> None:
    if take_over:
        clean_reason(reason)
    else:
        changed = [request.stored.get((document.kind, document.name)) for document in request.changed()]
        drafts.require_own([*filter(None, changed), *request.gone], request.managed_by)


def _foreseen(request: _Request) -> Outcome:
    before = world.current()
    after, touched = _projected(request, before, publishing=True)
    return Outcome(sight.shown_changes(request.actor, request.changes), review(before, after, touched))


def _carry_out(request: _Request, doing: Doing, agree: Agree | None, *, publishing: bool, reason: str) -> Outcome:
    actor = request.actor
    if publishing:
        actor.require_everything()
    reach.require(actor, request.changes, request.stored, request.assigned)
    before = world.current()
    after, touched = _projected(request, before, publishing=publishing)
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


def _read(actor: Actor, parsed: list[Parsed], managed_by: Manager, *, prune: bool, locked: bool) -> _Request:
    keys = [(document.kind, document.name) for document in parsed]
    stored = drafts.load(keys, locked=locked)
    drafts.check_revisions(parsed, stored)
    living = drafts.load_living()
    sent = set(keys)
    gone = [row for key, row in sorted(living.items()) if key not in sent and row.managed_by == managed_by]
    return _request(actor, parsed, stored, living, gone if prune else [], managed_by)


def _deletion(actor: Actor, kind: str, name: str) -> _Request:
    living = drafts.load_living()
    row = living.get((kind, name))
    if row is None:
        raise publish.no_such_document(kind, name)
    return _request(actor, [], {}, living, [row])


def _request(
    actor: Actor,
    parsed: list[Parsed],
    stored: dict[Key, PolicyDocument],
    living: dict[Key, PolicyDocument],
    gone: list[PolicyDocument],
    managed_by: Manager = "api",
) -> _Request:
    gone_keys = {(row.kind, row.name) for row in gone}
    sent = {(document.kind, document.name): document.data["spec"] for document in parsed}
    kept = {key: row.spec for key, row in living.items() if key not in gone_keys}
    assigned = references.check(actor, parsed, {**kept, **sent})
    references.check_unused(gone_keys, {**kept, **sent})
    changes = drafts.compare(parsed, stored)
    changes += [Change(row.kind, row.name, "delete", []) for row in gone]
    return _Request(actor, parsed, stored, changes, gone, assigned, managed_by)


def _projected(request: _Request, before: World, *, publishing: bool) -> tuple[World, set[str]]:
    """The world after the change, and the phones that it may touch."""
    under_way = projection.on_their_way() if publishing else {}
    made = [_as_published(document, before, request, under_way) for document in request.parsed] if publishing else []
    news = [document for document in made if document is not None]
    after = projection.with_documents(before, news, request.gone_keys)
    changed = request.changed()
    moved = {document.name for document in changed if document.kind == "Assignment"}
    moved |= {row.name for row in request.gone if row.kind == "Assignment"}
    renewed = [request.assigned[name] for name in sorted(moved) if name in request.assigned]
    kept = [assigned for assigned in before.assignments if assigned.name not in moved]
    grouped = groups.foreseen({d.name: d.model.spec for d in changed if isinstance(d.model, Group)})
    after = after.changed(assignments=[*kept, *renewed], members=grouped)
    keys = {(document.kind, document.name) for document in news} | request.gone_keys
    affected = [
        *projection.assignments_of(after, keys),
        *projection.assignments_of(before, keys),
        *renewed,
        *(assigned for assigned in before.assignments if assigned.name in moved or assigned.group in grouped),
    ]
    joined = {device_id for members in grouped.values() for device_id in members}
    return after, devices.reached_by(affected) | (
        joined if any(a.group in grouped for a in after.assignments) else set()
    )


def _as_published(sent: Parsed, before: World, request: _Request, under_way: Mapping[Key, InForce]) -> InForce | None:
    if sent.kind not in PUBLISHED_KINDS:
        return None
    key = (sent.kind, sent.name)
    present, stored = projection.present(before, key, under_way), request.stored.get(key)
    if present and present.spec == sent.data["spec"]:
        return None
    version = (stored.version if stored else 0) + 1
    return InForce(stored.id if stored else "", sent.kind, sent.name, version, sent.data["spec"])


def _write(request: _Request, before: World, *, publishing: bool, reason: str) -> list[InForce]:
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


def _versions(request: _Request, rows: dict[Key, PolicyDocument], before: World, reason: str) -> list[InForce]:
    made, under_way = [], projection.on_their_way()
    for document in request.parsed:
        key = (document.kind, document.name)
        if document.kind in PUBLISHED_KINDS:
            present = projection.present(before, key, under_way)
            made.append(publish.make_version(request.actor, rows[key], present, reason=reason))
    return [version for version in made if version is not None]


def _put_in_effect(request: _Request, document: Parsed, rows: dict[Key, PolicyDocument]) -> None:
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


def _audit(request: _Request, seen: Review, rollout: str | None, reason: str) -> None:
    for change in request.changes:
        if change.action == "none":
            continue
        detail: dict[str, Any] = {"action": change.action, "fields": [field.path for field in change.fields[:50]]}
        if reason:
            detail["reason"] = reason
        if change.kind in ("Assignment", "Group") or change.action == "delete":
            detail |= {"devices": seen.devices, "looser": [p.plain() for p in seen.looser[:50]], "rollout": rollout}
        audit.record(request.actor, "document.apply", ("document", f"{change.kind}/{change.name}"), detail)
