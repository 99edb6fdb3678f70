"""A file as a sheet: its form found from its bytes, its headers matched to a kind's columns, its lines bounded."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from core.text import Text
from imports import csv_file, xlsx_file
from imports.cells import Line, raw, visible
from imports.registry import Column, Shape

CSV, XLSX = "csv", "xlsx"
_DROPPED = str.maketrans("", "", " \t\n\r_-.*:：（）()/#№“”\"'")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column stands where (positions count from 1), and headers that no column of the kind goes by."""

    places: dict[str, int]
    headers: list[str]
    ignored: list[str]
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "places": self.places,
            "headers": self.headers,
            "ignored": self.ignored,
            "sheet": self.sheet,
            "other_sheets": list(self.other_sheets),
        }


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read."""

    encoding: str | None
    layout: Layout
    lines: list[Line]


def form_of(content: bytes) -> str:
    """`csv` or `xlsx`, by the bytes; a workbook's directory is looked at. Raises Invalid, TooLarge."""
    if content.startswith(xlsx_file.ZIP_MARK):
        xlsx_file.check_directory(content)
        return XLSX
    if content.startswith(xlsx_file.OLD_MARK):
        raise Invalid(
            "old_workbook",
            Text(
                "这是旧版 XLS 文件或加密的工作簿。请另存为不加密的 XLSX 或 CSV 后重新上传。",
                "This is an XLS file or a workbook with a password. Save it as plain XLSX or CSV and upload it again.",
            ),
        )
    return CSV


def read(kind: Shape, content: bytes, most_rows: int) -> Sheet:
    """The lines of a file below its header line. Raises Invalid, TooLarge with what to do."""
    encoding, title = None, None
    others: list[str] = []
    if form_of(content) == XLSX:
        title, others, source = xlsx_file.lines(content)
    else:
        text, encoding = csv_file.decode(content)
        source = csv_file.lines(text)
    filled = (line for line in source if not line.empty)
    header = next(filled, None)
    if header is None:
        raise Invalid("empty_file", Text("文件是空的。", "The file is empty."))
    layout = _layout(kind, header, title, tuple(visible(other) for other in others))
    return Sheet(encoding, layout, bounded(filled, most_rows))


def knows(shape: Shape, header: Line) -> bool:
    """Whether a line is a header: some cell of it names a column."""
    names = {word for column in shape.columns for word in _words(column)}
    return any(_word(raw(cell)) in names for cell in header.cells)


def layout(shape: Shape, header: Line) -> Layout:
    """Where the columns stand by a header line. Raises Invalid."""
    return _layout(shape, header, None, ())


def bounded(lines: Iterator[Line], most: int) -> list[Line]:
    """All lines. Raises Invalid when there are more than so many, or none."""
    found: list[Line] = []
    for line in lines:
        if len(found) == most:
            raise Invalid(
                "too_many_rows",
                Text(
                    f"文件超过 {most} 行。请拆分成多个文件分别导入。",
                    f"The file has more than {most} rows. Split it and import the parts.",
                ),
                rows=most,
            )
        found.append(line)
    if not found:
        raise Invalid("no_rows", Text("表头下没有数据行。", "There is no row below the header."))
    return found


def _layout(kind: Shape, header: Line, sheet: str | None, others: tuple[str, ...]) -> Layout:
    if len(header.cells) > xlsx_file.MAX_COLUMNS:
        raise Invalid(
            "too_many_columns",
            Text(f"最多 {xlsx_file.MAX_COLUMNS} 列。", f"At most {xlsx_file.MAX_COLUMNS} columns are taken."),
        )
    names = {word: column for column in kind.columns for word in _words(column)}
    places: dict[str, int] = {}
    ignored = []
    for position, cell in enumerate(header.cells, 1):
        column = names.get(_word(raw(cell)))
        if column is None:
            ignored += [visible(raw(cell))] if raw(cell).strip() else []
        elif column.name in places:
            raise Invalid(
                "column_twice",
                Text(
                    f"“{column.title.zh}”列出现了两次（第 {places[column.name]} 列和第 {position} 列）。请只保留一列。",
                    f"The column “{column.title.en}” is there twice ({places[column.name]} and {position}). Keep one.",
                ),
                column=column.name,
            )
        else:
            places[column.name] = position
    _require(kind, places)
    return Layout(places, [visible(raw(cell)) for cell in header.cells], ignored, sheet and visible(sheet), others)


def _require(kind: Shape, places: dict[str, int]) -> None:
    missing = [column for column in kind.columns if column.required and column.name not in places]
    if kind.one_of and not any(name in places for name in kind.one_of):
        missing += [column for column in kind.columns if column.name in kind.one_of][:1]
    if missing:
        zh = "、".join(f"“{column.title.zh}”" for column in missing)
        en = ", ".join(f"“{column.title.en}”" for column in missing)
        raise Invalid(
            "missing_columns",
            Text(
                f"第一行缺少表头：{zh}。请使用模板的表头，中英文均可。",
                f"The first row lacks the header {en}. Use the headers of the template, in Chinese or English.",
            ),
            columns=[column.name for column in missing],
        )


def _words(column: Column) -> set[str]:
    return {_word(word) for word in (column.name, column.title.zh, column.title.en, *column.also)}


def _word(text: str) -> str:
    """A header as it is compared: without case, width, blanks and signs."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_DROPPED)
