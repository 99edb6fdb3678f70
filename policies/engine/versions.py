"""Version numbers of operating systems as things that can be compared."""

from __future__ import annotations


def version_key(version: str) -> tuple[int, ...]:
    """`14.0` as (14,): trailing zeros do not count, and what is not a number ends it."""
    numbers: list[int] = []
    for part in version.strip().split("."):
        if not (part.isascii() and part.isdigit()):
            break
        numbers.append(int(part))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
