"""YAML 1.2 by its core schema, read from parser events: `off` and `22:00` stay texts, nothing is constructed.

Tags, anchors and aliases are refused, so a text can neither name a type nor multiply itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from core.text import Text
from policies.language.problems import Location
from policies.language.source import MAX_DOCUMENTS, REQUEST, Budget, Limits, RawDocument, check_text, refuse, within

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")


# The library looks through a tag once for each of its characters; no text that we take is as long as this one.
_ENDLESS_TAG = re.compile(r"(?<!\S)![^\s]{4096}|[\[{,]![^\s]{4096}")


def read_yaml(text: str, limits: Limits = REQUEST) -> list[RawDocument]:
    """All documents of a YAML text. Raises Refused."""
    endless = _ENDLESS_TAG.search(text)
    if endless:
        refuse(
            text.count("\n", 0, endless.start()) + 1, 1, "tag", Text("不支持 YAML 标签。", "YAML tags are not taken.")
        )
    try:
        documents = _Reader(YAML(typ="safe", pure=True).parse(text), limits).documents(text)
        return within(list(islice(documents, MAX_DOCUMENTS + 1)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        refuse(
            line, column, "yaml_syntax", Text("YAML 语法有误，请检查缩进与符号。", f"Not valid YAML: {error.problem}.")
        )
    except (YAMLError, ValueError, RecursionError) as error:
        refuse(1, 1, "yaml_syntax", Text("YAML 语法有误。", f"Not valid YAML: {type(error).__name__}."))


def plain_scalar(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2: null, boolean, number, else text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


class _Reader:
    """Builds plain values from events; one instance reads one text."""

    def __init__(self, events: Iterator[Any], limits: Limits) -> None:
        self._events = iter(events)
        self._budget = Budget(limits)
        self._marks: dict[Location, tuple[int, int]] = {}

    def documents(self, text: str) -> Iterator[RawDocument]:
        """Each document that is not empty, with its part of the text; comments before the first are the first's."""
        starts: list[int] = []
        found: list[tuple[int, RawDocument]] = []
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                starts.append(event.start_mark.index if starts else 0)
                self._marks = {}
                data = self._node(next(self._events), (), 0)
                if data is not None:
                    found.append((len(starts) - 1, RawDocument(data, self._marks)))
        starts.append(len(text))
        for number, document in found:
            document.source = text[starts[number] : starts[number + 1]]
            yield document

    def _node(self, event: Any, location: Location, depth: int) -> Any:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self._marks.setdefault(location, (line, column))
        self._budget.spend(depth, line, column)
        self._plain_only(event, line, column)
        if isinstance(event, ScalarEvent):
            return (
                check_text(event.value, line, column)
                if event.style
                else plain_scalar(check_text(event.value, line, column))
            )
        if isinstance(event, SequenceStartEvent):
            return self._sequence(location, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(location, depth)
        raise ValueError("unexpected event")

    def _plain_only(self, event: Any, line: int, column: int) -> None:
        if isinstance(event, AliasEvent) or event.anchor:
            refuse(
                line,
                column,
                "alias",
                Text(
                    "不支持 YAML 的锚点与别名，请直接写出内容。",
                    "YAML anchors and aliases are not taken: write it out.",
                ),
            )
        if event.tag is not None:
            refuse(line, column, "tag", Text("不支持 YAML 标签。", "YAML tags are not taken."))

    def _sequence(self, location: Location, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._node(event, (*location, len(items)), depth + 1))
        return items

    def _mapping(self, location: Location, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, members, depth + 1)
            self._marks[(*location, key)] = (event.start_mark.line + 1, event.start_mark.column + 1)
            members[key] = self._node(next(self._events), (*location, key), depth + 1)
        return members

    def _key(self, event: Any, members: dict[str, Any], depth: int) -> str:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self._budget.spend(depth, line, column)
        self._plain_only(event, line, column)
        if not isinstance(event, ScalarEvent):
            refuse(line, column, "bad_key", Text("成员名必须是文本。", "The name of a member must be text."))
        key = check_text(str(event.value), line, column)
        if key in members:
            refuse(line, column, "duplicate_key", Text(f"成员“{key}”重复。", f"The member “{key}” stands twice."))
        return key
