"""A set of documents that somebody sent: read, compared with what is stored, and the world as it would make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.actor import Actor
from policies import devices, drafts, groups, projection, publish, references
from policies.drafts import Change, Key, Manager
from policies.language.kinds import PUBLISHED_KINDS, Group
from policies.language.parse import Parsed
from policies.models import PolicyDocument
from policies.world import Assigned, InForce, World


@dataclass(slots=True)
class Request:
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


def require_own(request: Request, take_over: bool, reason: str) -> None:
    """Raise Conflict when what is kept in files is changed from elsewhere; taken over, Invalid without a reason."""
    changed = [request.stored.get((document.kind, document.name)) for document in request.changed()]
    rows = [*filter(None, changed), *request.gone]
    drafts.require_own(rows, request.managed_by, take_over=take_over, reason=reason)


def read(actor: Actor, parsed: list[Parsed], managed_by: Manager, *, prune: bool, locked: bool) -> Request:
    """A request of documents. Raises Invalid, Conflict for a stale revision. `prune`: what is not sent is deleted."""
    keys = [(document.kind, document.name) for document in parsed]
    stored = drafts.load(keys, locked=locked)
    drafts.check_revisions(parsed, stored)
    living = drafts.load_living()
    sent = set(keys)
    gone = [row for key, row in sorted(living.items()) if key not in sent and row.managed_by == managed_by]
    return _request(actor, parsed, stored, living, gone if prune else [], managed_by)


def deletion(actor: Actor, kind: str, name: str) -> Request:
    """A request to delete one document. Raises NotFound, and Invalid while another one names it."""
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
) -> Request:
    gone_keys = {(row.kind, row.name) for row in gone}
    sent = {(document.kind, document.name): document.data["spec"] for document in parsed}
    kept = {key: row.spec for key, row in living.items() if key not in gone_keys}
    assigned = references.check(actor, parsed, {**kept, **sent})
    references.check_unused(gone_keys, {**kept, **sent})
    changes = drafts.compare(parsed, stored)
    changes += [Change(row.kind, row.name, "delete", []) for row in gone]
    return Request(actor, parsed, stored, changes, gone, assigned, managed_by)


def projected(request: Request, before: World, *, publishing: bool) -> tuple[World, set[str]]:
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


def _as_published(sent: Parsed, before: World, request: Request, under_way: Mapping[Key, InForce]) -> InForce | None:
    if sent.kind not in PUBLISHED_KINDS:
        return None
    key = (sent.kind, sent.name)
    present, stored = projection.present(before, key, under_way), request.stored.get(key)
    if present and present.spec == sent.data["spec"]:
        return None
    version = (stored.version if stored else 0) + 1
    return InForce(stored.id if stored else "", sent.kind, sent.name, version, sent.data["spec"])
