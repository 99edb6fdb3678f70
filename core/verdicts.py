"""What would become of one of many rows: a room judges rows before it takes them, and again when it takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from core.text import Text

Outcome = Literal["create", "change", "unchanged", "error"]
CREATE: Final = "create"
CHANGE: Final = "change"
UNCHANGED: Final = "unchanged"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: the column (None: the row as a whole), a stable code, and what to do about it."""

    column: str | None
    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a row; `changes` tells the old and new value of each column that differs."""

    outcome: Outcome
    problem: Problem | None = None
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


NOTHING_TO_DO: Final = Verdict(UNCHANGED)


def refused(column: str | None, code: str, text: Text) -> Verdict:
    """The verdict on a row that cannot be taken."""
    return Verdict(ERROR, Problem(column, code, text))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> Verdict:
    """A change of the columns that differ, or nothing to do."""
    changes = {name: (before.get(name, ""), value) for name, value in after.items() if before.get(name, "") != value}
    return Verdict(CHANGE, changes=changes) if changes else NOTHING_TO_DO
