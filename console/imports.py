"""Imports of people, phones and units: give a file, look at what it would do, let it happen, follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flask import Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console import errors, forms, frame, language, lists, words
from core.errors import Forbidden, Invalid, ShoujiError
from core.http.access import Access
from core.http.identity import current_actor
from core.http.routes import Pages
from core.text import Text
from core.verdicts import ERROR, Outcome
from imports import lines, registry, templates, uploads
from imports.states import APPLYING, DONE, WORKING
from imports.views import ImportView, LineView

FILTERS = ("outcome",)
FORMS = ("csv", "xlsx")

pages = Pages("imports", __name__)


@pages.get("/imports", Access.SIGNED_IN)
@errors.shows("page_imports.create")
def show_list(problem: ShoujiError | None = None) -> str:
    """Imports of one's part of the tree, the newest first, and the form that takes a file."""
    actor = current_actor()
    kinds = uploads.kinds(actor)
    if not kinds:
        raise Forbidden(
            "permission_missing",
            Text("您的角色不能导入，请联系平台管理员。", "Your roles import nothing. Ask a platform administrator."),
        )
    page = uploads.find(actor, lists.cursor(), lists.LIMIT)
    return render_template(
        "imports.html",
        imports=page.items,
        kinds=kinds,
        total=uploads.count(actor),
        titles=_titles(),
        paging=lists.paging(page, {}),
        words=words,
        error=problem.text if problem else None,
        error_field="kind" if problem and problem.code == "unknown_kind" else "file",
        chosen=request.form.get("kind", "")[:40],
    )


@pages.post("/imports", Access.SIGNED_IN)
def create() -> ResponseReturnValue:
    """Take a file; its page shows what it would do once it was read."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid("no_file", Text("请选择文件。", "Choose a file."))
    view = uploads.create(current_actor(), forms.field("kind", 40), sent.filename, sent.read())
    return forms.done(url_for("page_imports.show", id=view.id), Text("文件已上传。", "The file is uploaded."))


@pages.get("/imports/<id>", Access.SIGNED_IN)
def show(id: str) -> str:
    """One import: reading, a preview with what is wrong in which line, progress, or what it did."""
    actor, shown = current_actor(), lists.shown(FILTERS)
    view = uploads.get(actor, id)
    outcome = cast(Outcome, shown["outcome"]) if shown.get("outcome") in words.LINE_OUTCOMES else None
    busy = view.state in WORKING
    page = None if busy else lines.find(actor, id, outcome, lists.cursor(), lists.LIMIT)
    figures = dict(view.done if view.state in (DONE, APPLYING) else view.planned)
    return render_template(
        "_import.html" if frame.wants_part() else "import.html",
        view=view,
        kind=registry.kind_of(view.kind),
        busy=busy,
        share=_share(view),
        lines=[_line(line) for line in page.items] if page else [],
        paging=lists.paging(page, shown) if page else None,
        outcome=outcome,
        words=words,
        figures=figures,
        total=_total(view.state, figures, outcome),
    )


@pages.post("/imports/<id>/confirm", Access.SIGNED_IN)
def confirm(id: str) -> ResponseReturnValue:
    """Let the import happen as it was previewed."""
    uploads.confirm(current_actor(), id)
    return forms.done(url_for("page_imports.show", id=id), Text("已开始导入。", "The import has begun."))


@pages.post("/imports/<id>/cancel", Access.SIGNED_IN)
def cancel(id: str) -> ResponseReturnValue:
    """Give up an import that has not been confirmed."""
    uploads.cancel(current_actor(), id)
    text = Text("已取消，文件内容已删除。", "Cancelled; what the file said is gone.")
    return forms.done(url_for("page_imports.show", id=id), text)


@pages.get("/imports/<id>/errors.csv", Access.SIGNED_IN)
def send_errors(id: str) -> Response:
    """The lines with errors and what to do about each, as a file to correct."""
    name, content = lines.errors_csv(current_actor(), id, language.current())
    return _file(content, name, "text/csv")


@pages.get("/imports/templates/<kind>.<form>", Access.SIGNED_IN)
def send_template(kind: str, form: str) -> Response:
    """A file with the headers of a kind, to be filled in."""
    if form not in FORMS:
        raise Invalid("unknown_form", Text("模板为 csv 或 xlsx。", "A template is csv or xlsx."))
    content = templates.render(registry.kind_of(kind), form, language.current())
    return _file(content, f"{kind}.{form}", templates.MEDIA_TYPES[form])


def _titles() -> dict[str, Text]:
    return {kind.name: kind.title for kind in registry.all_kinds()}


def _total(state: str, figures: Mapping[str, int], outcome: str | None) -> int:
    """How many lines the list has: what was applied is not kept."""
    kept = {name: number for name, number in figures.items() if state != DONE or name == ERROR}
    return sum(kept.values()) if outcome is None else kept.get(outcome, 0)


def _share(view: ImportView) -> int:
    return min(100, view.applied * 100 // view.rows) if view.rows else 0


def _line(line: LineView) -> dict[str, Any]:
    return {
        "number": line.line,
        "cells": [cell for cell in line.cells if cell.strip()][:8],
        "outcome": words.label(words.LINE_OUTCOMES, line.outcome),
        "problems": line.problems,
        "changes": line.changes,
    }


def _file(content: bytes, name: str, media_type: str) -> Response:
    answer = current_app.response_class(content, mimetype=media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
