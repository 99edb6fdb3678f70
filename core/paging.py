"""Keyset pages: constant cost at any depth, stable while rows arrive."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, TypeDecorator, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import clock
from core.errors import BadInput
from core.text import Text

T = TypeVar("T")
R = TypeVar("R")
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page, None at the end."""

    items: list[T]
    next_cursor: str | None = None

    def map(self, change: Callable[[T], R]) -> Page[R]:
        """The same page of other things."""
        return Page([change(item) for item in self.items], self.next_cursor)


def encode_cursor(values: Sequence[Any]) -> str:
    """An opaque cursor of key values (texts, integers, times)."""
    plain = [{"t": clock.to_wire(v)} if hasattr(v, "isoformat") else v for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, width: int) -> list[Any]:
    """The key values of a cursor. Raises BadInput when it is not one of ours."""
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [clock.from_wire(v["t"]) if isinstance(v, dict) else v for v in plain]
        if len(values) != width:
            raise ValueError("wrong width")
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError) as error:
        raise _bad_cursor() from error
    return values


def _bad_cursor() -> BadInput:
    return BadInput(
        "bad_cursor",
        Text("翻页参数无效，请从第一页重新开始。", "The cursor is not valid. Start from the first page."),
    )


def _bound(cursor: str, columns: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]]) -> list[Any]:
    """The cursor's values, each of its column's type. Raises BadInput: a made-up cursor must not reach the database."""
    values = decode_cursor(cursor, len(columns))
    for value, column in zip(values, columns, strict=True):
        kind = column.type
        wanted = (kind.impl_instance if isinstance(kind, TypeDecorator) else kind).python_type
        fits = isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool)
        if not fits or (isinstance(value, int) and abs(value) >= 2**63) or (isinstance(value, str) and "\0" in value):
            raise _bad_cursor()
    return values


def keyset(
    current: Session,
    query: Select[tuple[T]],
    columns: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    cursor: str | None,
    limit: int = DEFAULT_LIMIT,
    *,
    descending: bool = False,
    values: Callable[[T], Sequence[Any]] | None = None,
) -> Page[T]:
    """One page of entities in the order of the given columns (the last one unique).

    `values` gives those of an entity where a column is worked out, and so is none of its own.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    if cursor:
        bound = tuple_(*_bound(cursor, columns))
        key = tuple_(*columns)
        query = query.where(key < bound if descending else key > bound)
    order = [column.desc() if descending else column.asc() for column in columns]
    rows = list(current.scalars(query.order_by(*order).limit(limit + 1)))
    more = len(rows) > limit
    items = rows[:limit]
    read = values or (lambda item: [getattr(item, str(column.key)) for column in columns])
    return Page(items, encode_cursor(read(items[-1])) if more else None)
