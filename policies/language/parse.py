"""From bytes to typed documents: all of them, or all that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from core.text import Text
from policies.language.json_source import read_json
from policies.language.kinds import API_VERSION, KINDS, Document
from policies.language.messages import code_of, text_for
from policies.language.overlaps import overlaps
from policies.language.problems import Location, Marks, Problem, Refused, problem_at
from policies.language.source import REQUEST, Limits, RawDocument, text_of
from policies.language.yaml_source import read_yaml

Format = Literal["yaml", "json"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """One document: typed, as it was written, where its members stand, and its text where it came as YAML."""

    model: Document
    data: dict[str, Any]
    marks: Marks
    source: str | None = None

    @property
    def kind(self) -> str:
        """The kind."""
        return self.model.kind

    @property
    def name(self) -> str:
        """The name."""
        return self.model.metadata.name

    def problem(self, location: Sequence[str | int], code: str, text: Text) -> Problem:
        """A problem of this document at a location."""
        return problem_at(self.marks, location, code, text)


def parse(body: bytes, form: Format = "yaml", limits: Limits = REQUEST) -> list[Parsed]:
    """All documents of a request or file. Raises Refused with every problem, or TooLarge; never half."""
    raw = (read_yaml if form == "yaml" else read_json)(text_of(body, limits), limits)
    parsed: list[Parsed] = []
    problems: list[Problem] = []
    for document in raw:
        try:
            parsed.append(_typed(document))
        except Refused as refused:
            problems += refused.problems
    problems += [problem for _, problem in repeated(parsed)]
    if problems:
        raise Refused(problems)
    return parsed


def typed(document: dict[str, Any]) -> Parsed:
    """A document that a program built. Raises Refused with every problem."""
    return _typed(RawDocument(document))


def _typed(raw: RawDocument) -> Parsed:
    if not isinstance(raw.data, dict):
        raise Refused(
            [problem_at(raw.marks, (), "not_a_document", Text("应为一个文档对象。", "It must be a document."))]
        )
    kind = raw.data.get("kind")
    form = KINDS.get(kind) if isinstance(kind, str) else None
    if form is None:
        choices = ", ".join(KINDS)
        text = Text(f"kind 只能是：{choices}。", f"The kind must be one of: {choices}.")
        raise Refused([problem_at(raw.marks, ("kind",), "unknown_kind", text)])
    try:
        parsed = Parsed(form.model_validate(raw.data), raw.data, raw.marks, raw.source)
    except ValidationError as error:
        raise Refused(list(_problems(error, raw.marks))) from error
    faults = [parsed.problem(*fault) for fault in overlaps(raw.data["spec"])] if parsed.kind == "Policy" else []
    if faults:
        raise Refused(faults)
    return parsed


def _problems(error: ValidationError, marks: Marks) -> Iterator[Problem]:
    for fault in error.errors(include_url=False, include_input=False):
        location = _location(fault["loc"], marks, missing=fault["type"] == "missing")
        text = text_for(fault["type"], fault.get("ctx", {}), fault["msg"])
        if fault["type"] == "literal_error" and location == ("apiVersion",):
            text = Text(f"apiVersion 应为 {API_VERSION}。", f"apiVersion must be {API_VERSION}.")
        yield problem_at(marks, location, code_of(fault["type"]), text)


def _location(loc: Sequence[str | int], marks: Marks, *, missing: bool) -> Location:
    """The part of an error's location that stands in the text: the names of union branches do not."""
    found: Location = ()
    for place, part in enumerate(loc):
        if (*found, part) in marks or (missing and place == len(loc) - 1):
            found = (*found, part)
    return found


def repeated(parsed: Sequence[Parsed]) -> Iterator[tuple[int, Problem]]:
    """Documents of a kind and name that stand there before: the number of each, from 0, and what is wrong."""
    seen: set[tuple[str, str]] = set()
    for number, document in enumerate(parsed):
        key = (document.kind, document.name)
        if key in seen:
            text = Text(
                f"{document.kind}“{document.name}”重复出现。", f"{document.kind} “{document.name}” stands twice."
            )
            yield number, document.problem(("metadata", "name"), "document_twice", text)
        seen.add(key)
