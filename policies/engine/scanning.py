"""Finding the terms of keyword sets in a text, through evasions, with where they stand in the original.

Most texts hold nothing: the fast way folds and searches with one automaton for all sets of equal steps. What it finds
is then judged slowly: whole Latin words, runs as long as the term's own, nothing inside an excusing phrase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import ahocorasick_rs
import re2

from policies.engine.documents import KeywordSet, Term
from policies.engine.folding import MAX_TEXT, REPEATS, Folded, Folder, Table
from policies.engine.patterns import folded_pattern
from policies.engine.pinyin import Sounds

PINYIN, SPLIT = "pinyin", "split"
MESSAGES_BEFORE = 2
"""Earlier messages of a conversation in which a word may begin."""
TAIL = 200
"""Characters of an earlier message that are looked at."""


class Hit(NamedTuple):
    """A term that was found: its set and id, and where in the text.

    `start` is below 0 where the term begins in an earlier message. `through` names what it tried to get by with.
    """

    set: str
    term: str
    start: int
    end: int
    through: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """One term of one set, folded; `runs` as long as the needle."""

    set: str
    term: Term
    needle: str = ""
    runs: list[int] | None = None
    excuses: frozenset[str] = frozenset()


class Scanner:
    """Compiled keyword sets. Immutable: a new version of a set is a new scanner, swapped in whole."""

    def __init__(self, sets: Iterable[KeywordSet], tables: Mapping[str, Table] | None = None) -> None:
        grouped: dict[tuple[str, ...], list[KeywordSet]] = {}
        for one in sets:
            grouped.setdefault(tuple(str(step) for step in one.steps), []).append(one)
        self._groups = [_Group(steps, members, tables or {}) for steps, members in grouped.items()]

    def scan(self, text: str, before: Sequence[str] = ()) -> list[Hit]:
        """All terms in a text; with the messages `before` it (oldest first) also those that end in it.

        Looks at the first 20,000 characters. Hits come by set, then by place.
        """
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT]
        found: list[Hit] = []
        for group in self._groups:
            if hits := group.scan(text):
                found += hits
        if before:
            earlier = "".join(message[-TAIL:] for message in before[-MESSAGES_BEFORE:])
            for group in self._groups:
                found += group.scan_across(earlier, text)
        if len(found) > 1:
            found.sort(key=lambda hit: (hit.set, hit.start, hit.end, hit.term))
        return found


class _Group:
    """Sets whose steps are the same, so that a text is folded once for all of them."""

    def __init__(self, steps: tuple[str, ...], sets: Sequence[KeywordSet], tables: Mapping[str, Table]) -> None:
        self._folder = Folder(steps, tables)
        literal = [_Entry(one.set, term) for one in sets for term in one.terms if term.term is not None]
        self._patterns = [_Entry(one.set, term) for one in sets for term in one.terms if term.pattern is not None]
        self._entries = [entry for entry in literal if self._prepare(entry)]
        self._by_needle: dict[str, list[_Entry]] = {}
        for entry in self._entries:
            self._by_needle.setdefault(entry.needle, []).append(entry)
        phrases = {phrase for entry in self._entries for phrase in entry.excuses}
        self._needles = [*self._by_needle, *sorted(phrases - self._by_needle.keys())]
        self._by_index = [self._by_needle.get(needle, []) for needle in self._needles]
        self._find = _automaton(self._needles)
        self._sounds = self._make_sounds(tables) if PINYIN in steps else None
        self._set, self._compiled = self._compile_patterns()
        self._literal_only = self._set is None and self._sounds is None

    def _prepare(self, entry: _Entry) -> bool:
        folded = self._folder.fold_with_origins(entry.term.term or "")
        entry.needle, entry.runs = folded.text, folded.runs(0, len(folded.text))
        entry.excuses = frozenset(filter(None, (self._folder.fold(phrase) for phrase in entry.term.excuses)))
        return bool(folded.text)

    def _make_sounds(self, tables: Mapping[str, Table]) -> Sounds:
        terms = ((number, self._folder.plain(entry.term.term or "")) for number, entry in enumerate(self._entries))
        return Sounds(terms, tables.get(PINYIN, {}))

    def _compile_patterns(self) -> tuple[Any, list[Any]]:
        if not self._patterns:
            return None, []
        together, compiled = re2.Set.SearchSet(), []
        for entry in self._patterns:
            pattern = folded_pattern(entry.term.pattern or "", self._folder.character)
            together.Add(pattern)
            compiled.append(re2.compile(pattern))
            entry.excuses = frozenset(filter(None, (self._folder.plain(phrase) for phrase in entry.term.excuses)))
        together.Compile()
        return together, compiled

    def scan(self, text: str) -> list[Hit]:
        """Terms inside one text."""
        plain = self._folder.plain(text)
        folded = self._folder.squeezed(plain)
        packed = folded.encode()
        matches = self._find(packed, True)
        if not matches and self._literal_only:
            return []
        hits: list[Hit] = []
        if matches:
            back = self._folder.way_back(text, plain, folded)
            hits += self._judge(text, back, [_characters(packed, *match) for match in matches])
        if self._set is not None:
            hits += self._search(text, plain)
        if self._sounds is not None:
            hits += self._hear(self._sounds, text, plain, {hit.term for hit in hits})
        return hits

    def scan_across(self, earlier: str, text: str) -> Iterator[Hit]:
        """Terms that begin in what was said before and end in this text."""
        edge = len(earlier)
        for hit in self.scan(earlier + text[:TAIL]):
            if hit.start < edge < hit.end:
                yield Hit(hit.set, hit.term, hit.start - edge, hit.end - edge, (*hit.through, SPLIT))

    def _judge(self, text: str, folded: Folded, matches: Sequence[tuple[int, int, int]]) -> Iterator[Hit]:
        for index, start, end in matches:
            for entry in self._by_index[index]:
                if entry.excuses and _inside(start, end, self._excusing(entry, matches)):
                    continue
                runs = folded.runs(start, end)
                if not _long_enough(runs, entry.runs):
                    continue
                left, right = folded.original(start, end)
                if self._is_whole(text, entry.needle, left, right):
                    yield self._hit(entry, text, left, right, *([REPEATS] if _repeated(runs, entry.runs) else ()))

    def _excusing(self, entry: _Entry, matches: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
        return [(start, end) for index, start, end in matches if self._needles[index] in entry.excuses]

    def _is_whole(self, text: str, needle: str, left: int, right: int) -> bool:
        """Whether a Latin word or a number is a whole one."""
        if needle[0].isascii() and left and _joined(self._folder.character(text[left - 1])[-1:], needle[0]):
            return False
        return not (
            needle[-1].isascii() and right < len(text) and _joined(needle[-1], self._folder.character(text[right])[:1])
        )

    def _hit(self, entry: _Entry, text: str, start: int, end: int, *through: str) -> Hit:
        piece = text[start:end]
        undone = () if piece == entry.term.term else tuple(self._folder.undone(piece))
        return Hit(entry.set, entry.term.id, start, end, (*undone, *through))

    def _search(self, text: str, plain: str) -> Iterator[Hit]:
        for index in self._set.Match(plain) or ():
            entry = self._patterns[index]
            excused = _without(plain, entry.excuses)
            match = self._compiled[index].search(excused)
            if match is not None:
                start, end = self._place(text, plain if excused == plain else "", match)
                yield Hit(entry.set, entry.term.id, start, end, tuple(self._folder.undone(text[start:end])))

    def _place(self, text: str, plain: str, match: Any) -> tuple[int, int]:
        """Where a pattern's match stands in the original; the whole text where a phrase was cut out before it."""
        if not plain:
            return 0, len(text)
        return self._folder.way_back(text, plain, plain).original(match.start(), match.end())

    def _hear(self, sounds: Sounds, text: str, plain: str, known: set[str]) -> Iterator[Hit]:
        back = self._folder.way_back(text, plain, plain)
        for sound in sounds.spelled(plain):
            yield from self._heard(sound.number, text, *back.original(sound.start, sound.end), known)
        for sound in sounds.initials(text):
            yield from self._heard(sound.number, text, sound.start, sound.end, known)

    def _heard(self, number: int, text: str, start: int, end: int, known: set[str]) -> Iterator[Hit]:
        entry = self._entries[number]
        if entry.term.id not in known:
            known.add(entry.term.id)
            yield self._hit(entry, text, start, end, PINYIN)


