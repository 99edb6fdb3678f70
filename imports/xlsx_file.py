"""XLSX workbooks: bounded by the zip directory before anything is unpacked, read row by row, formulas never trusted."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from core.errors import Invalid, TooLarge
from core.text import Text
from imports.cells import Cell, Line, Wrong

ZIP_MARK: Final = b"PK\x03\x04"
OLD_MARK: Final = b"\xd0\xcf\x11\xe0"
"""First bytes of an XLS file, and of an XLSX one with a password."""
MAX_UNPACKED: Final = 64 * 1024 * 1024
MAX_PARTS: Final = 2000
MAX_COLUMNS: Final = 64
MAX_GAP: Final = 10_000
EXACT_NUMBERS: Final = 10**15
"""From here on Excel rounds: it keeps 15 digits."""


def check_directory(content: bytes) -> None:
    """Look at the zip directory alone. Raises Invalid for no workbook, TooLarge for what unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _no_workbook() from error
    # A part is never read beyond the size that the directory tells, so the sum bounds what is unpacked.
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise TooLarge(
            "unpacked_too_large",
            Text(
                f"该文件解压后超过 {MAX_UNPACKED // 1024 // 1024} MB，已拒绝。请只保留需要导入的表格并另存后重试。",
                f"The file unpacks to more than {MAX_UNPACKED // 1024 // 1024} MB and is refused. Keep the one sheet "
                "that is to be imported, save it anew and try again.",
            ),
        )
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts) or not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise _no_workbook()


def lines(content: bytes) -> tuple[str, list[str], Iterator[Line]]:
    """Title of the first sheet, titles of the others, and its lines. Raises Invalid, TooLarge."""
    check_directory(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet, *others = book.worksheets
    except Exception as error:
        # Whatever the library meets in a made-up file comes out as it is: KeyError, TypeError, an XML error.
        raise _no_workbook() from error
    return str(sheet.title), [str(other.title) for other in others], _lines(sheet)


def _lines(sheet: Any) -> Iterator[Line]:
    if isinstance(sheet, ReadOnlyWorksheet):
        # What a file says of its own size is not believed.
        sheet.reset_dimensions()
    rows = sheet.iter_rows(min_row=1, max_col=MAX_COLUMNS + 1)
    number, gap = 0, 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception as error:
            raise _no_workbook() from error
        number += 1
        line = Line(number, _trimmed([_cell(cell) for cell in row]))
        gap = gap + 1 if line.empty else 0
        if gap > MAX_GAP:
            raise Invalid(
                "too_many_empty_rows",
                Text(
                    f"第 {number} 行之前有超过 {MAX_GAP} 个空行。请删除空行后重新上传。",
                    f"There are more than {MAX_GAP} empty rows before row {number}. Delete them and upload it again.",
                ),
                line=number,
            )
        yield line


def _trimmed(cells: list[Cell]) -> list[Cell]:
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _cell(cell: Any) -> Cell:
    value, kind = cell.value, getattr(cell, "data_type", "n")
    if value is None:
        return ""
    if kind == "f":
        return Wrong(
            str(value)[:500],
            "formula",
            Text("这是公式，请粘贴为数值后重试。", "This is a formula. Paste it as a value."),
        )
    if kind == "e":
        return Wrong(
            str(value)[:500],
            "error_value",
            Text("单元格是错误值，请更正。", "The cell holds an error value. Correct it."),
        )
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _number(value: float) -> Cell:
    if abs(value) >= EXACT_NUMBERS:
        return Wrong(
            f"{value:.0f}",
            "number_rounded",
            Text(
                "超过 15 位的数字会被 Excel 截断。请把该列设为“文本”格式后重新输入。",
                "Excel rounds numbers of more than 15 digits. Format the column as text and type it again.",
            ),
        )
    return str(int(value)) if float(value).is_integer() else f"{value:.15g}"


def _no_workbook() -> Invalid:
    return Invalid(
        "not_a_workbook",
        Text(
            "无法打开该 XLSX 文件：文件已损坏、有密码或不是工作簿。请另存为 XLSX 或 CSV 后重新上传。",
            "The XLSX file cannot be opened: it is damaged, has a password, or is no workbook. Save it as XLSX or CSV "
            "and upload it again.",
        ),
    )
