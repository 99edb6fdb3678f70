"""Lists of keywords: a text with one term a line, or a CSV file or workbook with headers, as entries of a set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.text import Text
from imports import csv_file, sheet, tables, xlsx_file
from imports.cells import Line
from imports.registry import Column
from policies.draft_import import Given
from policies.faults import Fault

MAX_LINES = 60_000
_PARTED = re.compile(r"[;；|\n]")

TERM = Column(
    "term",
    Text("敏感词", "Term"),
    Text("一行一个词。", "One term a line."),
    also=("词条", "关键词", "词", "keyword", "word"),
)
PATTERN = Column(
    "pattern", Text("正则", "Pattern"), Text("RE2 正则，与敏感词二选一。", "RE2, instead of a term."), longest=200
)
EXCEPT = Column(
    "except",
    Text("例外", "Except"),
    Text("例外词，用分号隔开。", "Phrases that excuse it, parted by semicolons."),
    longest=4000,
    also=("例外词", "exceptions"),
)
IDENTIFIER = Column("id", Text("编号", "Id"), Text("可不填。", "May be left out."), longest=100)


@dataclass(frozen=True)
class _Shape:
    columns: tuple[Column, ...] = (TERM, PATTERN, EXCEPT, IDENTIFIER)
    one_of: tuple[str, ...] = ("term", "pattern")


@dataclass(frozen=True, slots=True)
class TermList:
    """A list that was read: its form and encoding, its terms, and lines that are none."""

    form: str
    encoding: str | None
    given: list[Given]
    faults: list[Fault]


SHAPE = _Shape()


def read(content: bytes) -> TermList:
    """The terms of a file in UTF-8, GB18030 or XLSX; without a known header each line, or first cell, is a term.

    Raises Invalid, TooLarge with what to do.
    """
    form = sheet.form_of(content)
    if form == sheet.XLSX:
        encoding, source = None, list(_bounded(xlsx_file.lines(content)[2]))
    else:
        text, encoding = csv_file.decode(content)
        first = next(filter(str.strip, text.splitlines()), "")
        table = sheet.knows(SHAPE, next(csv_file.lines(first), Line(1, [])))
        form = form if table else "text"
        source = list(_bounded(csv_file.lines(text) if table else _plain(text)))
    filled = [line for line in source if not line.empty]
    if filled and sheet.knows(SHAPE, filled[0]):
        layout = sheet.layout(SHAPE, filled[0])
        return _taken(form, encoding, filled[1:], layout.places, len(layout.headers))
    return _taken(form, encoding, filled, {"term": 1}, 1)


def _plain(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        yield Line(number, [line])


def _bounded(lines: Iterator[Line]) -> Iterator[Line]:
    return iter(sheet.bounded(lines, MAX_LINES))


def _taken(form: str, encoding: str | None, lines: list[Line], places: dict[str, int], width: int) -> TermList:
    filled, faults = tables.sorted_out(SHAPE, lines, places, width)
    return TermList(form, encoding, [Given(line, _entry(values)) for line, values in filled], faults)


def _entry(values: dict[str, str]) -> dict[str, object]:
    entry: dict[str, object] = {name: value for name, value in values.items() if value and name != "except"}
    phrases = [phrase.strip() for phrase in _PARTED.split(values["except"]) if phrase.strip()]
    return {**entry, "except": phrases} if phrases else entry
