"""Imports as people deal with them: give a file, look at what it would do, let it happen, follow it.

A page needs: `kinds` (which the actor may use, with their columns), `create` (the file), then `get` until the state is
no longer `reading` (live topic `imports`, key the import's id). In `preview`: the figures `planned`, lines by outcome
(`lines.find`), `confirm` or `cancel`. While `applying`: the progress is `applied` of `rows`. In `done`: the figures
`done`, the lines with errors (`lines.find`, `lines.errors_csv`). In `failed`: `failure` says why and what to do.
Templates come from `templates.render`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import IO, cast

from sqlalchemy import Select, delete, func, select, true

from core import audit, clock, live
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound, TooLarge
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.runtime import runtime, settings
from core.text import Text
from identity import scope
from imports import registry, sheet
from imports.cells import visible
from imports.models import Import, ImportBatch, ImportFile
from imports.registry import Kind
from imports.states import APPLYING, CANCELLED, PREVIEW, READING, State
from imports.views import Counts, FailureView, ImportView, LayoutView, PersonBrief

TOPIC = "imports"


def kinds(actor: Actor) -> list[Kind]:
    """The kinds that the actor may import."""
    return [kind for kind in registry.all_kinds() if actor.may(kind.permission)]


def create(actor: Actor, kind_name: str, file_name: str, content: bytes) -> ImportView:
    """Take a file to be read by the worker. Raises Invalid for what is no such file, TooLarge, Forbidden."""
    kind = registry.kind_of(kind_name)
    actor.require(kind.permission)
    require_size(content)
    if not content.strip():
        raise Invalid("empty_file", Text("文件是空的。", "The file is empty."))
    row = Import(
        id=new_id(),
        kind=kind.name,
        state=READING,
        file_name=visible(file_name.strip()) or kind.name,
        form=sheet.form_of(content),
        encoding=None,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        unit_id=scope.own_unit_id(actor),
        created_at=clock.now(),
        created_by=actor.id,
        created_by_name=actor.name,
        layout={},
        rows=0,
        applied=0,
        planned={},
        done={},
        attempts=0,
    )
    session().add(row)
    session().flush()
    session().add(ImportFile(import_id=row.id, sealed=runtime().envelope.seal(content, f"import_files:{row.id}")))
    session().flush()
    detail = {"kind": kind.name, "file": row.file_name, "size": row.size, "sha256": row.sha256}
    audit.record(actor, "import.create", ("import", row.id), detail)
    live.announce(TOPIC, [row.id])
    return _view(row)


def content_of(file: IO[bytes]) -> bytes:
    """What an uploaded file holds. Raises TooLarge."""
    content = file.read()
    require_size(content)
    return content


def require_size(content: bytes) -> None:
    """Raise TooLarge for a file larger than the setting allows."""
    most = settings().import_max_bytes
    if len(content) > most:
        raise TooLarge(
            "file_too_large",
            Text(
                f"文件超过 {most} 字节。请拆分成多个文件。",
                f"The file is larger than {most} bytes. Split it into parts.",
            ),
        )


def find(actor: Actor, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[ImportView]:
    """Imports of the actor's part of the tree, of the kinds that they may use, the newest first."""
    columns = [Import.created_at, Import.id]
    return keyset(session(), _in_scope(actor), columns, cursor, limit, descending=True).map(_view)


def count(actor: Actor) -> int:
    """How many imports there are to see."""
    return session().scalar(select(func.count()).select_from(_in_scope(actor).subquery())) or 0


def get(actor: Actor, import_id: str) -> ImportView:
    """One import. Raises NotFound."""
    return _view(seen(actor, import_id))


def in_scope_of(actor: Actor, import_ids: Collection[str]) -> set[str]:
    """Those of the ids that are imports which the actor sees."""
    return set(session().scalars(_in_scope(actor).where(Import.id.in_(import_ids)).with_only_columns(Import.id)))


def confirm(actor: Actor, import_id: str) -> ImportView:
    """Let an import happen as it was previewed; lines with errors are left out. Once confirmed, it stays so.

    The worker acts with the rights that the actor has when each batch is applied. Raises NotFound, Conflict.
    """
    row = seen(actor, import_id, lock=True)
    actor.require(registry.kind_of(row.kind).permission)
    if row.state in (APPLYING, "done"):
        return _view(row)
    if row.state != PREVIEW:
        raise _not_now(row.state)
    row.state, row.confirmed_at = APPLYING, clock.now()
    row.confirmed_by, row.confirmed_by_name, row.attempts = actor.id, actor.name, 0
    session().flush()
    audit.record(actor, "import.confirm", ("import", row.id), {"kind": row.kind, "planned": dict(row.planned)})
    live.announce(TOPIC, [row.id])
    return _view(row)


def cancel(actor: Actor, import_id: str) -> ImportView:
    """Give up an import that has not been confirmed; what the file said is removed. Raises NotFound, Conflict."""
    row = seen(actor, import_id, lock=True)
    actor.require(registry.kind_of(row.kind).permission)
    if row.state == CANCELLED:
        return _view(row)
    if row.state not in (READING, PREVIEW):
        raise _not_now(row.state)
    give_up(actor, row)
    return _view(row)


def give_up(actor: Actor, row: Import) -> None:
    """End an import that was not confirmed."""
    row.state, row.finished_at = CANCELLED, clock.now()
    forget_content(row.id)
    audit.record(actor, "import.cancel", ("import", row.id), {"kind": row.kind})
    live.announce(TOPIC, [row.id])


def forget_content(import_id: str) -> None:
    """Remove all that a file said."""
    session().execute(delete(ImportFile).where(ImportFile.import_id == import_id))
    session().execute(delete(ImportBatch).where(ImportBatch.import_id == import_id))


def seen(actor: Actor, import_id: str, *, lock: bool = False) -> Import:
    """The import's row, for this room. Raises NotFound for what is not there or not in the actor's scope."""
    query = _in_scope(actor).where(Import.id == import_id)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    row = session().scalars(query).one_or_none()
    if row is None:
        raise NotFound("no_such_import", Text("没有这次导入。", "There is no such import."))
    return row


def _in_scope(actor: Actor) -> Select[tuple[Import]]:
    everything = scope.sees_everything(actor)
    units = true() if everything else Import.unit_id.in_(scope.visible_units(actor))
    return select(Import).where(units, Import.kind.in_([kind.name for kind in kinds(actor)]))


def _not_now(state: str) -> Conflict:
    return Conflict(
        "import_state",
        Text(
            f"导入当前状态（{state}）不允许此操作，请刷新后再看。",
            f"The import's state ({state}) does not allow this. Load it again.",
        ),
        state=state,
    )


def _view(row: Import) -> ImportView:
    confirmed = PersonBrief(id=row.confirmed_by, name=row.confirmed_by_name or "") if row.confirmed_by else None
    failure = row.failure
    return ImportView(
        id=row.id,
        kind=row.kind,
        state=cast(State, row.state),
        file_name=row.file_name,
        form=row.form,
        encoding=row.encoding,
        size=row.size,
        created_at=row.created_at,
        created_by=PersonBrief(id=row.created_by, name=row.created_by_name),
        layout=LayoutView(**row.layout),
        rows=row.rows,
        applied=row.applied,
        planned=Counts(**row.planned),
        done=Counts(**row.done),
        confirmed_at=row.confirmed_at,
        confirmed_by=confirmed,
        finished_at=row.finished_at,
        failure=FailureView(code=failure["code"], text=Text(failure["zh"], failure["en"])) if failure else None,
    )
