"""JSON with line and column of every member, and without members of the same name."""

from __future__ import annotations

import bisect
import json
import math
import re
from typing import Any, NoReturn, cast

from core.text import Text
from policies.language.problems import Location, Problem, Refused
from policies.language.source import REQUEST, Budget, Limits, RawDocument, check_text, refuse, within

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?(?![0-9.eE+-])")
_WORDS = {"true": True, "false": False, "null": None}


def read_json(text: str, limits: Limits = REQUEST) -> list[RawDocument]:
    """The documents of a JSON text: one object, or an array of them. Raises Refused."""
    reader = _Reader(text, limits)
    data = reader.whole()
    if not isinstance(data, list):
        return within([RawDocument(data, reader.marks)])
    below: list[dict[Location, tuple[int, int]]] = [{} for _ in data]
    for location, mark in reader.marks.items():
        if location:
            below[cast(int, location[0])][location[1:]] = mark
    return within([RawDocument(item, marks) for item, marks in zip(data, below, strict=True)])


class _Reader:
    def __init__(self, text: str, limits: Limits) -> None:
        self.marks: dict[Location, tuple[int, int]] = {}
        self._text = text
        self._at = 0
        self._budget = Budget(limits)
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def whole(self) -> Any:
        """The one value of the text."""
        value = self._value((), 0)
        self._skip()
        if self._at < len(self._text):
            self._fail()
        return value

    def _position(self) -> tuple[int, int]:
        line = bisect.bisect_right(self._lines, self._at)
        return line, self._at - self._lines[line - 1] + 1

    def _fail(self) -> NoReturn:
        line, column = self._position()
        text = Text("JSON 语法有误。", "Not valid JSON.")
        raise Refused([Problem(line, column, "(document)", "json_syntax", text)])

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _next(self, *wanted: str) -> str:
        self._skip()
        char = self._text[self._at : self._at + 1]
        if char not in wanted or not char:
            self._fail()
        self._at += 1
        return char

    def _value(self, location: Location, depth: int) -> Any:
        self._skip()
        mark = self._position()
        self.marks.setdefault(location, mark)
        self._budget.spend(depth, *mark)
        char = self._text[self._at : self._at + 1]
        if char == "{":
            return self._object(location, depth)
        if char == "[":
            return self._array(location, depth)
        return self._string() if char == '"' else self._other()

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            self._fail()
        value = check_text(str(json.loads(found[0])), *self._position())
        self._at = found.end()
        return value

    def _other(self) -> Any:
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        found = _NUMBER.match(self._text, self._at)
        number = json.loads(found[0]) if found else math.inf
        if found is None or not math.isfinite(number):
            self._fail()
        self._at = found.end()
        return number

    def _array(self, location: Location, depth: int) -> list[Any]:
        items: list[Any] = []
        self._at += 1
        if self._ends("]"):
            return items
        while True:
            items.append(self._value((*location, len(items)), depth + 1))
            if self._next(",", "]") == "]":
                return items

    def _object(self, location: Location, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self._at += 1
        if self._ends("}"):
            return members
        while True:
            self._skip()
            mark = self._position()
            key = self._string()
            if key in members:
                refuse(*mark, "duplicate_key", Text(f"成员“{key}”重复。", f"The member “{key}” stands twice."))
            self.marks[(*location, key)] = mark
            self._next(":")
            members[key] = self._value((*location, key), depth + 1)
            if self._next(",", "}") == "}":
                return members

    def _ends(self, char: str) -> bool:
        self._skip()
        if self._text.startswith(char, self._at):
            self._at += 1
            return True
        return False
