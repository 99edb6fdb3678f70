"""Terms from a list into a keyword set: what that would do, and doing it. The list itself is read elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.actor import Actor
from core.errors import Invalid
from core.permissions import Permission
from core.text import Text
from policies import draft_import
from policies.draft_import import Given
from policies.faults import Fault
from policies.keyword_hints import Hint, hints
from policies.language.kinds import DEFAULT_STEPS, KeywordSetSpec, TermEntry
from policies.language.parse import Parsed, typed

KIND = "KeywordSet"
Mode = Literal["add", "replace"]


@dataclass(frozen=True)
class Foreseen:
    """What an import does to a set: counts of terms, faulty lines, repeated lines, and what is odd about the result.

    `revision` is the stored set's before the import, None for a new one.
    """

    name: str
    revision: int | None
    terms: int
    added: int
    changed: int
    unchanged: int
    removed: int
    faults: list[Fault]
    repeated: list[int]
    hints: list[Hint]
    document: dict[str, Any] = field(repr=False)


def foresee(actor: Actor, name: str, given: Sequence[Given], faults: Sequence[Fault] = (), *, mode: Mode) -> Foreseen:
    """What importing the list would do; nothing is changed. Raises Invalid when no line of it can be taken."""
    actor.require(Permission.DOCUMENT_READ)
    entries, repeated, wrong = _checked(given)
    if not entries:
        raise Invalid(
            "no_terms", Text("没有可导入的词条。", "There is no term to import."), **_shown([*faults, *wrong])
        )
    stored = draft_import.stored(KIND, name)
    spec: dict[str, Any] = dict(stored.spec) if stored else {"match": list(DEFAULT_STEPS)}
    before = {_text(entry): entry for entry in spec.get("terms", ())}
    after = {**(before if mode == "add" else {}), **entries}
    spec["terms"] = list(after.values())
    document = draft_import.document(KIND, name, stored.title if stored else None, spec)
    model = keyword_spec(typed(document))
    return Foreseen(
        name=name,
        revision=stored.revision if stored else None,
        terms=len(after),
        added=len(after.keys() - before.keys()),
        changed=sum(1 for text, entry in entries.items() if text in before and before[text] != entry),
        unchanged=sum(1 for text, entry in entries.items() if before.get(text) == entry),
        removed=len(before.keys() - after.keys()),
        faults=sorted([*faults, *wrong], key=lambda fault: fault.line),
        repeated=repeated,
        hints=hints(name, model),
        document=document,
    )


def keyword_spec(parsed: Parsed) -> KeywordSetSpec:
    """The spec of a document that is a keyword set. Raises Invalid for another kind."""
    if not isinstance(parsed.model.spec, KeywordSetSpec):
        raise Invalid("no_keyword_set", Text("文档不是 KeywordSet。", "The document is no KeywordSet."))
    return parsed.model.spec


def _checked(given: Sequence[Given]) -> tuple[dict[str, Any], list[int], list[Fault]]:
    """Entries by text, the first of each; lines that repeat one; lines that are no term."""
    entries: dict[str, Any] = {}
    repeated: list[int] = []
    wrong: list[Fault] = []
    for one in given:
        fault = draft_import.fault(one, TermEntry)
        if fault is not None:
            wrong.append(fault)
            continue
        entry = one.entry["term"] if set(one.entry) == {"term"} else one.entry
        if _text(entry) in entries:
            repeated.append(one.line)
        else:
            entries[_text(entry)] = entry
    return entries, repeated, wrong


def _text(entry: str | dict[str, Any]) -> str:
    if isinstance(entry, str):
        return entry
    text: str = entry.get("term") or entry.get("pattern") or ""
    return text


def _shown(faults: Sequence[Fault]) -> dict[str, Any]:
    return {"faults": [{"line": fault.line, "code": fault.code} for fault in faults[:20]]}
