"""Finding literal terms in a text.

Only the steps that need no table are undone here (`width`, `case`); terms that are patterns are searched with
the function that the caller hands in, since an RE2 engine is no part of this package.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

from policies.engine.documents import KeywordSet, Term

PatternSearch = Callable[[str, str], bool]


def fold(text: str, steps: list[str]) -> str:
    """The text with the steps undone that need no table."""
    if "width" in steps:
        text = unicodedata.normalize("NFKC", text)
    return text.casefold() if "case" in steps else text


def find_hits(terms: KeywordSet, text: str, search: PatternSearch | None = None) -> list[str]:
    """Ids of the terms in a text, in the order of the set; `search(pattern, text)` looks for patterns."""
    steps = [str(step) for step in terms.steps]
    folded = fold(text, steps)
    return [term.id for term in terms.terms if _found(term, folded, steps, search)]


def _found(term: Term, folded: str, steps: list[str], search: PatternSearch | None) -> bool:
    if term.pattern is not None:
        excused = _without(folded, [fold(phrase, steps) for phrase in term.excuses])
        return search is not None and search(term.pattern, excused)
    return _literal(fold(term.term or "", steps), folded, [fold(phrase, steps) for phrase in term.excuses])


def _literal(needle: str, text: str, excuses: list[str]) -> bool:
    """Whether the needle stands anywhere but inside an excusing phrase."""
    spans = [span for phrase in excuses for span in _spans(phrase, text)]
    return any(not any(start <= left and right <= end for start, end in spans) for left, right in _spans(needle, text))


def _spans(needle: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(needle) if needle else -1
    while at >= 0:
        yield at, at + len(needle)
        at = text.find(needle, at + 1)


def _without(text: str, phrases: list[str]) -> str:
    """The text with excusing phrases replaced by a separator that no pattern of words crosses."""
    for phrase in phrases:
        text = text.replace(phrase, "\n") if phrase else text
    return text
