"""Imports over HTTP, for people."""

from __future__ import annotations

from flask import Response, current_app

from core.http.access import Access, Content
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from core.text import Text
from imports import lines, templates, uploads
from imports.entries import Entry
from imports.registry import Kind, kind_of
from imports.schemas import (
    ChangeRead,
    ColumnRead,
    Counts,
    FailureRead,
    ImportForm,
    ImportRead,
    KindRead,
    KindsRead,
    LayoutRead,
    LineRead,
    LinesQuery,
    PersonBrief,
    TemplatePath,
    TroubleRead,
)
from imports.sheet import CSV
from imports.uploads import ImportView

CSV_TYPE = templates.MEDIA_TYPES[CSV]
FILES: Content = {kind: {"type": "string", "format": "binary"} for kind in templates.MEDIA_TYPES.values()}
CSV_FILE: Content = {CSV_TYPE: FILES[CSV_TYPE]}

api = Api("imports", __name__)


@api.get("/imports/kinds", Access.SIGNED_IN, {200: KindsRead})
def list_kinds() -> Response:
    """The kinds that one may import, with their columns."""
    return reply(KindsRead(items=[_kind(kind) for kind in uploads.kinds(current_actor())]))


@api.get("/imports/templates/<kind>.<form>", Access.SIGNED_IN, {200: FILES})
def get_template(path: TemplatePath) -> Response:
    """A file with the headers of a kind, to be filled in."""
    content = templates.render(kind_of(path.kind), path.form, language())
    return _file(content, f"{path.kind}.{path.form}", templates.MEDIA_TYPES[path.form])


@api.post("/imports", Access.SIGNED_IN, {201: ImportRead})
def create_import(form: ImportForm) -> Response:
    """Give a file to be read: look at it in the state `preview`, then confirm it."""
    view = uploads.create(current_actor(), form.kind, form.file.filename or "", form.file.read())
    return reply(_import(view), 201)


@api.get("/imports", Access.SIGNED_IN, {200: PageOut[ImportRead]})
def list_imports(query: PageQuery) -> Response:
    """Imports of one's part of the tree, the newest first."""
    return page_reply(uploads.find(current_actor(), query.cursor, query.limit), _import)


@api.get("/imports/<id>", Access.SIGNED_IN, {200: ImportRead})
def get_import(path: IdPath) -> Response:
    """One import and how far it came."""
    return reply(_import(uploads.get(current_actor(), path.id)))


@api.get("/imports/<id>/lines", Access.SIGNED_IN, {200: PageOut[LineRead]})
def list_lines(path: IdPath, query: LinesQuery) -> Response:
    """Lines of the file with what they would do; after the import those with errors alone."""
    page = lines.find(current_actor(), path.id, query.outcome, query.cursor, query.limit)
    return page_reply(page, _line)


@api.get("/imports/<id>/errors.csv", Access.SIGNED_IN, {200: CSV_FILE})
def get_errors(path: IdPath) -> Response:
    """The lines with errors and what to do about each, as a file."""
    name, content = lines.errors_csv(current_actor(), path.id, language())
    return _file(content, name, CSV_TYPE)


@api.post("/imports/<id>/confirm", Access.SIGNED_IN, {200: ImportRead})
def confirm_import(path: IdPath) -> Response:
    """Let the import happen as it was previewed."""
    return reply(_import(uploads.confirm(current_actor(), path.id)))


@api.post("/imports/<id>/cancel", Access.SIGNED_IN, {200: ImportRead})
def cancel_import(path: IdPath) -> Response:
    """Give up an import that has not been confirmed."""
    return reply(_import(uploads.cancel(current_actor(), path.id)))


def _file(content: bytes, name: str, kind: str) -> Response:
    answer = current_app.response_class(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _said(text: Text) -> str:
    return text.pick(language())


def _kind(kind: Kind) -> KindRead:
    columns = [
        ColumnRead(name=column.name, title=_said(column.title), help=_said(column.help), required=column.required)
        for column in kind.columns
    ]
    return KindRead(name=kind.name, title=_said(kind.title), columns=columns)


def _import(view: ImportView) -> ImportRead:
    confirmed = PersonBrief(id=view.confirmed_by, name=view.confirmed_by_name or "") if view.confirmed_by else None
    failure = FailureRead(code=view.failure_code or "", text=_said(view.failure)) if view.failure else None
    return ImportRead(
        id=view.id,
        kind=view.kind,
        state=view.state,
        file_name=view.file_name,
        form=view.form,
        encoding=view.encoding,
        size=view.size,
        created_at=view.created_at,
        created_by=PersonBrief(id=view.created_by, name=view.created_by_name),
        layout=LayoutRead.model_validate(dict(view.layout)),
        rows=view.rows,
        applied=view.applied,
        planned=Counts.model_validate(dict(view.planned)),
        done=Counts.model_validate(dict(view.done)),
        confirmed_at=view.confirmed_at,
        confirmed_by=confirmed,
        finished_at=view.finished_at,
        failure=failure,
    )


def _line(entry: Entry) -> LineRead:
    problems = [
        TroubleRead(column=one.column, position=one.position, code=one.code, text=_said(one.text))
        for one in entry.troubles
    ]
    changes = {name: ChangeRead(old=old, new=new) for name, (old, new) in entry.changes.items()}
    return LineRead(
        line=entry.line,
        cells=entry.cells,
        values=entry.values,
        outcome=entry.outcome,
        problems=problems,
        changes=changes,
    )
