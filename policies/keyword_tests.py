"""The tests of a keyword set: texts that must be found and texts that must not. Publishing waits for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from core.text import Text
from policies import fold_tables
from policies.engine import KeywordSet, Scanner
from policies.language.compile import keyword_set_document
from policies.language.kinds import KeywordSetSpec

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that fails: where it stands, its text, and the ids of what was found in it."""

    path: str
    text: str
    found: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As it stands in a problem document."""
        return {"path": self.path, "text": self.text, "found": list(self.found)}


def scanner(sets: Mapping[str, KeywordSetSpec]) -> Scanner:
    """Keyword sets compiled as phones compile them."""
    documents = [KeywordSet.model_validate(keyword_set_document(name, spec)) for name, spec in sets.items()]
    steps = {str(step) for document in documents for step in document.steps}
    return Scanner(documents, fold_tables.tables(steps))


def failures(name: str, spec: KeywordSetSpec) -> list[Failure]:
    """The tests of a set that fail."""
    tests = spec.tests
    if tests is None:
        return []
    compiled = scanner({name: spec})
    wrong = [
        Failure(f"spec.tests.hit[{at}]", text, ()) for at, text in enumerate(tests.hit or ()) if not compiled.scan(text)
    ]
    for at, text in enumerate(tests.passes or ()):
        if hits := compiled.scan(text):
            wrong.append(Failure(f"spec.tests.pass[{at}]", text, tuple(hit.term for hit in hits)))
    return wrong


def require(name: str, spec: KeywordSetSpec) -> None:
    """Raise Invalid that names every test that fails."""
    wrong = failures(name, spec)
    if wrong:
        raise Invalid("keyword_tests_fail", _text(name, wrong), failures=[one.plain() for one in wrong[:SHOWN]])


def _text(name: str, wrong: Sequence[Failure]) -> Text:
    first = wrong[0]
    zh = f"命中了 {'、'.join(first.found)}" if first.found else "没有命中"
    en = f"found {', '.join(first.found)}" if first.found else "found nothing"
    return Text(
        f"敏感词库“{name}”有 {len(wrong)} 条自测未通过，未发布。第一条：{first.path}，{zh}。请修改词条或自测。",
        f"{len(wrong)} tests of the keyword set “{name}” fail; it was not published. The first: {first.path} {en}. "
        "Change the terms or the tests.",
    )
