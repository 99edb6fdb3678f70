"""What is odd about the terms of a keyword set: said twice, covered by a shorter one, excused, short of its sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.text import Text
from policies import fold_tables
from policies.engine import KeywordSet, Scanner
from policies.engine.folding import Folder
from policies.engine.scanning import PINYIN
from policies.language.compile import keyword_set_document, term_id
from policies.language.kinds import KeywordSetSpec, TermEntry

HintCode = Literal[
    "same_after_normalisation", "covered_by_shorter", "is_an_exception", "exception_without_term", "sign_lost"
]

SYMBOLS = "symbols"


@dataclass(frozen=True, slots=True)
class Hint:
    """One oddity of a term, with the other term or phrase that it is about."""

    code: HintCode
    term: str
    other: str

    @property
    def text(self) -> Text:
        """What to make of it."""
        return Text(*(part.format(term=self.term, other=self.other) for part in _TEXTS[self.code]))


_TEXTS: dict[HintCode, tuple[str, str]] = {
    "same_after_normalisation": (
        "“{term}”与“{other}”归一化后相同，留一个即可。",
        "“{term}” is the same as “{other}” once evasions are undone: keep one.",
    ),
    "covered_by_shorter": (
        "“{term}”已被更短的“{other}”覆盖，是多余的。",
        "“{term}” holds the shorter “{other}”, which is found anyway.",
    ),
    "is_an_exception": (
        "“{term}”同时是“{other}”的例外，两者矛盾。",
        "“{term}” is a term and also an exception of “{other}”: decide for one.",
    ),
    "exception_without_term": (
        "例外“{other}”不包含“{term}”，不起作用。",
        "The exception “{other}” does not hold “{term}” and has no effect.",
    ),
    "sign_lost": (
        "“{term}”中的符号会被忽略，实际查找的是“{other}”；如果符号有意义，请从 match 中去掉 symbols。",
        "The sign in “{term}” is passed over, “{other}” is what is looked for; to keep it, leave symbols out of match.",
    ),
}


def hints(name: str, spec: KeywordSetSpec) -> list[Hint]:
    """All oddities of a set, in the order of its terms."""
    steps = [step for step in spec.steps if step != PINYIN]
    tables = fold_tables.tables(steps)
    folder = Folder(steps, tables)
    keeper = Folder([step for step in steps if step != SYMBOLS], tables)
    folded = [folder.fold(entry.term) if entry.term else "" for entry in spec.terms]
    first: dict[str, TermEntry] = {}
    for entry, needle in zip(spec.terms, folded, strict=True):
        first.setdefault(needle, entry)
    excused = {folder.fold(phrase): entry for entry in spec.terms for phrase in entry.excuses or ()}
    plain = spec.model_copy(update={"match": steps, "tests": None})
    scanner = Scanner([KeywordSet.model_validate(keyword_set_document(name, plain))], tables)
    by_id = {term_id(name, entry): entry for entry in spec.terms}
    found: list[Hint] = []
    for entry, needle in zip(spec.terms, folded, strict=True):
        if entry.term is None:
            continue
        found += _useless(entry, needle, folder)
        if _without_spaces(keeper.fold(entry.term)) != _without_spaces(needle):
            found.append(Hint("sign_lost", entry.term, needle))
        if first[needle] is not entry:
            found.append(Hint("same_after_normalisation", entry.term, first[needle].text))
        elif needle in excused and excused[needle] is not entry:
            found.append(Hint("is_an_exception", entry.term, excused[needle].text))
        else:
            found += _covered(name, entry, scanner, by_id)
    return found


def _without_spaces(folded: str) -> str:
    return "".join(folded.split())


def _useless(entry: TermEntry, needle: str, folder: Folder) -> Iterator[Hint]:
    for phrase in entry.excuses or ():
        if needle not in folder.fold(phrase):
            yield Hint("exception_without_term", entry.text, phrase)


def _covered(name: str, entry: TermEntry, scanner: Scanner, by_id: dict[str, TermEntry]) -> Sequence[Hint]:
    own = term_id(name, entry)
    for hit in scanner.scan(entry.text):
        other = by_id[hit.term]
        if hit.term != own and other.term is not None and len(other.term) < len(entry.text):
            return [Hint("covered_by_shorter", entry.text, other.term)]
    return []
