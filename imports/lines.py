"""Lines of an import with what is thought of them: a page of them, or those with errors as a file to correct."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from core import csv_text
from core.actor import Actor
from core.db import session
from core.errors import BadInput
from core.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from core.text import Text
from core.verdicts import ERROR, Outcome
from imports import entries, uploads
from imports.entries import Entry, Trouble
from imports.models import ImportBatch
from imports.registry import kind_of
from imports.views import ChangeView, LineView, ProblemView

_HEADERS = (Text("行号", "Line"), Text("列", "Column"), Text("问题", "Problem"))


def find(
    actor: Actor,
    import_id: str,
    outcome: Outcome | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[LineView]:
    """A page of lines in the order of the file, of one outcome or of all. Raises NotFound.

    Once a batch was applied only its lines with errors are left.
    """
    row = uploads.seen(actor, import_id)
    first, limit = _after(cursor), max(1, min(limit, MAX_LIMIT))
    found: list[tuple[tuple[int, int], Entry]] = []
    for place, entry in _entries(row.id, first[0]):
        if place <= first or (outcome is not None and entry.outcome != outcome):
            continue
        if len(found) == limit:
            return Page([_view(entry) for _, entry in found], encode_cursor(found[-1][0]))
        found.append((place, entry))
    return Page([_view(entry) for _, entry in found])


def errors_csv(actor: Actor, import_id: str, language: str) -> tuple[str, bytes]:
    """Name and bytes of a CSV of the lines with errors: number, column, what to do, then what stood there.

    UTF-8 with a mark, so that Excel reads it; cells that a spreadsheet would take for formulas get an apostrophe.
    Raises NotFound.
    """
    row = uploads.seen(actor, import_id)
    rows = [[*(header.pick(language) for header in _HEADERS), *row.layout.get("headers", ())]]
    for _, entry in _entries(row.id, 0):
        if entry.outcome == ERROR:
            shown = "; ".join(_said(row.kind, trouble, language)[1] for trouble in entry.troubles)
            columns = ", ".join(filter(None, (_said(row.kind, trouble, language)[0] for trouble in entry.troubles)))
            rows.append([str(entry.line), columns, shown, *entry.cells])
    return f"{row.kind}-errors.csv", csv_text.render(rows)


def _entries(import_id: str, first: int) -> Iterator[tuple[tuple[int, int], Entry]]:
    query = select(ImportBatch).where(ImportBatch.import_id == import_id, ImportBatch.number >= first)
    for batch in session().scalars(query.order_by(ImportBatch.number).execution_options(yield_per=5)):
        for index, entry in enumerate(entries.unseal(import_id, batch.number, batch.sealed)):
            yield (batch.number, index), entry


def _after(cursor: str | None) -> tuple[int, int]:
    if not cursor:
        return (0, -1)
    number, index = decode_cursor(cursor, 2)
    if not all(isinstance(value, int) and 0 <= value < 2**31 for value in (number, index)):
        text = Text("翻页参数无效，请从第一页重新开始。", "The cursor is not valid. Start from the first page.")
        raise BadInput("bad_cursor", text)
    return (number, index)


def _said(kind: str, trouble: Trouble, language: str) -> tuple[str, str]:
    column = kind_of(kind).column(trouble.column or "")
    return (column.title.pick(language) if column else ""), trouble.text.pick(language)


def _view(entry: Entry) -> LineView:
    return LineView(
        line=entry.line,
        cells=entry.cells,
        values=entry.values,
        outcome=entry.outcome,
        problems=[
            ProblemView(column=one.column, position=one.position, code=one.code, text=one.text)
            for one in entry.troubles
        ],
        changes={name: ChangeView(old=old, new=new) for name, (old, new) in entry.changes.items()},
    )
