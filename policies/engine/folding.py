"""Undoing the evasions of a text, one character at a time, by tables that are data (docs/normalise.md).

The result never depends on a neighbour, so that another language gets the same from the same tables; only `repeats`
looks at runs, after all tables.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from itertools import accumulate
from operator import itemgetter

from policies.engine.vocabulary import NormaliseStep

TABLE_STEPS: tuple[NormaliseStep, ...] = ("width", "case", "traditional", "digits", "homoglyphs", "symbols")
"""The steps that are tables, in the order in which they are done."""
REPEATS: NormaliseStep = "repeats"
MAX_TEXT = 20_000
"""Characters of a text that are looked at."""
_RUN = re.compile(r"([^0-9])\1+", re.DOTALL)
_FIRST = itemgetter(1)
_EVERY_RUN = re.compile(r"([^0-9])\1*|[0-9]", re.DOTALL)
Table = Mapping[str, str]


def _width(char: str) -> str:
    return unicodedata.normalize("NFKC", char)


_WITHOUT_TABLE = {"width": _width, "case": str.casefold}
"""Steps that this engine can do when a bundle brings no table for them."""


class Folded:
    """A text as it is matched, and how to get back: of each character, where it stood and how often."""

    __slots__ = ("_ends", "_lengths", "_runs", "_starts", "text")

    def __init__(self, lengths: Iterable[int], squeezed: str, plain: str) -> None:
        self.text = squeezed
        self._lengths = lengths
        self._ends: list[int] = []
        self._starts: list[int] | None = None
        self._runs: list[int] | None = None
        if squeezed != plain:
            self._starts, self._runs = _runs(plain)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text behind a span of the folded one."""
        if self._starts is not None and self._runs is not None:
            last = end - 1
            start, end = self._starts[start], self._starts[last] + self._runs[last]
        self._ends = self._ends or list(accumulate(self._lengths))
        return bisect_right(self._ends, start), bisect_right(self._ends, end - 1) + 1

    def runs(self, start: int, end: int) -> list[int] | None:
        """How often each character of a span stood there; None where none was repeated."""
        return None if self._runs is None else self._runs[start:end]


def _runs(plain: str) -> tuple[list[int], list[int]]:
    """Of each run that `repeats` makes one character: where it begins, and how long it is."""
    starts, lengths = [], []
    for run in _EVERY_RUN.finditer(plain):
        starts.append(run.start())
        lengths.append(run.end() - run.start())
    return starts, lengths


class _Characters(dict[int, int | str]):
    """What each character becomes, as `str.translate` likes it best: the code of one character, else a text.

    Made when a character is first met, so that a table of thousands costs nothing until then.
    """

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, code: int) -> int | str:
        made = self._folder.character(chr(code))
        self[code] = kept = ord(made) if len(made) == 1 else made
        return kept


class _Lengths(dict[str, int]):
    """How many characters each character becomes; made when it is first met."""

    def __init__(self, folder: Folder) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, char: str) -> int:
        self[char] = length = len(self._folder.character(char))
        return length


class Folder:
    """One choice of steps with their tables."""

    def __init__(self, steps: Collection[str], tables: Mapping[str, Table]) -> None:
        self.steps = [step for step in TABLE_STEPS if step in steps]
        self.repeats = REPEATS in steps
        self._tables = tables

    @cached_property
    def _characters(self) -> _Characters:
        return _Characters(self)

    @cached_property
    def _lengths(self) -> _Lengths:
        return _Lengths(self)

    def one_step(self, step: str, text: str) -> str:
        """A text with one step done."""
        table = self._tables.get(step)
        if table is not None:
            return "".join([table.get(char, char) for char in text])
        without = _WITHOUT_TABLE.get(step)
        return "".join([without(char) for char in text]) if without else text

    def character(self, char: str) -> str:
        """What one character becomes, all tables done."""
        for step in self.steps:
            char = self.one_step(step, char)
        return char

    def plain(self, text: str) -> str:
        """The text with all tables done, runs as they are."""
        return text.translate(self._characters)

    def fold(self, text: str) -> str:
        """The text as it is matched."""
        return self.squeezed(self.plain(text))

    def squeezed(self, plain: str) -> str:
        """A text with all tables done, and its runs undone too where the steps say so."""
        # Most texts have no run, and to see that is far cheaper than to replace none.
        return _RUN.sub(_FIRST, plain) if self.repeats and _RUN.search(plain) else plain

    def fold_with_origins(self, text: str) -> Folded:
        """The same, with the way back."""
        plain = self.plain(text)
        return self.way_back(text, plain, self.squeezed(plain))

    def way_back(self, text: str, plain: str, folded: str) -> Folded:
        """The way from `folded` back to the text: what is matched, or `plain` itself where runs count."""
        return Folded(map(self._lengths.__getitem__, text), folded, plain)

    def undone(self, piece: str) -> list[str]:
        """The steps that change this piece of a text: how it tried to get by."""
        changed: list[str] = []
        for step in self.steps:
            after = self.one_step(step, piece)
            if after != piece:
                changed.append(step)
            piece = after
        return changed
