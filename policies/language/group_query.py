"""Queries of groups: `os_version < 14 and org_unit in /总部/电销`, read once and asked of many phones.

query := all ("or" all)*        all := one ("and" one)*
one   := "not" one | "(" query ")" | field operator value
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from policies.engine.versions import version_key
from policies.rules.forms import fault

Facts = Mapping[str, Any]
"""What is known of a phone: texts by field, and under `group` the names of the groups that it is in."""
Test = Callable[[Facts], bool]

TEXT_FIELDS = ("serial", "manufacturer", "model", "os")
VERSION_FIELDS = ("os_version", "agent_version")
UNIT_FIELD = "org_unit"
GROUP_FIELD = "group"
FIELDS = (*TEXT_FIELDS, *VERSION_FIELDS, UNIT_FIELD, GROUP_FIELD)
MAX_DEPTH = 20
_TOKEN = re.compile(r'\s*(?:"([^"]*)"|(<=|>=|!=|==|[()<>=])|([^\s()<>=!"]+))')
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read: the test of one phone's facts, and the groups that it asks about."""

    test: Test
    groups: frozenset[str]

    def __call__(self, facts: Facts) -> bool:
        """Whether a phone of these facts is found."""
        return self.test(facts)


def read_query(text: str) -> Query:
    """The query that a text is. Raises a validation error that says what is wrong."""
    reader = _Reader(_tokens(text))
    test = reader.either(0)
    if reader.peek() is not None:
        _wrong(f"多余的“{reader.peek()}”", f"“{reader.peek()}” is too much")
    return Query(test, frozenset(reader.groups))


def check_query(text: str) -> str:
    """The same query. Raises a validation error when it cannot be read."""
    read_query(text)
    return text


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            _wrong("有未闭合的引号", "a quote is not closed")
        tokens.append(next(group for group in found.groups() if group is not None))
        at = found.end()
    return tokens


def _wrong(zh: str, en: str) -> NoReturn:
    raise fault(
        "group_query",
        f"查询无法解析：{zh}。可用成员：{'、'.join(FIELDS)}。",
        f"The query cannot be read: {en}. It may ask for {', '.join(FIELDS)}.",
    )


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self.groups: set[str] = set()

    def peek(self) -> str | None:
        """The next token, None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self.peek()
        if token is None:
            _wrong("内容不完整", "something is missing at the end")
        self._at += 1
        return token

    def _takes(self, word: str) -> bool:
        if self.peek() == word:
            self._at += 1
            return True
        return False

    def either(self, depth: int) -> Test:
        """Tests joined by `or`."""
        tests = [self._all(depth)]
        while self._takes("or"):
            tests.append(self._all(depth))
        return tests[0] if len(tests) == 1 else lambda facts: any(test(facts) for test in tests)

    def _all(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._takes("and"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)

    def _one(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            _wrong("嵌套过深", "it is nested too deeply")
        if self._takes("not"):
            inner = self._one(depth + 1)
            return lambda facts: not inner(facts)
        if self._takes("("):
            test = self.either(depth + 1)
            if not self._takes(")"):
                _wrong("缺少右括号", "a closing bracket is missing")
            return test
        field, operator, value = self._next(), self._next(), self._next()
        if field == GROUP_FIELD:
            self.groups.add(value)
        return _comparison(field, operator, value)


def _comparison(field: str, operator: str, value: str) -> Test:
    operator = "=" if operator == "==" else operator
    if field in VERSION_FIELDS and operator in _COMPARE:
        wanted, compare = version_key(value), _COMPARE[operator]
        if not value[:1].isdigit():
            _wrong(f"“{value}”不是版本号", f"“{value}” is no version")
        return lambda facts: compare(version_key(facts[field]), wanted)
    if field == UNIT_FIELD and operator == "in":
        below = value.rstrip("/") + "/"
        return lambda facts: f"{facts[UNIT_FIELD].rstrip('/')}/".startswith(below)
    if field == GROUP_FIELD and operator in ("=", "!=", "in"):
        wanted_in = operator != "!="
        return lambda facts: (value in facts[GROUP_FIELD]) is wanted_in
    if field not in FIELDS:
        _wrong(f"没有成员“{field}”", f"there is no member “{field}”")
    if field in (*TEXT_FIELDS, UNIT_FIELD) and operator in ("=", "!="):
        same = operator == "="
        return lambda facts: (facts[field].casefold() == value.casefold()) is same
    _wrong(f"“{field} {operator}”不可用", f"“{field} {operator}” is not possible")
