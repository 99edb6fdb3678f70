"""The form of one document: drawn from its text, with what is wrong at the member where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from console.policy_form import changes
from console.policy_form.nodes import Node, build
from console.policy_form.shapes import FORMS, Shape, shape_of
from console.policy_form.words import FAMILIES
from core.errors import TooLarge
from core.text import Text
from policies.language.edit import Edit, rewrite
from policies.language.problems import Problem, Refused, path_text
from policies.language.source import RawDocument
from policies.language.yaml_source import read_yaml

LONGEST_TEXT = 100_000
"""Characters of text that a form is drawn for; larger documents are edited as text."""
HEAD = Shape("group", members={"name": Shape("text", limit=63, required=True), "title": Shape("text", limit=100)})
NAME = "metadata.name"
"""Only a document that is not stored yet is given its name here; a stored one keeps it."""
_READ = 16


@dataclass(slots=True)
class Sheet:
    """The form: its sections, whether there are more documents in the text, or why there is no form."""

    base: str
    head: Node | None = None
    sections: list[Node] = field(default_factory=list)
    several: bool = False
    why_not: Text | None = None

    @property
    def roots(self) -> list[Node]:
        """All that the form holds."""
        return ([self.head] if self.head else []) + self.sections


def has_form(kind: str) -> bool:
    """Whether documents of the kind are edited in a form too."""
    return kind in FORMS


def draw(kind: str, text: str, problems: Sequence[Problem] = ()) -> Sheet:
    """The form of the first document of the kind in a text."""
    sheet = Sheet(text)
    found = _find(kind, text)
    if isinstance(found, Text):
        sheet.why_not = found
        return sheet
    number, documents = found
    data = documents[number].data
    sheet.several = len(documents) > 1
    sheet.head = build(HEAD, _map(data.get("metadata")), ("metadata",), "metadata")
    spec = build(shape_of(kind), _map(data.get("spec")), ("spec",))
    sheet.sections = spec.children
    if kind == "Policy":
        order = list(FAMILIES)
        sheet.sections = sorted(spec.children, key=lambda node: order.index(node.path))
    _point_out(sheet, _own(problems, documents, number))
    return sheet


def change(kind: str, text: str, base: str, sent: changes.Sent, act: str, names: Sequence[str]) -> str:
    """The text with what was changed in a form that was drawn from `base`, and one act of its buttons done."""
    drawn = draw(kind, base)
    edits = changes.edits(drawn.roots, sent) + _act(drawn, act, names)
    found = _find(kind, text)
    if not edits or isinstance(found, Text):
        return text
    return rewrite(text, found[0], edits)


def _act(drawn: Sheet, act: str, names: Sequence[str]) -> list[Edit]:
    verb, _, name = act.partition(" ")
    node = next((one for root in drawn.roots for one in root.walk() if one.name == name), None)
    if node is None or node.strange:
        return []
    return changes.added(node, names) if verb == "add" else changes.dropped(node) if verb == "drop" else []


def _find(kind: str, text: str) -> tuple[int, list[RawDocument]] | Text:
    if len(text) > LONGEST_TEXT:
        return Text(
            "文档太大，无法用表单显示，请直接编辑 YAML。",
            "This document is too large for the form: edit the YAML.",
        )
    try:
        documents = _read(text)
    except (Refused, TooLarge):
        return Text(
            "YAML 暂时无法读取，改正后表单自动恢复。",
            "The YAML cannot be read just now; the form comes back once it can.",
        )
    for number, document in enumerate(documents):
        if isinstance(document.data, dict) and document.data.get("kind") == kind:
            return number, documents
    return Text(
        f"YAML 中没有 kind: {kind} 的文档，表单无法显示。",
        f"The YAML holds no document of kind: {kind}, so there is no form.",
    )


@lru_cache(maxsize=_READ)
def _read(text: str) -> list[RawDocument]:
    """Documents of a text; nobody changes them, and the same text comes several times in one request."""
    return read_yaml(text)


def _map(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _own(problems: Sequence[Problem], documents: Sequence[RawDocument], number: int) -> list[Problem]:
    """Problems that stand in the lines of this document."""
    first = documents[number].marks[()][0]
    end = documents[number + 1].marks[()][0] if number + 1 < len(documents) else None
    return [one for one in problems if one.line >= first and (end is None or one.line < end)]


def _point_out(sheet: Sheet, problems: Sequence[Problem]) -> None:
    """Each problem at the member that it names, or at the nearest one around it."""
    places = {path_text(node.location): node for root in sheet.roots for node in root.walk()}
    for problem in problems:
        path = problem.path
        while path and path not in places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        if path in places:
            places[path].problems.append(problem.text)
