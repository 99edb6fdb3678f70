"""Files as people make them, and as attackers do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import xlsxwriter

PEOPLE = ["工号", "姓名", "部门"]


def csv(*rows: Sequence[str], encoding: str = "utf-8") -> bytes:
    """A comma-separated file."""
    return "".join(",".join(row) + "\r\n" for row in rows).encode(encoding)


def xlsx(*rows: Sequence[Any]) -> bytes:
    """A workbook as openpyxl writes it: texts that begin with = are formulas."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def large_xlsx(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook of many rows of texts."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([header, *rows]):
            sheet.write_row(number, 0, row)
    return target.getvalue()


def rewritten(content: bytes, name: str, part: bytes) -> bytes:
    """A workbook with one part replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for info in source.infolist():
            made.writestr(info.filename, part if info.filename == name else source.read(info))
    return target.getvalue()


def bomb(size: int = 200 * 1024 * 1024) -> bytes:
    """A workbook of a few hundred kilobytes whose sheet unpacks to `size` bytes of blanks."""
    return rewritten(xlsx(PEOPLE, ["E1", "王", "/"]), "xl/worksheets/sheet1.xml", b" " * size)


def lying_bomb() -> bytes:
    """The same, with a directory that says the sheet is small."""
    honest = bomb(80 * 1024 * 1024)
    size = (80 * 1024 * 1024).to_bytes(4, "little")
    return honest.replace(size, (1000).to_bytes(4, "little"))


SHEET = "xl/worksheets/sheet1.xml"
_HEAD = (
    b'<?xml version="1.0"?>%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
_TAIL = b"</sheetData></worksheet>"


def sheet_of(rows: bytes, prolog: bytes = b"") -> bytes:
    """A workbook whose first sheet holds these rows as XML."""
    return rewritten(xlsx(PEOPLE), SHEET, _HEAD % prolog + rows + _TAIL)
