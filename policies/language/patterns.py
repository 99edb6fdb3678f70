"""Patterns of keyword sets: RE2, and of bounded length, so that no text is slow and no match is unbounded."""

from __future__ import annotations

import re

import re2

from policies.rules.forms import fault

MAX_PATTERN = 200
MAX_MATCH = 64
_COUNTED = re.compile(r"\{(\d{1,4})(,)?(\d{1,4})?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]")
_ESCAPE = re.compile(r"\\(?:[pP](?:\{\^?\w+\}|\w)|x(?:\{[0-9a-fA-F]+\}|[0-9a-fA-F]{2})|[0-7]{3}|.)", re.DOTALL)
_GROUP = re.compile(r"\((?:\?(?:P?<\w+>|[imsU-]*:))?")
_ZERO_WIDTH = {"^", "$", "\\b", "\\B", "\\A", "\\z"}


def check_pattern(pattern: str) -> str:
    """The same pattern. Raises a validation error when it is no RE2, unbounded, or matches nothing at all."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise fault("pattern_syntax", "不是有效的 RE2 正则。", "Not a valid RE2 pattern.") from error
    if compiled.fullmatch("") is not None:
        raise fault("pattern_empty", "正则不能匹配空文本。", "The pattern must not match the empty text.")
    longest = _Width(pattern).longest()
    if longest is None or longest > MAX_MATCH:
        raise fault(
            "pattern_unbounded",
            f"正则的匹配长度必须有界且不超过 {MAX_MATCH}：请用 {{0,5}} 代替 * 和 +。",
            f"A match must be bounded and at most {MAX_MATCH} characters: write {{0,5}} instead of * and +.",
        )
    return pattern


class _Width:
    """The longest match of a pattern that RE2 accepts; None when there is no bound."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def longest(self) -> int | None:
        """Characters of the longest match of what stands up to the end or the closing bracket."""
        branches: list[int | None] = [0]
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            if self._pattern[self._at] == "|":
                self._at += 1
                branches.append(0)
                continue
            width, last = self._repeated(self._atom()), branches[-1]
            branches[-1] = None if width is None or last is None else last + width
        return None if any(branch is None for branch in branches) else max(b or 0 for b in branches)

    def _atom(self) -> int | None:
        if self._pattern[self._at] == "(":
            return self._group()
        found = _CLASS.match(self._pattern, self._at) or _ESCAPE.match(self._pattern, self._at)
        token = found[0] if found else self._pattern[self._at]
        self._at += len(token)
        return 0 if token in _ZERO_WIDTH else 1

    def _group(self) -> int | None:
        opening = _GROUP.match(self._pattern, self._at)
        self._at += len(opening[0]) if opening else 1
        inner = self.longest()
        self._at += 1
        return inner

    def _repeated(self, width: int | None) -> int | None:
        while self._at < len(self._pattern):
            counted = _COUNTED.match(self._pattern, self._at)
            sign = self._pattern[self._at]
            if counted:
                self._at = counted.end()
                least, comma, most = counted.groups()
                bound = int(most) if most else None if comma else int(least)
                width = None if width is None or bound is None else width * bound
            elif sign in "*+?":
                self._at += 1
                width = width if sign == "?" else None
            else:
                break
        return width
