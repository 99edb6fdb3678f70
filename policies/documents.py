"""Documents as they are read: lists, one document, its versions, and all of them as text."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, or_, select

from core.actor import Actor
from core.db import session
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from policies import assignments, drafts, publish, references, sight
from policies.language import author_text
from policies.language.diff import FieldChange, differences
from policies.language.kinds import KINDS, PUBLISHED_KINDS
from policies.models import EVERYWHERE, DocumentVersion, PolicyDocument, VersionInForce
from policies.views import DocumentView, VersionView

MAX_NAMES = 1000
LEFT_OUT = "含有您管辖范围之外的设备，已略去 / names devices outside your part of the tree, left out"


def find(
    actor: Actor,
    kind: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    *,
    q: str | None = None,
) -> Page[DocumentView]:
    """Documents by kind and name; `q` is found in name or title."""
    actor.require(Permission.DOCUMENT_READ)
    query = _narrowed(select(PolicyDocument), kind, q)
    page = keyset(session(), query, [PolicyDocument.kind, PolicyDocument.name], cursor, limit)
    views = dict(zip([row.id for row in page.items], _views(actor, page.items), strict=True))
    return page.map(lambda row: views[row.id])


def count(actor: Actor, kind: str | None = None, *, q: str | None = None) -> int:
    """How many documents the same filters find."""
    actor.require(Permission.DOCUMENT_READ)
    return session().scalar(_narrowed(select(func.count(PolicyDocument.id)), kind, q)) or 0


def text(actor: Actor, kind: str, name: str, *, version: int | None = None) -> str:
    """One document as YAML with its revision, as its author wrote it; with the content of an older version if asked.

    Raises NotFound.
    """
    document, row = get(actor, kind, name).document, _row(kind, name)
    if version is None:
        return author_text.shown(row.source, document)
    older = publish.content(row, version)
    names = {key: value for key, value in document["metadata"].items() if key != "title"}
    titled = names | ({"title": older.title} if older.title is not None else {})
    return author_text.shown(older.source, {**document, "metadata": titled, "spec": older.spec})


def spec(actor: Actor, kind: str, name: str, *, version: int | None = None) -> dict[str, Any]:
    """What a document says, or what a version of it said. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    return _content(_row(kind, name), version)[1]


def existing(actor: Actor, kind: str, names: Collection[str]) -> set[str]:
    """Those of the names that documents of the kind bear."""
    actor.require(Permission.DOCUMENT_READ)
    found = drafts.load([(kind, name) for name in names]) if names else {}
    return {row.name for row in found.values() if row.deleted_at is None}


def names(actor: Actor, kind: str) -> list[tuple[str, str | None]]:
    """Names and titles of the documents of a kind, at most 1000, for choices."""
    actor.require(Permission.DOCUMENT_READ)
    query = _narrowed(select(PolicyDocument.name, PolicyDocument.title), kind, None)
    rows = session().execute(query.order_by(PolicyDocument.name).limit(MAX_NAMES))
    return [(row.name, row.title) for row in rows]


def named_by(actor: Actor, kind: str, name: str) -> list[tuple[str, str]]:
    """Kinds and names of the documents that name this one."""
    actor.require(Permission.DOCUMENT_READ)
    query = select(PolicyDocument.kind, PolicyDocument.name, PolicyDocument.spec)
    query = query.where(PolicyDocument.deleted_at.is_(None), PolicyDocument.kind.in_(("Policy", "Assignment", "Group")))
    rows = session().execute(query.order_by(PolicyDocument.kind, PolicyDocument.name))
    return [
        (row.kind, row.name)
        for row in rows
        if any((k, n) == (kind, name) for _, k, n in references.names(row.kind, row.spec))
    ]


def compare(actor: Actor, kind: str, name: str, old: int | None, new: int | None) -> list[FieldChange]:
    """What differs between two versions, member by member; None stands for the draft. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    row = _row(kind, name)
    one, other = _content(row, old), _content(row, new)
    fields = sight.shown_fields(actor, kind, differences(one[1], other[1]))
    return [FieldChange("metadata.title", one[0], other[0]), *fields] if one[0] != other[0] else fields


def get(actor: Actor, kind: str, name: str) -> DocumentView:
    """One document. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    return _views(actor, [_row(kind, name)])[0]


def require(actor: Actor, kind: str, name: str) -> None:
    """Raise NotFound when there is no such document."""
    actor.require(Permission.DOCUMENT_READ)
    _row(kind, name)


