"""Tables of holidays and make-up workdays: CSV, XLSX or JSON with date, kind and name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from core.text import Text
from imports import sheet, tables
from imports.registry import Column
from policies.draft_import import Given
from policies.faults import Fault
from policies.language.json_source import read_json
from policies.language.source import text_of

MAX_LINES = 5000
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00)?)?")
_KINDS = {
    **dict.fromkeys(("holiday", "节假日", "假日", "放假", "休", "休息"), "holiday"),
    **dict.fromkeys(("workday", "调休上班", "调休", "上班", "补班", "班", "工作日"), "workday"),
}


@dataclass(frozen=True)
class _Shape:
    columns: tuple[Column, ...] = (
        Column("date", Text("日期", "Date"), Text("例如 2027-10-01。", "For example 2027-10-01."), required=True),
        Column("kind", Text("类型", "Kind"), Text("节假日或调休上班。", "holiday or workday."), required=True),
        Column("name", Text("名称", "Name"), Text("可不填。", "May be left out."), longest=50, also=("节日",)),
    )
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DayTable:
    """A table that was read: its form and encoding, its days, and lines that are none."""

    form: str
    encoding: str | None
    given: list[Given]
    faults: list[Fault]


SHAPE = _Shape()


def read(content: bytes) -> DayTable:
    """The days of a file. Raises Invalid, TooLarge with what to do."""
    if content.lstrip()[:1] in (b"[", b"{"):
        days = [document.data for document in read_json(text_of(content))]
        return _taken("json", "utf-8", [(number, _object(day)) for number, day in enumerate(days, 1)], [])
    form = sheet.form_of(content)
    table = sheet.read(SHAPE, content, MAX_LINES)
    layout = table.layout
    rows, faults = tables.sorted_out(SHAPE, table.lines, layout.places, len(layout.headers))
    return _taken(form, table.encoding, rows, faults)


def _object(day: Any) -> dict[str, Any]:
    return day if isinstance(day, dict) else {"date": day}


def _taken(form: str, encoding: str | None, rows: list[tuple[int, dict[str, Any]]], faults: list[Fault]) -> DayTable:
    given = [Given(line, _entry(values)) for line, values in rows]
    return DayTable(form, encoding, given, faults)


def _entry(values: dict[str, Any]) -> dict[str, Any]:
    entry = {name: value for name, value in values.items() if value not in ("", None)}
    found = _DATE.fullmatch(str(entry.get("date", "")))
    if found:
        entry["date"] = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
    kind = entry.get("kind")
    return {**entry, "kind": _KINDS.get(kind.casefold(), kind)} if isinstance(kind, str) else entry
