"""Queries of groups: `os_version < 14 and org_unit in /总部/电销`, read once and asked of many phones.

query := all ("or" all)*        all := one ("and" one)*
one   := "not" one | "(" query ")" | field operator value
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from pydantic_core import PydanticCustomError

from policies.engine.versions import version_key

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


class Token(NamedTuple):
    """A word of a query, and where it begins."""

    text: str
    place: int


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
    reader = _Reader(_tokens(text), len(text))
    test = reader.either(0)
    if reader.peek() is not None:
        _wrong(f"多余的“{reader.peek()}”", f"“{reader.peek()}” is too much", reader.place)
    return Query(test, frozenset(reader.groups))


def check_query(text: str) -> str:
    """The same query. Raises a validation error when it cannot be read."""
    read_query(text)
    return text


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            _wrong("有未闭合的引号", "a quote is not closed", text.index('"', at))
        number = next(number for number, group in enumerate(found.groups(), 1) if group is not None)
        tokens.append(Token(found.group(number), found.start(number)))
        at = found.end()
    return tokens


def _wrong(zh: str, en: str, place: int) -> NoReturn:
    raise PydanticCustomError(
        "group_query",
        "{en}",
        {
            "zh": f"查询无法解析，第 {place + 1} 个字符处：{zh}。可用成员：{'、'.join(FIELDS)}。",
            "en": f"The query cannot be read at character {place + 1}: {en}. It may ask for {', '.join(FIELDS)}.",
            "place": place,
        },
    )


class _Reader:
    def __init__(self, tokens: list[Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._at = 0
        self.groups: set[str] = set()

    @property
    def place(self) -> int:
        """Where the next token begins; the end of the text after the last."""
        return self._tokens[self._at].place if self._at < len(self._tokens) else self._end

    def peek(self) -> str | None:
        """The next token, None at the end."""
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self.peek()
        if token is None:
            _wrong("内容不完整", "something is missing at the end", self._end)
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
            _wrong("嵌套过深", "it is nested too deeply", self.place)
        if self._takes("not"):
            inner = self._one(depth + 1)
            return lambda facts: not inner(facts)
        if self._takes("("):
            test = self.either(depth + 1)
            if not self._takes(")"):
                _wrong("缺少右括号", "a closing bracket is missing", self.place)
            return test
        places = [token.place for token in self._tokens[self._at : self._at + 3]]
        field, operator, value = self._next(), self._next(), self._next()
        if field == GROUP_FIELD:
            self.groups.add(value)
        return _comparison(field, operator, value, places)


def _comparison(field: str, operator: str, value: str, places: Sequence[int]) -> Test:
    operator = "=" if operator == "==" else operator
    if field in VERSION_FIELDS and operator in _COMPARE:
        wanted, compare = version_key(value), _COMPARE[operator]
        if not value[:1].isdigit():
            _wrong(f"“{value}”不是版本号", f"“{value}” is no version", places[2])
        return lambda facts: compare(version_key(facts[field]), wanted)
    if field == UNIT_FIELD and operator == "in":
        below = value.rstrip("/") + "/"
        return lambda facts: f"{facts[UNIT_FIELD].rstrip('/')}/".startswith(below)
    if field == GROUP_FIELD and operator in ("=", "!=", "in"):
        wanted_in = operator != "!="
        return lambda facts: (value in facts[GROUP_FIELD]) is wanted_in
    if field not in FIELDS:
        _wrong(f"没有成员“{field}”", f"there is no member “{field}”", places[0])
    if field in (*TEXT_FIELDS, UNIT_FIELD) and operator in ("=", "!="):
        same = operator == "="
        return lambda facts: (facts[field].casefold() == value.casefold()) is same
    _wrong(f"“{field} {operator}”不可用", f"“{field} {operator}” is not possible", places[1])
