"""Documents as they are stored: looked up, compared with what was sent, written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, tuple_

from core import clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict
from core.ids import new_id
from core.reasons import clean_reason
from core.text import Text
from policies import assignments
from policies.language import author_text
from policies.language.diff import FieldChange, differences
from policies.language.kinds import API_VERSION
from policies.language.parse import Parsed
from policies.models import DocumentVersion, PolicyDocument

Action = Literal["create", "change", "delete", "none"]
Manager = Literal["files", "console", "api"]
Key = tuple[str, str]
FILES: Manager = "files"


@dataclass(frozen=True, slots=True)
class Change:
    """What a request does to one document."""

    kind: str
    name: str
    action: Action
    fields: list[FieldChange]

    def plain(self) -> dict[str, Any]:
        """As it is shown."""
        fields = [change.plain() for change in self.fields]
        return {"kind": self.kind, "name": self.name, "action": self.action, "fields": fields}


def load(keys: Collection[Key], *, locked: bool = False) -> dict[Key, PolicyDocument]:
    """Stored documents by kind and name, deleted ones too."""
    query = select(PolicyDocument).where(tuple_(PolicyDocument.kind, PolicyDocument.name).in_(list(keys)))
    query = query.order_by(PolicyDocument.id).execution_options(populate_existing=True)
    rows = session().scalars(query.with_for_update() if locked else query)
    return {(row.kind, row.name): row for row in rows}


def load_living() -> dict[Key, PolicyDocument]:
    """All documents that are not deleted."""
    rows = session().scalars(select(PolicyDocument).where(PolicyDocument.deleted_at.is_(None)))
    return {(row.kind, row.name): row for row in rows}


def compare(parsed: Sequence[Parsed], stored: dict[Key, PolicyDocument]) -> list[Change]:
    """What each sent document would change; the order of the documents is kept."""
    paths = assignments.present_paths([row.id for row in stored.values()])
    return [_compare(document, stored.get((document.kind, document.name)), paths) for document in parsed]


def _compare(sent: Parsed, stored: PolicyDocument | None, paths: dict[str, str]) -> Change:
    spec = sent.data["spec"]
    if stored is None or stored.deleted_at is not None:
        return Change(sent.kind, sent.name, "create", differences({}, spec))
    present = assignments.with_present_path(stored.spec, paths.get(stored.id))
    fields = differences(present, spec)
    if stored.title != sent.model.metadata.title:
        fields.insert(0, FieldChange("metadata.title", stored.title, sent.model.metadata.title))
    return Change(sent.kind, sent.name, "change" if fields else "none", fields)


def check_revisions(parsed: Sequence[Parsed], stored: dict[Key, PolicyDocument]) -> None:
    """Raise Conflict when a document carries a revision that is not the stored one: somebody else was faster."""
    stale = []
    for document in parsed:
        given = document.model.metadata.revision
        row = stored.get((document.kind, document.name))
        present = row.revision if row and row.deleted_at is None else None
        if given is not None and given != present:
            stale.append({"kind": document.kind, "name": document.name, "revision": present, "given": given})
    if stale:
        raise Conflict(
            "stale_revision",
            Text(
                f"{stale[0]['kind']}“{stale[0]['name']}”已被他人修改，未做任何更改。请重新载入后再改。",
                f"{stale[0]['kind']} “{stale[0]['name']}” was changed by somebody else; nothing was written. "
                "Load it again, then edit.",
            ),
            documents=stale,
        )


def put(actor: Actor, sent: Parsed, stored: PolicyDocument | None, managed_by: Manager) -> PolicyDocument:
    """Store a document as it was sent, with the next revision."""
    row = stored or _new(sent.kind, sent.name)
    row.managed_by = managed_by
    row.title = sent.model.metadata.title
    row.spec = sent.data["spec"]
    row.source = author_text.kept(sent.source, sent.data)
    _touch(row, actor)
    row.deleted_at = None
    session().add(row)
    session().flush()
    return row


def hand_over(rows: Collection[PolicyDocument], managed_by: Manager) -> None:
    """Note where documents are kept that were sent again without a change; that is no edit of theirs.

    What is kept in files stays so: sending back what was read there takes nothing over.
    """
    for row in rows:
        row.managed_by = row.managed_by if row.managed_by == FILES else managed_by


def hand_back(row: PolicyDocument) -> None:
    """Take a document out of the files' keeping."""
    row.managed_by = "api"


def require_own(rows: Collection[PolicyDocument], managed_by: Manager, *, take_over: bool, reason: str) -> None:
    """Raise Conflict when documents that are kept in files would be changed from elsewhere.

    Whoever means to take them over may, and says why: Invalid without a reason.
    """
    if take_over:
        clean_reason(reason)
        return
    foreign = [row for row in rows if row.managed_by == FILES and row.deleted_at is None and managed_by != FILES]
    if foreign:
        raise Conflict(
            "kept_in_files",
            Text(
                f"{foreign[0].kind}“{foreign[0].name}”由文件管理（flask documents apply），未做任何更改。"
                "请修改文件；确需在此修改时，请选择接管并填写原因。",
                f"{foreign[0].kind} “{foreign[0].name}” is kept in files (flask documents apply); nothing was "
                "written. Change the files, or take it over with a reason.",
            ),
            documents=[{"kind": row.kind, "name": row.name} for row in foreign],
        )


def keep_text(row: PolicyDocument, sent: Parsed, managed_by: Manager) -> None:
    """Keep what an author wrote around a content that did not change: comments are no edit, and no revision of theirs.

    A program that sends the plain content takes no comments away, nor does anybody else those of files.
    """
    foreign = row.managed_by == FILES and managed_by != FILES
    if sent.source is not None and not foreign:
        row.source = author_text.kept(sent.source, sent.data, row.source) or row.source


def rewrite(actor: Actor, row: PolicyDocument, older: DocumentVersion) -> None:
    """Make older content the draft again."""
    if (row.title, row.spec) != (older.title, older.spec):
        row.title, row.spec, row.source = older.title, older.spec, older.source
        _touch(row, actor)
        session().flush()


def delete(actor: Actor, row: PolicyDocument) -> None:
    """Delete a document; its versions and its numbering stay."""
    _touch(row, actor)
    row.deleted_at = row.updated_at
    session().flush()


def whole(row: PolicyDocument, path: str | None, *, revision: bool) -> dict[str, Any]:
    """The document as its author writes it."""
    metadata: dict[str, Any] = {"name": row.name}
    if row.title is not None:
        metadata["title"] = row.title
    if revision:
        metadata["revision"] = row.revision
    spec = assignments.with_present_path(row.spec, path)
    return {"apiVersion": API_VERSION, "kind": row.kind, "metadata": metadata, "spec": spec}


def _new(kind: str, name: str) -> PolicyDocument:
    return PolicyDocument(id=new_id(), kind=kind, name=name, revision=0, version=0)


def _touch(row: PolicyDocument, actor: Actor) -> None:
    row.revision += 1
    row.updated_at = clock.now()
    row.updated_by = actor.name
