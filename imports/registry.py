"""Kinds of import: a kind is one file that registers itself here (`people`, `phones`, `org_units`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from core.verdicts import Verdict


class Shape(Protocol):
    """The columns of a file."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that are known."""

    @property
    def one_of(self) -> tuple[str, ...]:
        """Columns of which a file needs at least one."""


Row = Mapping[str, str]
"""A line's cleaned values by column; what is not there is ""."""
Judge = Callable[[Sequence[Row]], list[Verdict]]
"""Tells what would become of rows, in the order of the file; it may remember the rows before."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a kind knows: its name, title, further header names, and what stands in it."""

    name: str
    title: Text
    help: Text
    required: bool = False
    longest: int = 64
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import.

    `keys` names what may stand in one line of a file only, as pairs of column and key; `judge` makes a judge for an
    actor; `take` takes rows within the caller's unit of work, judging each anew, and says what became of each.
    `one_of`: columns of which a file needs at least one.
    """

    name: str
    title: Text
    permission: Permission
    columns: tuple[Column, ...]
    keys: Callable[[Row], list[tuple[str, str]]]
    judge: Callable[[Actor], Judge]
    take: Callable[[Actor, Sequence[Row]], list[Verdict]]
    one_of: tuple[str, ...] = field(default=())

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known."""
    _kinds[kind.name] = kind
    return kind


def all_kinds() -> list[Kind]:
    """Every kind, in the order in which they are of use: units, people, phones."""
    return list(_kinds.values())


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises Invalid that lists the kinds."""
    kind = _kinds.get(name)
    if kind is None:
        names = ", ".join(_kinds)
        raise Invalid("unknown_kind", Text(f"kind 应为 {names} 之一。", f"kind is one of {names}."), kinds=list(_kinds))
    return kind
