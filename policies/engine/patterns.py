"""Patterns are folded as texts are, or they would never meet: their letters and digits, not their signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator


def folded_pattern(pattern: str, fold: Callable[[str], str]) -> str:
    """An RE2 pattern whose literal letters and digits are folded; escapes, classes of names and counts stay."""
    return "".join(_pieces(pattern, fold))


def _pieces(pattern: str, fold: Callable[[str], str]) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        skipped = _untouched(pattern, at)
        if skipped:
            yield pattern[at : at + skipped]
            at += skipped
            continue
        char = pattern[at]
        made = fold(char) if char.isalnum() else char
        yield made if len(made) == 1 else char
        at += 1


def _untouched(pattern: str, at: int) -> int:
    """How many characters from here on are no literal: an escape, a count, a named class, a group's flags."""
    if pattern[at] == "\\":
        named = pattern[at + 1 : at + 2] in ("p", "P", "x") and pattern[at + 2 : at + 3] == "{"
        return pattern.index("}", at) - at + 1 if named else 2
    for opening, closing in (("{", "}"), ("[:", ":]"), ("(?P<", ">"), ("(?", ":")):
        if pattern.startswith(opening, at) and (end := pattern.find(closing, at)) > 0:
            return end + len(closing) - at
    return 0
