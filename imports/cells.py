"""Cells of a file: what a sheet holds, cleaned, or why it cannot be taken. Nothing is dropped in silence."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from core.text import Text
from imports.registry import Column

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Wrong:
    """A cell that cannot be read as a text; `raw` is what stands there."""

    raw: str
    code: str
    text: Text


Cell = str | Wrong


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file with its number there, the first being 1."""

    number: int
    cells: list[Cell]

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return not any(isinstance(cell, Wrong) or cell.strip() for cell in self.cells)


def raw(cell: Cell) -> str:
    """What stands in a cell, whatever it is."""
    return cell.raw if isinstance(cell, Wrong) else cell


def clean(cell: Cell, column: Column) -> Cell:
    """The cell's text without blanks around it, or what is wrong with it."""
    if isinstance(cell, Wrong):
        return cell
    plain = cell.strip()
    bad = next((char for char in plain if unicodedata.category(char) in _INVISIBLE), None)
    if bad is not None:
        code = f"U+{ord(bad):04X}"
        return Wrong(
            plain,
            "bad_characters",
            Text(
                f"含有不可见或控制字符（{code}），请删除后重试。",
                f"Holds an invisible or control character ({code}). Delete it.",
            ),
        )
    if len(plain) > column.longest:
        return Wrong(
            plain,
            "too_long",
            Text(
                f"内容过长（{len(plain)} 字），最多 {column.longest} 字。",
                f"Too long ({len(plain)} characters): at most {column.longest}.",
            ),
        )
    if column.required and not plain:
        return Wrong(plain, "missing_value", Text("此项必填，请补充。", "This is required. Fill it in."))
    return plain


def beyond(line: Line, width: int) -> Wrong | None:
    """What stands to the right of the last of so many columns, where nothing is to stand; None where nothing does."""
    for position, cell in enumerate(line.cells[width:], width + 1):
        found = raw(cell)
        if found.strip():
            return Wrong(
                found,
                "too_many_cells",
                Text(
                    f"第 {position} 列没有表头，却有内容“{visible(found.strip())}”。"
                    "请补上表头，或删除该内容，或给含分隔符的内容加引号。",
                    f"Column {position} has no header, but “{visible(found.strip())}” stands there. Give it a header, "
                    "delete it, or put quotes around a text that holds a separator.",
                ),
            )
    return None


def visible(text: str) -> str:
    """A text for a screen: without what cannot be seen, and not too long."""
    shown = "".join("\ufffd" if unicodedata.category(char) in _INVISIBLE else char for char in text[: SHOWN + 1])
    return f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown
