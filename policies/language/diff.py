"""What differs between two specs, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.language.problems import path_text
from policies.rules.algebra import text_of

MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member or item: `old` is None where it is new, `new` where it is gone."""

    path: str
    old: Any
    new: Any

    def plain(self) -> dict[str, Any]:
        """As it is shown."""
        return {"path": self.path, "old": self.old, "new": self.new}


def differences(old: Any, new: Any) -> list[FieldChange]:
    """At most 200 differences between two JSON values, in the order of the members."""
    found: list[FieldChange] = []
    for change in _walk(old, new, ("spec",)):
        found.append(change)
        if len(found) == MAX_FIELDS:
            break
    return found


def _walk(old: Any, new: Any, path: tuple[str | int, ...]) -> Iterator[FieldChange]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _walk(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(old, new, path)
    else:
        yield FieldChange(path_text(path), old, new)


def _items(old: list[Any], new: list[Any], path: tuple[str | int, ...]) -> Iterator[FieldChange]:
    """Items that are gone and items that came; a list whose order alone changed is shown whole."""
    old_texts, new_texts = {text_of(item) for item in old}, {text_of(item) for item in new}
    if old_texts == new_texts:
        yield FieldChange(path_text(path), old, new)
        return
    for item in old:
        if text_of(item) not in new_texts:
            yield FieldChange(path_text(path), item, None)
    for item in new:
        if text_of(item) not in old_texts:
            yield FieldChange(path_text(path), None, item)