def _automaton(needles: Sequence[str]) -> Any:
    """Finds the needles in UTF-8: to search bytes is faster, and offsets are turned into characters only for hits."""
    encoded = [needle.encode() for needle in needles]
    if not encoded:
        return lambda _text, _overlapping: []
    kind = ahocorasick_rs.Implementation.ContiguousNFA
    return ahocorasick_rs.BytesAhoCorasick(encoded, implementation=kind).find_matches_as_indexes


def _characters(folded: bytes, index: int, start: int, end: int) -> tuple[int, int, int]:
    first = len(folded[:start].decode())
    return index, first, first + len(folded[start:end].decode())


def _long_enough(have: list[int] | None, need: list[int] | None) -> bool:
    """Whether each character stands at least as often as in the term; None means once each."""
    if need is None:
        return True
    return have is not None and all(had >= wanted for had, wanted in zip(have, need, strict=True))


def _repeated(have: list[int] | None, need: list[int] | None) -> bool:
    """Whether some character stands more often than in the term."""
    return have is not None and sum(have) > (len(have) if need is None else sum(need))


def _joined(a: str, b: str) -> bool:
    """Whether two neighbours belong to one Latin word or one number."""
    return (_is_letter(a) and _is_letter(b)) or (_is_digit(a) and _is_digit(b))


def _is_letter(char: str) -> bool:
    return "a" <= char <= "z" or "A" <= char <= "Z"


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _inside(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(left <= start and end <= right for left, right in spans)


def _without(text: str, phrases: Iterable[str]) -> str:
    """The text with excusing phrases replaced by a separator that no pattern of words crosses."""
    for phrase in phrases:
        text = text.replace(phrase, "\n")
    return text
