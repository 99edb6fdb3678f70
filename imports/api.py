"""Imports over HTTP, for people."""

from __future__ import annotations

from flask import Response, current_app

from core.http.access import Access, Content
from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath, PageQuery
from core.http.identity import current_actor
from core.http.problems import language
from core.http.routes import Api
from imports import lines, templates, uploads
from imports.registry import Kind, kind_of
from imports.schemas import ColumnRead, ImportForm, KindRead, KindsRead, LinesQuery, TemplatePath
from imports.sheet import CSV
from imports.views import ImportView, LineView

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


@api.post("/imports", Access.SIGNED_IN, {201: ImportView})
def create_import(form: ImportForm) -> Response:
    """Give a file to be read: look at it in the state `preview`, then confirm it."""
    view = uploads.create(current_actor(), form.kind, form.file.filename or "", form.file.read())
    return reply(view, 201)


@api.get("/imports", Access.SIGNED_IN, {200: PageOut[ImportView]})
def list_imports(query: PageQuery) -> Response:
    """Imports of one's part of the tree, the newest first."""
    return page_reply(uploads.find(current_actor(), query.cursor, query.limit))


@api.get("/imports/<id>", Access.SIGNED_IN, {200: ImportView})
def get_import(path: IdPath) -> Response:
    """One import and how far it came."""
    return reply(uploads.get(current_actor(), path.id))


@api.get("/imports/<id>/lines", Access.SIGNED_IN, {200: PageOut[LineView]})
def list_lines(path: IdPath, query: LinesQuery) -> Response:
    """Lines of the file with what they would do; after the import those with errors alone."""
    page = lines.find(current_actor(), path.id, query.outcome, query.cursor, query.limit)
    return page_reply(page)


@api.get("/imports/<id>/errors.csv", Access.SIGNED_IN, {200: CSV_FILE})
def get_errors(path: IdPath) -> Response:
    """The lines with errors and what to do about each, as a file."""
    name, content = lines.errors_csv(current_actor(), path.id, language())
    return _file(content, name, CSV_TYPE)


@api.post("/imports/<id>/confirm", Access.SIGNED_IN, {200: ImportView})
def confirm_import(path: IdPath) -> Response:
    """Let the import happen as it was previewed."""
    return reply(uploads.confirm(current_actor(), path.id))


@api.post("/imports/<id>/cancel", Access.SIGNED_IN, {200: ImportView})
def cancel_import(path: IdPath) -> Response:
    """Give up an import that has not been confirmed."""
    return reply(uploads.cancel(current_actor(), path.id))


def _file(content: bytes, name: str, kind: str) -> Response:
    answer = current_app.response_class(content, mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _kind(kind: Kind) -> KindRead:
    columns = [
        ColumnRead(name=column.name, title=column.title, help=column.help, required=column.required)
        for column in kind.columns
    ]
    return KindRead(name=kind.name, title=kind.title, columns=columns)
