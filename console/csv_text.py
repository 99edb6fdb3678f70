"""CSV for spreadsheets: no cell is taken for a formula, and Chinese arrives as Chinese."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the system's own encoding."""
_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The file, line by line."""
    target = io.StringIO()
    writer = csv.writer(target)
    target.write(BYTE_ORDER_MARK)
    for row in chain([head], rows):
        writer.writerow([safe(cell) for cell in row])
        yield target.getvalue()
        target.seek(0)
        target.truncate()


def safe(value: object) -> str:
    """A cell's text; what a spreadsheet would compute gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTERS) else text
