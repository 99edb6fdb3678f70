"""Templates to fill in: the headers of a kind, and for workbooks a second sheet that says what goes where."""

from __future__ import annotations

import io

import xlsxwriter

from core import csv_text
from core.text import Text
from imports.registry import Kind
from imports.sheet import CSV, XLSX

MEDIA_TYPES = {CSV: "text/csv", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
_SHEET, _HELP = Text("数据", "Data"), Text("填写说明", "Help")
_HEADERS = (Text("列", "Column"), Text("必填", "Required"), Text("说明", "What goes there"))
_YES = Text("是", "yes")


def render(kind: Kind, form: str, language: str) -> bytes:
    """The template of a kind as `csv` or `xlsx`."""
    headers = [column.title.pick(language) for column in kind.columns]
    return csv_text.render([headers]) if form == CSV else _workbook(kind, headers, language)


def _workbook(kind: Kind, headers: list[str], language: str) -> bytes:
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        data, notes = book.add_worksheet(_SHEET.pick(language)), book.add_worksheet(_HELP.pick(language))
        # Columns of texts: numbers of 15 digits and leading zeros stay what they are.
        data.set_column(0, len(headers) - 1, 20, text)
        data.write_row(0, 0, headers, bold)
        data.freeze_panes(1, 0)
        notes.set_column(0, 2, 24)
        notes.write_row(0, 0, [header.pick(language) for header in _HEADERS], bold)
        for number, column in enumerate(kind.columns, 1):
            required = _YES.pick(language) if column.required else ""
            notes.write_row(number, 0, [column.title.pick(language), required, column.help.pick(language)])
    return target.getvalue()
