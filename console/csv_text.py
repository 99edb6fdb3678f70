"""CSV for spreadsheets: no cell is taken for a formula, and Chinese arrives as Chinese."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the system's own encoding."""
_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The whole file."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow([safe(cell) for cell in head])
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return BYTE_ORDER_MARK + target.getvalue()


def safe(value: object) -> str:
    """A cell's text; what a spreadsheet would compute gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTERS) else text
