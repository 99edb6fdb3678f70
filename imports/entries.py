"""Entries: a line of a file with what is thought of it, as it lies sealed in a batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.runtime import runtime
from core.text import Text
from core.verdicts import ERROR, Outcome, Verdict
from imports.cells import Line, Wrong, beyond, clean, raw
from imports.registry import Kind, Row


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a line: the column and its position (from 1; None: the line as a whole), and what to do."""

    column: str | None
    position: int | None
    code: str
    zh: str
    en: str

    @property
    def text(self) -> Text:
        """What to do, in both languages."""
        return Text(self.zh, self.en)


@dataclass(slots=True)
class Entry:
    """One line: its number in the file, what stands there, the values of its columns, and the outcome."""

    line: int
    cells: list[str]
    values: dict[str, str]
    outcome: Outcome
    troubles: list[Trouble] = field(default_factory=list)
    changes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def judge(self, verdict: Verdict, places: Mapping[str, int]) -> None:
        """Take over a verdict."""
        self.outcome, self.changes = verdict.outcome, dict(verdict.changes)
        problem = verdict.problem
        if problem is not None:
            self.blame(problem.column, problem.code, problem.text, places)

    def blame(self, column: str | None, code: str, text: Text, places: Mapping[str, int]) -> None:
        """Note what is wrong with it."""
        self.outcome = ERROR
        self.troubles.append(Trouble(column, places.get(column or ""), code, text.zh, text.en))


def of_line(kind: Kind, places: Mapping[str, int], width: int, line: Line) -> Entry:
    """A line with its cells cleaned, and all that is wrong with them."""
    entry = Entry(line.number, [raw(cell) for cell in line.cells], {}, "unchanged")
    for column in kind.columns:
        place = places.get(column.name)
        cell = line.cells[place - 1] if place and place <= len(line.cells) else ""
        cleaned = clean(cell, column) if place else ""
        if isinstance(cleaned, Wrong):
            entry.blame(column.name, cleaned.code, cleaned.text, places)
        entry.values[column.name] = raw(cleaned)
    surplus = beyond(line, width)
    if surplus is not None:
        entry.blame(None, surplus.code, surplus.text, places)
    return entry


def values(entries: Sequence[Entry]) -> list[Row]:
    """Their rows."""
    return [entry.values for entry in entries]


def count(entries: Sequence[Entry]) -> dict[str, int]:
    """How many of each outcome."""
    return dict(Counter(entry.outcome for entry in entries))


def seal(import_id: str, number: int, entries: Sequence[Entry]) -> bytes:
    """Entries as they lie in a batch."""
    plain = json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, separators=(",", ":"))
    return runtime().envelope.seal(plain.encode("utf-8", "surrogatepass"), f"import_batches:{import_id}:{number}")


def unseal(import_id: str, number: int, sealed: bytes) -> list[Entry]:
    """Undo `seal`."""
    plain = runtime().envelope.open(sealed, f"import_batches:{import_id}:{number}")
    return [_entry(one) for one in json.loads(plain.decode("utf-8", "surrogatepass"))]


def _entry(one: dict[str, Any]) -> Entry:
    troubles = [Trouble(**trouble) for trouble in one["troubles"]]
    changes = {name: (old, new) for name, (old, new) in one["changes"].items()}
    return Entry(one["line"], one["cells"], one["values"], one["outcome"], troubles, changes)
