"""Words written by their sound: whole pinyin, mixed with characters, or initials as a word of their own. Opt-in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import ahocorasick_rs

LEAST_SYLLABLES, LEAST_INITIALS = 2, 3
_WORD = re.compile(r"[A-Za-zＡ-Ｚａ-ｚ]+")


@dataclass(frozen=True, slots=True)
class Sound:
    """Where a term was heard: its number, first and last character (exclusive)."""

    number: int
    start: int
    end: int


class Sounds:
    """The terms of one group of sets by their sound; `table` gives the commonest syllable of a character."""

    def __init__(self, terms: Iterable[tuple[int, str]], table: Mapping[str, str]) -> None:
        self._table = table
        self._initials: dict[str, list[int]] = {}
        spelled: dict[str, list[int]] = {}
        for number, term in terms:
            syllables = [table[char] for char in term if char in table]
            if len(syllables) != len(term) or len(term) < LEAST_SYLLABLES:
                continue
            spelled.setdefault("".join(syllables), []).append(number)
            if len(term) >= LEAST_INITIALS:
                self._initials.setdefault("".join(one[0] for one in syllables), []).append(number)
        self._numbers = list(spelled.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(spelled)) if spelled else None

    def initials(self, text: str) -> Iterator[Sound]:
        """Words of the original text that are the initials of a term."""
        for word in _WORD.finditer(text):
            spelled = unicodedata.normalize("NFKC", word[0]).lower()
            for number in self._initials.get(spelled, ()):
                yield Sound(number, word.start(), word.end())

    def spelled(self, folded: str) -> Iterator[Sound]:
        """Places of a folded text, runs as they are, that sound like a term."""
        if self._automaton is None:
            return
        pieces = [self._table.get(char, char) for char in folded]
        starts, ends = _edges(folded, pieces)
        for index, start, end in self._automaton.find_matches_as_indexes("".join(pieces), overlapping=True):
            if start in starts and end in ends:
                yield from (Sound(number, starts[start], ends[end]) for number in self._numbers[index])


def _edges(folded: str, pieces: list[str]) -> tuple[dict[int, int], dict[int, int]]:
    """Places in the spelled text at which a word may begin and end, with the characters that they belong to."""
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    at = 0
    for index, piece in enumerate(pieces):
        latin = "a" <= folded[index] <= "z"
        if not (latin and index and "a" <= folded[index - 1] <= "z"):
            starts[at] = index
        at += len(piece)
        if not (latin and index + 1 < len(folded) and "a" <= folded[index + 1] <= "z"):
            ends[at] = index + 1
    return starts, ends
