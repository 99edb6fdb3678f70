"""Lists too long for one statement, cut into parts: a database takes only so many parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
SIZE = 5000


def chunks(items: Iterable[T], size: int = SIZE) -> Iterator[list[T]]:
    """The items in order, at most `size` at a time."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
