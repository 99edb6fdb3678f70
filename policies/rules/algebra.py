"""How two values of one member become one: each operator is a semilattice, so the order of policies never
matters.

`join` is commutative, associative and idempotent, and "at least as strict" is `join(old, new) == new`. From
the same definition come the merge, the provenance of each effective value and the list of what a change makes
looser. A member that a policy does not set is absent; absent joins with anything and changes nothing.
Fragments are plain JSON values; sets are sorted lists without repetition.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Path = tuple[str, ...]
Value: TypeAlias = Any  # a JSON value


@dataclass(frozen=True, slots=True)
class Trace:
    """One effective value, and which of the joined fragments (by index) gave it."""

    path: Path
    value: Value
    sources: tuple[int, ...]


class Operator(Protocol):
    """A way to join two present values of a member."""

    def join(self, a: Value, b: Value) -> Value:
        """The stricter of both."""

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Effective values below this member with their sources.

        `given` has None where a fragment is silent.
        """

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Paths at which `new` asks for less than `old`; `new` may be absent."""


def text_of(value: Value) -> str:
    """A total order over JSON values: their sorted, compact text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def silent(values: Sequence[Value]) -> tuple[int, ...]:
    """Indexes of the fragments that say something."""
    return tuple(index for index, value in enumerate(values) if value is not None)


@dataclass(frozen=True, slots=True)
class Strictest:
    """The value with the highest rank wins: limits, versions, ordered actions.

    `rank` gives a comparable key; equal ranks are decided by the value's text, so that the choice is total.
    """

    rank: Callable[[Value], Any]

    def join(self, a: Value, b: Value) -> Value:
        """The higher ranked value."""
        return max(a, b, key=lambda value: (self.rank(value), text_of(value)))

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """The policies that ask for exactly the winning value."""
        yield Trace(path, merged, tuple(i for i, value in enumerate(given) if value == merged))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Looser when the rank falls."""
        if new is None or self.rank(new) < self.rank(old):
            yield path


def least() -> Strictest:
    """The smaller number is the stricter one."""
    return Strictest(lambda value: -value)


def most() -> Strictest:
    """The greater number is the stricter one."""
    return Strictest(lambda value: value)


def ranked(*weakest_first: str) -> Strictest:
    """A word from an ordered list, the strictest last."""
    order = {word: place for place, word in enumerate(weakest_first)}
    return Strictest(lambda value: order[value])


@dataclass(frozen=True, slots=True)
class Wording:
    """Texts and details for people: any total choice will do, and no wording is looser than another.

    With `counts` their presence is itself a rule (an entry of a list), so that leaving it out is looser.
    """

    counts: bool = False

    def join(self, a: Value, b: Value) -> Value:
        """The later text in order."""
        return max(a, b, key=text_of)

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """The policies that say it in these words."""
        yield Trace(path, merged, tuple(i for i, value in enumerate(given) if value == merged))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Only an entry that counts and is gone."""
        if self.counts and new is None:
            yield path


@dataclass(frozen=True, slots=True)
class Union:
    """A set of words: whatever any policy names."""

    def join(self, a: Value, b: Value) -> Value:
        """Both sets together."""
        return sorted({*a, *b})

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Each word on its own."""
        for word in merged:
            yield Trace((*path, word), True, tuple(i for i, value in enumerate(given) if value and word in value))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Each word that is gone."""
        for word in old:
            if word not in (new or ()):
                yield (*path, word)


@dataclass(frozen=True, slots=True)
class Constraints:
    """A set of objects that must all hold; each has an `id`, and equal objects are one.

    `covers(old, new)` says that `new` asks for at least what `old` asks for; equality unless given.
    """

    covers: Callable[[Mapping[str, Any], Mapping[str, Any]], bool] = field(default=lambda old, new: old == new)

    def join(self, a: Value, b: Value) -> Value:
        """All of both, in the order of their text."""
        return [json.loads(text) for text in sorted({text_of(item) for item in (*a, *b)})]

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Each constraint on its own."""
        for item in merged:
            sources = tuple(i for i, value in enumerate(given) if value and item in value)
            yield Trace((*path, str(item["id"])), item, sources)

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Each constraint that nothing new covers."""
        for item in old:
            if not any(self.covers(item, other) for other in new or ()):
                yield (*path, str(item["id"]))


@dataclass(frozen=True, slots=True)
class Each:
    """An object whose keys are free: the union of the keys, each joined by the same operator."""

    operator: Operator

    def join(self, a: Value, b: Value) -> Value:
        """Key by key."""
        return join_keys(dict.fromkeys((*a, *b), self.operator), a, b)

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Below each key."""
        yield from trace_keys(dict.fromkeys(merged, self.operator), path, merged, given)

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Below each key."""
        yield from loosened_keys(dict.fromkeys(old, self.operator), path, old, new)


@dataclass(frozen=True, slots=True)
class Allowed:
    """An allow-list as an object of name -> details: only what every list allows."""

    def join(self, a: Value, b: Value) -> Value:
        """Names that stand in both."""
        return {name: max(a[name], b[name], key=text_of) for name in sorted(a) if name in b}

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Each allowed name comes from every list; so does an empty result."""
        for name in merged:
            yield Trace((*path, name), merged[name], silent(given))
        if not merged:
            yield Trace(path, merged, silent(given))

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """No list at all allows everything; else each name that is newly allowed."""
        if new is None:
            yield path
            return
        for name in new:
            if name not in old:
                yield (*path, name)


@dataclass(frozen=True, slots=True)
class Members:
    """An object with named members, each with its own operator."""

    operators: Mapping[str, Operator]

    def join(self, a: Value, b: Value) -> Value:
        """Member by member."""
        return join_keys(self.operators, a, b)

    def traces(self, path: Path, merged: Value, given: Sequence[Value]) -> Iterator[Trace]:
        """Below each member."""
        yield from trace_keys(self.operators, path, merged, given)

    def loosened(self, path: Path, old: Value, new: Value) -> Iterator[Path]:
        """Below each member."""
        yield from loosened_keys(self.operators, path, old, new)


def join_keys(operators: Mapping[str, Operator], a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """Join two objects key by key; what only one has is taken as it is."""
    merged: dict[str, Any] = {}
    for key in sorted({*a, *b}):
        if key in a and key in b:
            merged[key] = operators[key].join(a[key], b[key])
        else:
            merged[key] = a[key] if key in a else b[key]
    return merged


def trace_keys(
    operators: Mapping[str, Operator], path: Path, merged: Mapping[str, Any], given: Sequence[Value]
) -> Iterator[Trace]:
    """Provenance of an object's members."""
    for key, value in merged.items():
        below = [None if fragment is None else fragment.get(key) for fragment in given]
        yield from operators[key].traces((*path, key), value, below)


def loosened_keys(
    operators: Mapping[str, Operator], path: Path, old: Mapping[str, Any], new: Mapping[str, Any] | None
) -> Iterator[Path]:
    """Paths of an object's members that became looser."""
    for key, value in old.items():
        yield from operators[key].loosened((*path, key), value, (new or {}).get(key))