def versions(
    actor: Actor, kind: str, name: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[VersionView]:
    """Published versions, newest first. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    row = _row(kind, name)
    present = publish.in_force_version(row)
    query = select(DocumentVersion).where(DocumentVersion.document_id == row.id)
    page = keyset(session(), query, [DocumentVersion.version], cursor, limit, descending=True)
    return page.map(lambda version: _version(version, present))


def export(actor: Actor) -> str:
    """All documents as one YAML text that applies to what it was taken from without a change.

    What names phones outside the actor's part of the tree is left out; a comment says which documents those are.
    """
    kept, foreign = _exported(actor)
    written = "".join(author_text.shown(source, document) for document, source in kept)
    return "".join(f"# {LEFT_OUT}: {name}\n" for name in foreign) + written


def export_json(actor: Actor) -> str:
    """The same as one JSON array, which is read ten times as fast. What is left out cannot be said in it."""
    return json.dumps([document for document, _ in _exported(actor)[0]], ensure_ascii=False, indent=1) + "\n"


def _exported(actor: Actor) -> tuple[list[tuple[dict[str, Any], str | None]], list[str]]:
    """All documents with what their authors wrote, and kind and name of those that are left out."""
    actor.require(Permission.DOCUMENT_READ)
    rows = sorted(drafts.load_living().values(), key=lambda row: (list(KINDS).index(row.kind), row.name))
    paths = assignments.present_paths([row.id for row in rows])
    hidden = sight.hidden_in(actor, [row.spec for row in rows if row.kind in sight.NAMES_PHONES])
    foreign = [row for row in rows if hidden and row.kind in sight.NAMES_PHONES and sight.names_any(row.spec, hidden)]
    kept = [(drafts.whole(row, paths.get(row.id), revision=False), row.source) for row in rows if row not in foreign]
    return kept, [f"{row.kind}/{row.name}" for row in foreign]


def _narrowed(query: Select[Any], kind: str | None, q: str | None) -> Select[Any]:
    query = query.where(PolicyDocument.deleted_at.is_(None))
    if kind:
        query = query.where(PolicyDocument.kind == kind)
    if q and q.strip():
        wanted = q.strip()
        columns = (PolicyDocument.name, PolicyDocument.title)
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    return query


def _content(row: PolicyDocument, version: int | None) -> tuple[str | None, dict[str, Any]]:
    if version is None:
        path = assignments.present_paths([row.id]).get(row.id)
        return row.title, assignments.with_present_path(row.spec, path)
    found = publish.content(row, version)
    return found.title, found.spec


def _row(kind: str, name: str) -> PolicyDocument:
    row = drafts.load([(kind, name)]).get((kind, name))
    if row is None or row.deleted_at is not None:
        raise publish.no_such_document(kind, name)
    return row


def _views(actor: Actor, rows: list[PolicyDocument]) -> list[DocumentView]:
    ids = [row.id for row in rows]
    paths = assignments.present_paths(ids)
    query = (
        select(DocumentVersion)
        .join(
            VersionInForce,
            (VersionInForce.document_id == DocumentVersion.document_id)
            & (VersionInForce.version == DocumentVersion.version),
        )
        .where(VersionInForce.document_id.in_(ids), VersionInForce.scope == EVERYWHERE)
    )
    present = {version.document_id: version for version in session().scalars(query)}
    hidden = sight.hidden_in(actor, [row.spec for row in rows if row.kind in sight.NAMES_PHONES])
    return [_view(row, paths.get(row.id), present.get(row.id), hidden) for row in rows]


def _view(
    row: PolicyDocument, path: str | None, present: DocumentVersion | None, hidden: Collection[str]
) -> DocumentView:
    document = drafts.whole(row, path, revision=True)
    same = present is not None and (present.spec, present.title) == (row.spec, row.title)
    return DocumentView(
        kind=row.kind,
        name=row.name,
        title=row.title,
        revision=row.revision,
        version=present.version if present else None,
        draft=row.kind in PUBLISHED_KINDS and not same,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        managed_by=row.managed_by,
        document=sight.without(document, hidden) if hidden else document,
    )


def _version(row: DocumentVersion, present: int | None) -> VersionView:
    return VersionView(
        version=row.version,
        title=row.title,
        restores=row.restores,
        published_at=row.published_at,
        published_by=row.published_by,
        reason=row.reason,
        in_force=row.version == present,
        spec=row.spec,
    )
